"""Mail against a real server on loopback: encrypted, signed in, in time, one address only."""

from __future__ import annotations

import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import mail
from app.core.database import Databases, reading
from app.core.errors import Conflict, InvalidInput
from app.core.mail import MailError
from app.core.settings import MailSetting, Settings, load
from app.identity import operators
from app.identity.tables import audit
from tests.identity.people import sign_in
from tests.services.smtp import certificate, serving


def setting(port: int, **values: str) -> MailSetting:
    plain = MailSetting("127.0.0.1", port, "", "", "none", "panel@example.org")
    return replace(plain, **values)


def send(used: MailSetting, trust: ssl.SSLContext | None = None, to: str = "ann@x.example") -> None:
    mail.send(used, to=to, subject="Grüße", text=".\nA line.\n", trust=trust)


def test_a_mail_arrives_as_it_was_written() -> None:
    with serving() as server:
        send(setting(server.port))
    (got,) = server.mails
    assert (got.sender, got.to, got.secure) == ("panel@example.org", ["ann@x.example"], False)
    head, _, body = got.text.partition("\r\n\r\n")
    assert "To: ann@x.example" in head and "From: panel@example.org" in head
    assert "Subject: =?utf-8?" in head and "Message-ID: <" in head
    assert body == "..\r\nA line.\r\n", "dots are doubled on the way (RFC 5321)"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_encrypted_and_signed_in(tmp_path: Path, tls: str) -> None:
    context, file = certificate(tmp_path)
    with serving(context, from_start=tls == "tls") as server:
        server.users["ann"] = "very secret"
        used = setting(server.port, tls=tls, user="ann", password="very secret")
        send(used, ssl.create_default_context(cafile=file))
        assert [(one.secure, one.user) for one in server.mails] == [(True, "ann")]
        with pytest.raises(MailError, match="certificate of 127.0.0.1 is not trusted"):
            send(used)
        with pytest.raises(MailError, match="refused the user or password"):
            send(replace(used, password="wrong"), ssl.create_default_context(cafile=file))
        assert len(server.mails) == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    context, file = certificate(elsewhere, "DNS:mail.example.org")
    with serving(context, from_start=tls == "tls") as server:
        with pytest.raises(MailError, match="not trusted"):
            send(setting(server.port, tls=tls), ssl.create_default_context(cafile=file))
        assert server.mails == []


def test_nothing_is_sent_in_the_clear_that_was_to_be_encrypted() -> None:
    with serving() as server:
        with pytest.raises(MailError, match="does not offer"):
            send(setting(server.port, tls="starttls", user="ann", password="secret"))
        assert not any("AUTH" in line or "MAIL" in line for line in server.lines)
        assert server.mails == []


@pytest.mark.parametrize("mode", ["silent", "drip"])
def test_a_server_that_does_not_get_on_is_left(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "STEP_S", 0.5)
    monkeypatch.setattr(mail, "TOTAL_S", 1.0)
    with serving() as server:
        server.mode = mode
        begun = time.monotonic()
        with pytest.raises(MailError, match="did not answer in time"):
            send(setting(server.port))
        assert time.monotonic() - begun < 3


def test_what_the_server_says_is_told() -> None:
    with serving() as server:
        server.mode = "refuse"
        with pytest.raises(MailError, match="does not take mail for this address"):
            send(setting(server.port))
    with pytest.raises(MailError, match="Connection refused"):
        send(setting(1))
    with pytest.raises(Conflict, match="No mail server is set"):
        send(setting(25, host=""))


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ann",
        "ann@",
        "@x.example",
        "ann@x.example, bob@x.example",
        "ann@x.example\r\nBcc: bob@x.example",
        "ann@x.example\n",
        "Ann <ann@x.example>",
        '"ann"@x.example',
        "ann@x.example>\r\nRCPT TO:<bob@x.example",
        "änn@x.example",
        "a" * 65 + "@x.example",
    ],
)
def test_only_one_address_is_taken(to: str) -> None:
    with serving() as server:
        with pytest.raises(InvalidInput, match="no mail address"):
            send(setting(server.port), to=to)
        assert server.lines == []


def test_a_subject_is_one_line() -> None:
    with pytest.raises(InvalidInput, match="one line"):
        mail.compose(setting(1), to="ann@x.example", subject="Hi\r\nBcc: bob@x.example", text="")


@pytest.fixture
def with_mail(settings: Settings, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    from argon2 import PasswordHasher

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)
    return app


def test_the_screen_shows_the_settings_and_sends_a_test(
    with_mail: Flask, settings: Settings, databases: Databases
) -> None:
    client = sign_in(with_mail, "admin")
    assert "No mail server is set" in client.get("/settings/mail").text
    with serving() as server:
        used = setting(server.port, user="", password="never shown")
        with_mail.extensions["settings"] = replace(settings, smtp=used)
        page = client.get("/settings/mail").text
        assert f"127.0.0.1:{server.port}" in page and "never shown" not in page
        for to, code in (("nobody", 400), ("", 400), ("ann@x.example", 303)):
            sent = client.post("/settings/mail", data={"csrf_token": client.csrf, "to": to})
            assert sent.status_code == code, sent.text
        assert [one.to for one in server.mails] == [["ann@x.example"]]
        server.mode = "refuse"
        sent = client.post(
            "/settings/mail", data={"csrf_token": client.csrf, "to": "bob@x.example"}
        )
        assert sent.status_code == 502 and "does not take mail for this address" in sent.text
    with reading(databases.panel) as connection:
        query = select(audit.c.detail).where(audit.c.action == "mail.test")
        assert connection.scalars(query).all() == ['{"to": "ann@x.example"}']


def test_the_command_sends_a_test(with_mail: Flask, settings: Settings) -> None:
    runner = with_mail.test_cli_runner()
    none = runner.invoke(args=["mail", "test", "ann@x.example"])
    assert none.exit_code == 1 and "No mail server is set." in none.output
    with serving() as server:
        with_mail.extensions["settings"] = replace(settings, smtp=setting(server.port))
        sent = runner.invoke(args=["mail", "test", "ann@x.example"])
        assert sent.output == "The server took the mail to ann@x.example.\n"
        assert len(server.mails) == 1


def test_settings_of_mail(tmp_path: Path) -> None:
    def read(**env: str) -> MailSetting:
        given = {f"PANEL_SMTP_{name}": value for name, value in env.items()}
        return load({"PANEL_DATA_DIR": str(tmp_path), **given}).smtp

    assert read() == MailSetting("", 587, "", "", "starttls", "")
    ports = {tls: read(TLS=tls).port for tls in ("starttls", "tls", "none")}
    assert ports == {"starttls": 587, "tls": 465, "none": 25}
