"""Signing in and out as an attacker would try it."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.core import clock
from app.core.database import reading, writing
from app.identity import sessions, throttle
from app.identity.tables import audit, operator, operator_session
from app.identity.views import safe_next
from tests.identity.people import PASSWORD, Browser, make, sign_in, token_of


def _try(client: FlaskClient, login: str, password: str, **more: str) -> TestResponse:
    values = {"csrf_token": token_of(client), "login": login, "password": password} | more
    return client.post("/login", data=values)


def _cookie(client: FlaskClient) -> str:
    found = client.get_cookie("companion")
    assert found is not None
    return found.value


def test_right_password_opens_a_session_and_leads_on(app: Flask, client: FlaskClient) -> None:
    make(app, "ann")
    answer = _try(client, "ann", PASSWORD, next="/cdr?range=7d")
    assert (answer.status_code, answer.location) == (303, "/cdr?range=7d")
    assert client.get("/cdr").status_code == 200
    with reading(app.extensions["databases"].panel) as connection:
        assert list(connection.scalars(select(audit.c.action))) == ["operator.sign_in"]


def test_wrong_password_and_unknown_login_look_the_same(app: Flask, client: FlaskClient) -> None:
    make(app, "ann")
    wrong = _try(client, "ann", "not the password")
    unknown = _try(client, "nobody", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    sentence = "Login or password is wrong."
    assert sentence in wrong.text and sentence in unknown.text
    assert client.get("/cdr").status_code == 303


def test_a_locked_operator_cannot_sign_in_and_is_out_at_once(app: Flask) -> None:
    client = sign_in(app, "admin", "ann")
    with writing(app.extensions["databases"].panel) as connection:
        connection.execute(update(operator).values(active=False))
    assert client.get("/cdr").status_code == 303
    assert _try(app.test_client(), "ann", PASSWORD).status_code == 401


def test_the_database_knows_only_the_hash_of_the_token(app: Flask) -> None:
    client = sign_in(app, "admin")
    with client.session_transaction(environ_overrides={"REMOTE_ADDR": "127.0.0.1"}) as session:
        token = session["_user_id"]
    with reading(app.extensions["databases"].panel) as connection:
        row = connection.execute(select(operator_session)).mappings().one()
    assert row["token_hash"] == sessions.token_hash(token)
    assert token not in str(dict(row))


def test_a_copied_cookie_is_worth_nothing_after_logout(app: Flask) -> None:
    client = sign_in(app, "admin")
    stolen = _cookie(client)
    assert client.post("/logout", data={"csrf_token": client.csrf}).status_code == 303
    thief = app.test_client()
    thief.set_cookie("companion", stolen)
    assert thief.get("/cdr").status_code == 303


def test_the_session_before_the_sign_in_does_not_live_on(app: Flask, client: FlaskClient) -> None:
    make(app, "ann")
    before = token_of(client)
    planted = _cookie(client)
    assert _try(client, "ann", PASSWORD).status_code == 303
    victim = app.test_client()
    victim.set_cookie("companion", planted)
    assert victim.get("/cdr").status_code == 303
    assert client.post("/logout", data={"csrf_token": before}).status_code == 400


@pytest.mark.parametrize(
    ("passed", "alive"),
    [(sessions.IDLE_MS - 1_000, True), (sessions.IDLE_MS + 1_000, False)],
)
def test_idle_sessions_end(
    app: Flask, monkeypatch: pytest.MonkeyPatch, passed: int, alive: bool
) -> None:
    client = sign_in(app, "admin")
    later = clock.now_ms() + passed
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert (client.get("/account").status_code == 200) is alive


def test_a_session_in_use_ends_after_seven_days(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(app, "admin")
    begun = clock.now_ms()
    moment = [begun]
    monkeypatch.setattr(clock, "now_ms", lambda: moment[0])
    step = sessions.IDLE_MS - clock.MINUTE
    while moment[0] + step < begun + sessions.LONGEST_MS:
        moment[0] += step
        assert client.get("/account").status_code == 200
    moment[0] = begun + sessions.LONGEST_MS + clock.SECOND
    assert client.get("/account").status_code == 303


def test_looking_at_pages_is_not_a_write_each_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(app, "admin")
    begun = clock.now_ms()
    seen = []
    for minutes in (1, 2, 6):
        monkeypatch.setattr(clock, "now_ms", lambda m=minutes: begun + m * clock.MINUTE)
        client.get("/account")
        with reading(app.extensions["databases"].panel) as connection:
            seen.append(connection.scalar(select(operator_session.c.seen_at)))
    assert seen[0] == seen[1] and seen[2] == begun + 6 * clock.MINUTE


def test_five_wrong_passwords_close_the_login_for_everyone(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(app, "ann")
    for _ in range(throttle.PER_LOGIN):
        assert _try(client, "ann", "wrong wrong wrong").status_code == 401
    refused = _try(app.test_client(), "ann", PASSWORD)
    assert refused.status_code == 429
    assert "Wait 15 minutes" in refused.text
    later = clock.now_ms() + throttle.WINDOW_MS + 1
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert _try(client, "ann", PASSWORD).status_code == 303


def test_a_form_without_its_token_is_refused_with_a_sentence(
    app: Flask, client: FlaskClient
) -> None:
    make(app, "ann")
    answer = client.post("/login", data={"login": "ann", "password": PASSWORD})
    assert answer.status_code == 400
    assert "This form is too old" in answer.text


def test_changing_the_password_ends_the_other_sessions(app: Flask) -> None:
    here = sign_in(app, "admin", "ann")
    there = app.test_client()
    _try(there, "ann", PASSWORD)
    values = {"csrf_token": here.csrf, "old": PASSWORD, "new": "another good one 42"}
    assert here.post("/account/password", data=values).status_code == 303
    assert here.get("/cdr").status_code == 200
    assert there.get("/cdr").status_code == 303
    assert _try(app.test_client(), "ann", PASSWORD).status_code == 401
    assert _try(app.test_client(), "ann", "another good one 42").status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("wrong", "another good one 42", "not your present password"),
        (PASSWORD, "short", "Use 12 to 256"),
        (PASSWORD, "ann ann ann ann", "too easy"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "too easy"),
        (PASSWORD, PASSWORD, "is the old one"),
        (PASSWORD, "x" * 257, "Use 12 to 256"),
    ],
)
def test_bad_new_passwords_are_refused_at_the_field(
    app: Flask, old: str, new: str, says: str
) -> None:
    client = sign_in(app, "admin", "ann")
    values = {"csrf_token": client.csrf, "old": old, "new": new}
    answer = client.post("/account/password", data=values)
    assert answer.status_code == 400
    assert says in answer.text
    assert _try(app.test_client(), "ann", PASSWORD).status_code == 303


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "cdr",
        "//evil.example/x",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "/cdr\\@evil.example",
    ],
)
def test_next_never_leads_away(app: Flask, address: str | None) -> None:
    with app.test_request_context():
        assert safe_next(address) == "/"


def test_next_leads_to_our_own_pages(app: Flask) -> None:
    with app.test_request_context():
        assert safe_next("/cdr/5?x=1") == "/cdr/5?x=1"


def test_the_zone_is_kept_and_nonsense_refused(app: Flask) -> None:
    client: Browser = sign_in(app, "readonly")
    for zone, status in (("Europe/Berlin", 303), ("Mars/Olympus", 400), ("../../etc/passwd", 400)):
        values = {"csrf_token": client.csrf, "zone": zone, "locale": "de-DE"}
        assert client.post("/account/view", data=values).status_code == status
    assert '<option selected value="Europe/Berlin">' in client.get("/account").text
