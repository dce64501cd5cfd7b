"""Signing in as an attacker would go at it: guessing, planting, stealing, leading away."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.core.database import Databases, metadata, reading, writing
from app.identity import operators, second_factor, sessions, throttle
from app.identity.cookies import CookieSessions
from app.identity.tables import operator, operator_session
from app.opensips.tables import create_opensips_tables
from tests.identity.people import PASSWORD, Browser, make, sign_in, token_of

NEW_PASSWORD = "violin harbour seventeen"
WRONG = "wrong wrong wrong"
# Where programs ask, not browsers: a cookie alone must open nothing there.
MACHINES = ("/api/",)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)
    operators._nobodys_hash.cache_clear()


def _try(
    client: FlaskClient,
    login: str,
    password: str = PASSWORD,
    address: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
    **more: str,
) -> TestResponse:
    values = {"csrf_token": token_of(client), "login": login, "password": password} | more
    there = {"REMOTE_ADDR": address}
    return client.post("/login", data=values, environ_overrides=there, headers=headers)


def _cookie(client: FlaskClient) -> str:
    found = client.get_cookie("companion")
    assert found is not None
    return found.value


def _with(app: Flask, cookie: str) -> FlaskClient:
    """A browser into which that cookie was put."""
    client = app.test_client()
    client.set_cookie("companion", cookie)
    return client


def _is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def _token(client: FlaskClient) -> str:
    with client.session_transaction() as kept:
        return str(kept["_user_id"])


# guessing ----------------------------------------------------------------------------------


def test_one_login_from_many_addresses(app: Flask, panel_db: Databases) -> None:
    make(app, "ann")
    client = app.test_client()
    answers = [
        _try(client, "ann", WRONG, f"192.0.2.{number}").status_code
        for number in range(throttle.PER_LOGIN + 5)
    ]
    assert answers == [401] * throttle.PER_LOGIN + [429] * 5
    # The right password opens nothing either, or a guesser would learn that it is right.
    assert _try(app.test_client(), "ann", PASSWORD, "203.0.113.9").status_code == 429


def test_many_logins_from_one_address(app: Flask, panel_db: Databases) -> None:
    client = app.test_client()
    answers = [
        _try(client, f"user{number}", WRONG, "192.0.2.1").status_code
        for number in range(throttle.PER_ADDRESS + 3)
    ]
    assert answers == [401] * throttle.PER_ADDRESS + [429] * 3
    make(app, "ann")
    assert _try(client, "ann", PASSWORD, "192.0.2.1").status_code == 429
    assert _try(client, "ann", PASSWORD, "192.0.2.2").status_code == 303


def test_a_guesser_with_an_account_of_his_own_does_not_set_the_count_back(app: Flask) -> None:
    make(app, "ann")
    make(app, "eve")
    answers = []
    for number in range(throttle.PER_ADDRESS + 1):
        if number % 3 == 0:
            _try(app.test_client(), "eve", PASSWORD, "192.0.2.1")
        guess = _try(app.test_client(), f"user{number}", WRONG, "192.0.2.1")
        answers.append(guess.status_code)
    assert answers[-1] == 429
    for _ in range(throttle.PER_LOGIN):
        _try(app.test_client(), "eve", PASSWORD, "192.0.2.7")
        _try(app.test_client(), "ann", WRONG, "192.0.2.8")
    assert _try(app.test_client(), "ann", WRONG, "192.0.2.9").status_code == 429


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"])
def test_an_address_that_somebody_says_of_himself_does_not_count(app: Flask, name: str) -> None:
    answers = [
        _try(
            app.test_client(),
            f"user{number}",
            WRONG,
            "192.0.2.1",
            {name: f"198.51.100.{number}"},
        ).status_code
        for number in range(throttle.PER_ADDRESS + 1)
    ]
    assert answers[-1] == 429


@pytest.mark.parametrize("other", ["ann ", " ann", "\tann"])
def test_a_login_in_other_letters_has_no_tries_of_its_own(app: Flask, other: str) -> None:
    make(app, "ann")
    for _ in range(throttle.PER_LOGIN):
        assert _try(app.test_client(), "ann", WRONG).status_code == 401
    assert _try(app.test_client(), other, PASSWORD).status_code == 429


def test_a_login_that_only_looks_alike_is_another(app: Flask, panel_db: Databases) -> None:
    make(app, "ann")
    for other in ("ANN", "Ann", "ａnn", "ann\u200b", "ann%", "an_", "' OR 1=1 --", "ånn"):
        assert _try(app.test_client(), other, PASSWORD).status_code == 401, other
        with writing(panel_db.panel) as connection:
            connection.execute(throttle.login_attempt.delete())


# planting a session ------------------------------------------------------------------------


def test_a_cookie_from_before_the_sign_in_never_counts_afterwards(app: Flask) -> None:
    make(app, "ann")
    client = app.test_client()
    old_form = token_of(client)
    planted = _cookie(client)
    assert _try(client, "ann").status_code == 303
    assert _is_in(client)
    assert _cookie(client) != planted
    assert not _is_in(_with(app, planted))
    assert client.post("/logout", data={"csrf_token": old_form}).status_code == 400


def test_each_sign_in_has_a_token_of_its_own(app: Flask, databases: Databases) -> None:
    make(app, "ann")
    client, tokens = app.test_client(), []
    for page in ("/login", "/account", "/account"):
        values = {"csrf_token": token_of(client, page), "login": "ann", "password": PASSWORD}
        assert client.post("/login", data=values).status_code == 303
        tokens.append(_token(client))
    assert len(set(tokens)) == 3
    assert all(len(token) >= 43 for token in tokens)
    with reading(databases.panel) as connection:
        hashes = set(connection.scalars(select(operator_session.c.token_hash)))
    assert hashes == {sessions.token_hash(token) for token in tokens}


def test_the_attackers_session_in_the_victims_browser_does_not_become_the_victims(
    app: Flask,
) -> None:
    eve = sign_in(app, "readonly", "eve")
    make(app, "boss")
    victim = _with(app, _cookie(eve))
    form = victim.get("/account").text
    token = re.search(r'name="csrf-token" content="([^"]+)"', form)
    assert token is not None
    values = {"csrf_token": token[1], "login": "boss", "password": PASSWORD}
    assert victim.post("/login", data=values).status_code == 303
    assert victim.get("/operators").status_code == 200
    assert eve.get("/operators").status_code == 403


def test_a_cookie_is_not_made_without_the_key_nor_from_what_the_database_holds(
    app: Flask, databases: Databases
) -> None:
    make(app, "ann")
    client = app.test_client()
    assert _try(client, "ann").status_code == 303
    with reading(databases.panel) as connection:
        hashed = connection.scalar(select(operator_session.c.token_hash))
    serializer = CookieSessions(app.extensions["settings"]).get_signing_serializer(app)
    assert isinstance(serializer, URLSafeTimedSerializer)
    right = serializer.dumps({"_user_id": _token(client), "_fresh": True})
    assert _is_in(_with(app, str(right)))
    # With the key but with the stored hash, with the number of the operator, and with another key.
    for forged in (hashed, "1", 1, None, True, ["1"], {"id": 1}, "", "x" * 5_000):
        cookie = serializer.dumps({"_user_id": forged, "_fresh": True})
        assert not _is_in(_with(app, str(cookie))), forged
    app.config["SECRET_KEY"] = "another-key-0123456789abcdef0123456789"
    other = CookieSessions(app.extensions["settings"]).get_signing_serializer(app)
    app.config["SECRET_KEY"] = app.extensions["settings"].secret_key
    assert other is not None
    assert not _is_in(_with(app, str(other.dumps({"_user_id": _token(client)}))))


# forged requests ---------------------------------------------------------------------------


def _posts(app: Flask) -> list[tuple[Rule, str, str]]:
    """Every address that changes something, with its method."""
    values: dict[str, Any] = {"digest": "x", "name": "x", "reason": "no_bye", "state": "off"}
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
                given = {name: values.get(name, 1) for name in rule.arguments}
                address = rule.build(given)
                assert address is not None
                found.append((rule, method, str(address[1])))
    return found


def _everything(dbs: Databases) -> dict[str, list[str]]:
    seen = {"operator_session", "audit", "audit_head"}
    with reading(dbs.panel) as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in metadata.sorted_tables
            if table.name not in seen
        }


@pytest.mark.parametrize("token", [None, "", "x", "of another session"])
def test_no_form_of_another_site_changes_anything(
    app: Flask, databases: Databases, token: str | None
) -> None:
    create_opensips_tables(databases.switch)
    client, other = sign_in(app, "admin", "boss"), sign_in(app, "admin", "eve")
    before = _everything(databases)
    data = {} if token is None else {"csrf_token": token}
    if token == "of another session":
        data = {"csrf_token": other.csrf}
    walked = _posts(app)
    assert len(walked) > 30
    for rule, method, address in walked:
        answer = client.open(address, method=method, data={**data, "password": PASSWORD})
        if rule.rule.startswith(MACHINES):
            assert answer.status_code >= 400, rule
            continue
        assert answer.status_code == 400, (rule, method, answer.status_code)
        assert "did not come from this page" in answer.text, rule
    assert _everything(databases) == before
    assert _is_in(client) and _is_in(other)


def test_a_form_is_no_form_when_it_comes_by_get_or_as_another_method(app: Flask) -> None:
    client = sign_in(app, "admin")
    for rule, method, address in _posts(app):
        if method != "POST" or "GET" in (rule.methods or ()) or address.startswith("/api/"):
            continue
        answer = client.get(address, query_string={"csrf_token": client.csrf})
        # Another rule may answer a GET of that address; it changes nothing (see the matrix).
        assert answer.status_code in (200, 303, 404, 405), rule
    values = {"csrf_token": client.csrf, "_method": "POST"}
    override = {"X-HTTP-Method-Override": "POST"}
    assert client.get("/logout", query_string=values, headers=override).status_code == 405
    assert _is_in(client)


@pytest.mark.parametrize(
    "page", [None, "https://evil.example/x", "https://panel.test.evil.example"]
)
def test_over_https_the_page_that_a_form_comes_from_is_looked_at(
    app: Flask, page: str | None
) -> None:
    make(app, "ann")
    client = app.test_client()
    base = "https://panel.test"
    found = re.search(r'csrf-token" content="([^"]+)"', client.get("/login", base_url=base).text)
    assert found is not None
    values = {"csrf_token": found[1], "login": "ann", "password": PASSWORD}
    headers = {} if page is None else {"Referer": page}
    refused = client.post("/login", data=values, base_url=base, headers=headers)
    assert refused.status_code == 400
    ours = {"Referer": f"{base}/login"}
    assert client.post("/login", data=values, base_url=base, headers=ours).status_code == 303


# being led elsewhere -----------------------------------------------------------------------

HOSTILE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "https:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    ":80",
    "?next=//evil.example",
    "#//evil.example",
    "/\x0b/evil.example",
    "/\x7f/evil.example",
    "/cdr\r\nSet-Cookie: a=b",
    "/cdr\\@evil.example",
    "//[::1",
    "/\u2028/evil.example",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_the_sign_in_leads_nowhere_else(app: Flask, address: str) -> None:
    make(app, "ann")
    client = app.test_client()
    signed = _try(client, "ann", next=address)
    again = client.get("/login", query_string={"next": address})
    themed = client.post(
        "/theme",
        data={"csrf_token": token_of(client, "/account"), "theme": "dark", "next": address},
    )
    for answer in (signed, again, themed):
        assert answer.status_code == 303
        assert _stays(answer.location), answer.location
        assert "Set-Cookie: a" not in str(answer.headers)


def _stays(location: str) -> bool:
    """What browsers make of it: one slash first, no second one, nothing that they skip."""
    plain = re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", location)
    return plain is not None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1@evil.example"])
def test_a_forged_host_is_in_no_redirect_and_on_no_page(app: Flask, host: str) -> None:
    make(app, "ann")
    client = app.test_client()
    headers = {
        "Host": host,
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Server": "evil.example",
        "X-Original-URL": "//evil.example",
        "Forwarded": "host=evil.example",
    }
    for address in ("/", "/cdr", "/login", "/nowhere", "/account/", "/login/code"):
        answer = client.get(address, headers=headers)
        assert "evil.example" not in answer.headers.get("Location", ""), address
        assert "evil.example" not in answer.text, address
    answer = _try(client, "ann", headers=headers)
    assert answer.status_code in (303, 400)
    assert "evil.example" not in answer.headers.get("Location", "")


# a stolen token ----------------------------------------------------------------------------


def _sign_out(app: Flask, victim: Browser) -> None:
    assert victim.post("/logout", data={"csrf_token": victim.csrf}).status_code == 303


def _change_password(app: Flask, victim: Browser) -> None:
    values = {"csrf_token": victim.csrf, "old": PASSWORD, "new": NEW_PASSWORD}
    assert victim.post("/account/password", data=values).status_code == 303
    assert _is_in(victim), "this very browser stays"
    assert victim.post("/theme", data={"csrf_token": victim.csrf}).status_code == 303


def _change_password_elsewhere(app: Flask, victim: Browser) -> None:
    other = app.test_client()
    assert _try(other, "ann").status_code == 303
    values = {"csrf_token": token_of(other, "/account"), "old": PASSWORD, "new": NEW_PASSWORD}
    assert other.post("/account/password", data=values).status_code == 303
    assert not _is_in(victim)


def _reset_by_command(app: Flask, victim: Browser) -> None:
    done = app.test_cli_runner().invoke(
        args=["operator", "reset-password", "ann", "--password-stdin"], input=NEW_PASSWORD
    )
    assert done.exit_code == 0, done.output


def _reset_by_administrator(app: Flask, victim: Browser) -> None:
    boss = sign_in(app, "admin", "boss")
    answer = boss.post(f"/operators/{_number(app)}/password", data={"csrf_token": boss.csrf})
    assert answer.status_code == 200


def _lock(app: Flask, victim: Browser) -> None:
    boss = sign_in(app, "admin", "boss")
    values = {"csrf_token": boss.csrf, "role": "noc"}
    assert boss.post(f"/operators/{_number(app)}", data=values).status_code == 303


def _lock_in_the_database(app: Flask, victim: Browser) -> None:
    with writing(app.extensions["databases"].panel) as connection:
        connection.execute(update(operator).where(operator.c.login == "ann").values(active=False))


def _another_role(app: Flask, victim: Browser) -> None:
    boss = sign_in(app, "admin", "boss")
    values = {"csrf_token": boss.csrf, "role": "readonly", "active": "y"}
    assert boss.post(f"/operators/{_number(app)}", data=values).status_code == 303


def _ended_by_administrator(app: Flask, victim: Browser) -> None:
    boss = sign_in(app, "admin", "boss")
    answer = boss.post(f"/operators/{_number(app)}/sessions", data={"csrf_token": boss.csrf})
    assert answer.status_code == 303


def _ended_by_the_button(app: Flask, victim: Browser) -> None:
    """On another device, with the button of the list."""
    other = app.test_client()
    assert _try(other, "ann").status_code == 303
    buttons = re.findall(
        r'action="(/account/sessions/\w+/end)"', other.get("/account/sessions").text
    )
    assert len(buttons) == 1
    token = token_of(other, "/account")
    assert other.post(buttons[0], data={"csrf_token": token}).status_code == 303
    assert _is_in(other) and not _is_in(victim)
    assert other.post(buttons[0], data={"csrf_token": token}).status_code == 404


def _everywhere_else(app: Flask, victim: Browser) -> None:
    values = {"csrf_token": victim.csrf}
    assert victim.post("/account/sessions/end-others", data=values).status_code == 303
    assert _is_in(victim), "this very browser stays"


def _second_factor_reset(app: Flask, victim: Browser) -> None:
    done = app.test_cli_runner().invoke(args=["operator", "reset-second-factor", "ann"])
    assert done.exit_code == 0, done.output


def _number(app: Flask) -> int:
    with reading(app.extensions["databases"].panel) as connection:
        return operators.number_of(connection, "ann")


ENDS = [
    _sign_out,
    _change_password,
    _change_password_elsewhere,
    _reset_by_command,
    _reset_by_administrator,
    _lock,
    _lock_in_the_database,
    _another_role,
    _ended_by_administrator,
    _ended_by_the_button,
    _everywhere_else,
    _second_factor_reset,
]


@pytest.mark.parametrize("end", ENDS)
def test_a_stolen_cookie_is_worth_nothing_afterwards(
    app: Flask, both_dbs: Databases, end: Callable[[Flask, Browser], None]
) -> None:
    victim = sign_in(app, "noc", "ann")
    if end is _second_factor_reset:
        with writing(both_dbs.panel) as connection:
            second_factor.begin(connection, _number(app), app.extensions["settings"].secret_key)
    stolen = _cookie(victim)
    assert _is_in(_with(app, stolen)), "before, it is worth all"
    end(app, victim)
    thief = _with(app, stolen)
    assert not _is_in(thief)
    assert thief.get("/").status_code == 303
    answer = thief.post("/account/view", data={"csrf_token": victim.csrf, "zone": "UTC"})
    assert answer.status_code in (303, 400)


def test_nobody_ends_the_session_of_another(app: Flask, databases: Databases) -> None:
    ann, eve = sign_in(app, "noc", "ann"), sign_in(app, "admin", "eve")
    mark = sessions.token_hash(_token(ann))
    assert mark[:16] not in eve.get("/account/sessions").text
    for tried in (mark, mark[:16], mark[:12], mark[:11] + "%", "%" * 12, "_" * 12, "_" * 64):
        where = f"/account/sessions/{tried}/end"
        answer = eve.post(where, data={"csrf_token": eve.csrf})
        assert answer.status_code in (400, 404), tried
    assert _is_in(ann) and _is_in(eve)
    with reading(databases.panel) as connection:
        assert len(connection.scalars(select(operator_session.c.token_hash)).all()) == 2


# where a token may be seen -----------------------------------------------------------------


def test_the_token_is_neither_in_the_database_nor_in_the_log_nor_on_a_page(
    app: Flask, both_dbs: Databases, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client = sign_in(app, "admin", "ann")
        token, cookie = _token(client), _cookie(client)
        pages = [client.get(path).text for path in ("/", "/account", "/account/sessions", "/audit")]
        pages.append(client.get("/nowhere").text)
        client.post("/logout", data={"csrf_token": "x"})
    with reading(both_dbs.panel) as connection:
        stored = "\n".join(
            str(dict(row))
            for table in metadata.sorted_tables
            for row in connection.execute(select(table)).mappings()
        )
    assert sessions.token_hash(token) in stored
    logged = "\n".join(line.getMessage() for line in caplog.records)
    for where in (stored, logged, *pages):
        assert token not in where and cookie not in where and PASSWORD not in where
    # What is whole in a page must not be a key either.
    assert not [page for page in pages if sessions.token_hash(token) in page]


def test_the_cookie_of_a_session_travels_over_tls_to_us_alone(app: Flask) -> None:
    app.session_interface = CookieSessions(
        replace(app.extensions["settings"], insecure_cookies=False)
    )
    make(app, "ann")
    client, base = app.test_client(), "https://panel.test"
    there = {"REMOTE_ADDR": "192.0.2.1"}
    page = client.get("/login", base_url=base, environ_overrides=there)
    found = re.search(r'csrf-token" content="([^"]+)"', page.text)
    assert found is not None
    values = {"csrf_token": found[1], "login": "ann", "password": PASSWORD}
    answer = client.post(
        "/login",
        data=values,
        base_url=base,
        headers={"Referer": f"{base}/login"},
        environ_overrides=there,
    )
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    name, _, rest = cookies[0].partition("=")
    flags = {part.strip().lower() for part in rest.split(";")[1:]}
    assert name == "__Host-companion"
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
    assert not [flag for flag in flags if flag.startswith("domain")]
    assert answer.headers["Cache-Control"] == "no-store"
    # Over plain HTTP from elsewhere the browser gets none that it would send.
    plain = app.test_client().get("/login", base_url="http://panel.test", environ_overrides=there)
    assert "; Secure" in plain.headers["Set-Cookie"]


def test_signing_out_clears_what_the_browser_kept(app: Flask) -> None:
    client = sign_in(app, "noc")
    answer = client.post("/logout", data={"csrf_token": client.csrf})
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
