"""Tokens as an attacker would try them."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.database import Databases, reading
from app.identity.tables import api_token, audit, operator_session
from tests.api.conftest import Program, program
from tests.identity.people import sign_in


def test_nothing_opens_without_a_good_token(app: Flask, both_dbs: Databases) -> None:
    good = program(app)
    for text in ("", "Bearer", "Bearer ", "Bearer x", f"Basic {good.token}", good.token):
        headers = {"Authorization": text} if text else {}
        answer = app.test_client().get("/api/v1/me", headers=headers)
        assert answer.status_code == 401, text
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.mimetype == "application/problem+json"
    for changed in (good.token[:-1], good.token + "x", good.token.upper(), "osc_" + "x" * 43):
        other = Program(app, app.response_class, use_cookies=False)
        other.token = changed
        assert other.ask("GET", "/me").status_code == 401, changed
    assert good.ask("GET", "/me").json["login"] == "p-admin-1"


def test_the_token_is_nowhere_but_in_its_answer(app: Flask, databases: Databases) -> None:
    client = program(app)
    answer = client.ask("POST", "/me/tokens", {"name": "x", "scopes": ["home.read"], "days": 1})
    made = answer.json["token"]
    with reading(databases.panel) as connection:
        for table in (api_token, audit):
            for row in connection.execute(select(table)):
                assert made not in repr(row) and client.token not in repr(row)
    assert made not in client.ask("GET", "/me/tokens").text


def test_a_token_ends(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = program(app, days=2)
    then = clock.now_ms() + 2 * clock.DAY
    monkeypatch.setattr(clock, "now_ms", lambda: then - 1000)
    assert client.ask("GET", "/me").status_code == 200
    monkeypatch.setattr(clock, "now_ms", lambda: then + 1000)
    assert client.ask("GET", "/me").status_code == 401


def test_a_revoked_token_and_a_locked_owner(app: Flask) -> None:
    one, two = program(app, login="ann"), program(app, login="bob")
    number = one.ask("GET", "/me/tokens").json["items"][0]["id"]
    assert two.ask("DELETE", f"/me/tokens/{number}").status_code == 404
    assert one.ask("DELETE", f"/me/tokens/{number}").status_code == 204
    assert one.ask("GET", "/me").status_code == 401
    assert app.test_cli_runner().invoke(args=["operator", "deactivate", "bob"]).exit_code == 0
    assert two.ask("GET", "/me").status_code == 401


def test_a_token_may_no_more_than_its_scopes(app: Flask) -> None:
    client = program(app, scopes=["account.read"])
    assert client.ask("GET", "/accounts").status_code == 200
    for method, path in (("GET", "/calls"), ("POST", "/accounts"), ("GET", "/me")):
        answer = client.ask(method, path, {} if method == "POST" else None)
        assert answer.status_code == 403, path


def test_a_token_may_no_more_than_its_owner_now(app: Flask, databases: Databases) -> None:
    boss, other = program(app, login="boss"), program(app, "noc", "nick")
    assert other.ask("GET", "/dialplan/rules").status_code != 403
    listed = boss.ask("GET", "/operators?q=nick").json["items"][0]
    body = {"role": "billing"}
    answer = boss.ask("PATCH", f"/operators/{listed['id']}", body, If_Match="*")
    assert answer.status_code == 200
    assert other.ask("GET", "/dialplan/rules").status_code == 403


def test_a_token_makes_none_that_may_more_or_lives_longer(app: Flask) -> None:
    client = program(app, scopes=["self.write", "cdr.read"], days=3)
    wish = {"name": "x", "scopes": ["cdr.read"], "days": 3}
    for changed, field in (({"scopes": ["account.write"]}, "scopes"), ({"days": 4}, "days")):
        answer = client.ask("POST", "/me/tokens", wish | changed)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, field)
    assert client.ask("POST", "/me/tokens", wish | {"days": 2}).status_code == 201


def test_a_cookie_alone_opens_no_api(app: Flask) -> None:
    """Browsers send it along with what other pages ask."""
    client = sign_in(app, "admin")
    assert client.get("/cdr").status_code == 200
    assert client.get("/api/v1/me").status_code == 401
    assert client.post("/api/v1/me/tokens", json={}).status_code == 401
    assert client.get("/api/v1/me", headers={"X-CSRFToken": "guess"}).status_code == 401
    good = client.get("/api/v1/me", headers={"X-CSRFToken": client.csrf})
    assert good.json is not None and good.json["login"] == "a-admin"


def test_a_token_opens_no_screen_and_begins_no_session(app: Flask, databases: Databases) -> None:
    client = program(app)
    assert client.ask("GET", "/me").headers.get("Set-Cookie") is None
    headers = {"Authorization": f"Bearer {client.token}"}
    assert app.test_client().get("/cdr", headers=headers).status_code == 303
    with reading(databases.panel) as connection:
        assert connection.execute(select(operator_session)).all() == []


def test_who_needs_a_second_factor_gets_nowhere_by_token(app: Flask) -> None:
    client = program(app)
    app.extensions["settings"] = dataclasses.replace(
        app.extensions["settings"], second_factor="admins"
    )
    answer = client.ask("GET", "/calls")
    assert (answer.status_code, answer.json["code"]) == (403, "second_factor_needed")


def test_the_screen_of_tokens(app: Flask, databases: Databases) -> None:
    client = sign_in(app, "noc")
    assert "No token yet" in client.get("/account/tokens").text
    wish = {"csrf_token": client.csrf, "name": "nightly", "days": "30", "scopes": ["cdr.read"]}
    page = client.post("/account/tokens", data=wish).text
    token = page.split('once" translate="no">')[1].split("<")[0]
    other = Program(app, app.response_class, use_cookies=False)
    other.token = token
    assert other.ask("GET", "/calls").status_code == 200
    assert token not in client.get("/account/tokens").text
    for bad in ({"scopes": ["operator.write"]}, {"days": "400"}, {"name": ""}, {"scopes": []}):
        assert client.post("/account/tokens", data=wish | bad).status_code == 400, bad
    assert client.post("/account/tokens", data={"name": "x"}).status_code == 400
    with reading(databases.panel) as connection:
        number = connection.scalar(select(api_token.c.id))
    revoke = f"/account/tokens/{number}/revoke"
    assert client.post(revoke, data={"csrf_token": client.csrf}).status_code == 303
    assert other.ask("GET", "/calls").status_code == 401


def test_a_token_by_command(app: Flask) -> None:
    sign_in(app, "noc", "nick")
    run = app.test_cli_runner()
    args = ["token", "create", "nick", "--name", "cron", "--scope", "cdr.read", "--days", "7"]
    made = run.invoke(args=args)
    assert made.exit_code == 0, made.output
    client = Program(app, app.response_class, use_cookies=False)
    client.token = next(word for word in made.output.split() if word.startswith("osc_"))
    assert client.ask("GET", "/calls").status_code == 200
    listed = run.invoke(args=["token", "list", "nick"]).output
    assert "cron\tcdr.read" in listed and client.token not in listed
    assert run.invoke(args=["token", "revoke", "nick", listed.split("\t")[0]]).exit_code == 0
    assert client.ask("GET", "/calls").status_code == 401
    refused = run.invoke(args=[*args[:5], "--scope", "operator.write"])
    assert refused.exit_code == 1 and "operator.write" in refused.output
