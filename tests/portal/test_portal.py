"""A subscriber's own page, and those who would like to see another's."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import clock
from app.core.database import Databases, reading, writing
from app.identity import operators, throttle
from app.identity.tables import audit, tenant, tenant_domain
from app.ledger import account, posting
from app.opensips.asking import stock
from app.opensips.tables import create_opensips_tables
from app.portal import people
from app.portal.tables import portal_session, portal_user
from tests.cdr.calls import call, failed, put
from tests.identity.people import Browser, sign_in, token_of

ANNA, BERT = "anna@one.example", "bert@two.example"
PASSWORD = "violin harbour seventeen"
NOW = clock.now_ms()


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)
    operators._nobodys_hash.cache_clear()


@pytest.fixture
def world(app: Flask, databases: Databases) -> dict[str, Any]:
    """Anna of tenant 2 and Bert of tenant 3, each with an account, a call and a failed call."""
    create_opensips_tables(databases.switch)
    subscribers: dict[str, Any] = {}
    with writing(databases.panel) as connection:
        for number, address in ((2, ANNA), (3, BERT)):
            domain = address.partition("@")[2]
            connection.execute(
                tenant.insert().values(id=number, name=domain, created_at=NOW, parent_id=None)
            )
            connection.execute(tenant_domain.insert().values(domain=domain, tenant_id=number))
            owner = account.create(connection, tenant_id=number, code=address, currency="EUR")
            account.top_up(connection, owner, 25_000_000_000, f"t{number}", f"memo-{number}")
    for number, address in ((2, ANNA), (3, BERT)):
        user, _at, domain = address.partition("@")
        mine = {"tenant_id": number, "account": address, "domain": domain, "caller": user}
        put(
            databases,
            call(**mine, callee=f"4930000{number}", setup_at=NOW - 9_000, destination="Berlin"),
            failed(**mine, callee=f"4940000{number}", setup_at=NOW - 8_000, call_id=f"f{number}"),
        )
        with writing(databases.switch) as connection:
            row = {"username": user, "domain": domain, "password": "", "ha1": ""}
            row |= {"ha1_sha256": "", "ha1_sha512t256": ""}
            done = connection.execute(stock()["subscriber"].insert().values(row))
            subscribers[address] = done.inserted_primary_key[0]  # type: ignore[index]
    return subscribers


def _link(operator: Browser, number: int) -> str:
    page = operator.post(f"/subscribers/{number}/page", data={"csrf_token": operator.csrf})
    found = re.search(r"http://\S+(/my/begin/[\w-]+)", page.text)
    assert found is not None, page.text
    return found[1]


def _begin(app: Flask, link: str, password: str = PASSWORD) -> FlaskClient:
    client = app.test_client()
    values = {"csrf_token": token_of(client, link), "new": password}
    answer = client.post(link, data=values)
    assert (answer.status_code, answer.location) == (303, "/my"), answer.text
    return client


def _enter(app: Flask, address: str, password: str) -> Any:
    client = app.test_client()
    values = {"csrf_token": token_of(client, "/my/enter"), "address": address}
    return client, client.post("/my/enter", data=values | {"password": password})


def _anna(app: Flask, world: dict[str, Any]) -> FlaskClient:
    return _begin(app, _link(sign_in(app, "admin"), world[ANNA]))


def test_from_the_link_to_the_calls(app: Flask, both_dbs: Databases, world: dict[str, Any]) -> None:
    boss = sign_in(app, "admin", "boss")
    page = f"/subscribers/{world[ANNA]}"
    assert "no page with calls" in boss.get(page).text
    link = _link(boss, world[ANNA])
    assert "not been followed yet" in boss.get(page).text
    client = _begin(app, link)
    assert "a password for it" in boss.get(page).text
    home = client.get("/my").text
    assert "25.00" in home and "49300002" in home and "49400002" in home
    assert "49300003" not in home
    statement = client.get("/my/statement").text
    assert "memo-2" in statement and "Berlin" in statement and "memo-3" not in statement
    file = client.get("/my/calls?format=csv").text
    assert "49300002" in file and "49300003" not in file
    assert client.get("/my/statement?month=2026-13").status_code == 400
    assert client.get("/my/statement?month=2020-01").status_code == 200
    left = client.post("/my/leave", data={"csrf_token": token_of(client, "/my")})
    assert left.location == "/my/enter"
    assert client.get("/my").location == "/my/enter"
    assert _enter(app, ANNA.upper(), PASSWORD)[1].location == "/my"
    with reading(both_dbs.panel) as connection:
        actions = connection.scalars(select(audit.c.action)).all()
    assert "portal.invite" in actions and "portal.begin" in actions


def test_a_link_is_good_once_and_for_seven_days(
    app: Flask, databases: Databases, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = sign_in(app, "admin")
    first, second = _link(boss, world[ANNA]), _link(boss, world[ANNA])
    assert app.test_client().get(first).status_code == 404
    client = app.test_client()
    token = token_of(client, second)
    _begin(app, second)
    late = client.post(second, data={"csrf_token": token, "new": "another harbour seventeen"})
    assert late.status_code == 404
    assert _enter(app, ANNA, PASSWORD)[1].status_code == 303
    third = _link(boss, world[ANNA])
    then = clock.now_ms() + people.INVITE_MS + 1000
    with reading(databases.panel) as connection:
        assert urlsplit(third).path.rpartition("/")[2] not in repr(
            connection.execute(select(portal_user)).all()
        )
    monkeypatch.setattr(clock, "now_ms", lambda: then)
    assert app.test_client().get(third).status_code == 404


def test_a_subscriber_gets_nowhere_else(app: Flask, world: dict[str, Any]) -> None:
    client = _anna(app, world)
    for address in ("/", "/cdr", "/accounts", "/account", "/api", "/operators", "/search?q=bert"):
        answer = client.get(address)
        assert answer.status_code == 303 and answer.location.startswith("/login"), address
    token = token_of(client, "/my")
    assert client.get("/api/v1/me", headers={"X-CSRFToken": token}).status_code == 401
    post = client.post("/subscribers/1/page", data={"csrf_token": token})
    assert post.location.startswith("/login")


def test_an_operator_is_no_subscriber(app: Flask, world: dict[str, Any]) -> None:
    boss = sign_in(app, "admin")
    for address in ("/my", "/my/calls", "/my/statement", "/my/password"):
        assert boss.get(address).location == "/my/enter", address
    # Signing in here ends the operator's session in this browser.
    link = _link(boss, world[ANNA])
    values = {"csrf_token": token_of(boss, link), "new": PASSWORD}
    assert boss.post(link, data=values).location == "/my"
    assert boss.get("/cdr").location.startswith("/login")


def test_what_others_are_asked_for_is_not_shown(
    app: Flask, databases: Databases, world: dict[str, Any]
) -> None:
    client = _anna(app, world)
    for query in ("account=bert@two.example", "tenant=3", "after=WzEsMV0", "month=2026-11"):
        for page in ("/my", "/my/calls", "/my/statement", "/my/calls?format=csv"):
            address = f"{page}{'&' if '?' in page else '?'}{query}"
            assert "49300003" not in client.get(address).text, address
    # The domain goes to another tenant: what was his is not shown to who has it now.
    with writing(databases.panel) as connection:
        connection.execute(tenant_domain.update().values(tenant_id=3))
    assert "25.00" not in client.get("/my").text


def test_names_that_differ_by_case_are_two(
    app: Flask, both_dbs: Databases, world: dict[str, Any]
) -> None:
    """RFC 3261, 19.1.4: the user part is case-sensitive."""
    client = _anna(app, world)
    with writing(both_dbs.panel) as connection:
        link = people.invite(connection, "Anna@one.example")
    other = _begin(app, f"/my/begin/{link}", "copper lantern forty")
    assert "49300002" in client.get("/my").text
    page = other.get("/my").text
    assert "49300002" not in page and "25.00" not in page
    # Each gets in to the letter; in any other case it is not clear who is meant.
    assert _enter(app, ANNA, PASSWORD)[1].status_code == 303
    assert _enter(app, "sip:Anna@one.example", "copper lantern forty")[1].status_code == 303
    assert _enter(app, "Anna@one.example", PASSWORD)[1].status_code == 401
    assert _enter(app, "ANNA@one.example", PASSWORD)[1].status_code == 401


def test_guessing_is_slowed_down_and_tells_nothing(app: Flask, world: dict[str, Any]) -> None:
    _anna(app, world)
    unknown = _enter(app, "nobody@one.example", "guess guess guess")[1]
    known = _enter(app, ANNA, "guess guess guess")[1]
    assert unknown.status_code == known.status_code == 401
    codes = [_enter(app, ANNA, "guess guess")[1].status_code for _ in range(throttle.PER_LOGIN)]
    assert codes[-1] == 429
    assert _enter(app, ANNA, PASSWORD)[1].status_code == 429


def test_who_was_only_invited_cannot_sign_in(app: Flask, world: dict[str, Any]) -> None:
    _link(sign_in(app, "admin"), world[ANNA])
    for password in ("", "None", "guess guess guess"):
        assert _enter(app, ANNA, password)[1].status_code in (400, 401)


def test_a_new_password_ends_the_other_sessions(app: Flask, world: dict[str, Any]) -> None:
    client = _anna(app, world)
    other, _answer = _enter(app, ANNA, PASSWORD)
    assert other.get("/my").status_code == 200
    token = token_of(client, "/my/password")
    values = {"csrf_token": token, "old": "wrong wrong wrong", "new": "copper lantern forty"}
    assert client.post("/my/password", data=values).status_code == 400
    weak = values | {"old": PASSWORD, "new": "password1234"}
    assert client.post("/my/password", data=weak).status_code == 400
    assert client.post("/my/password", data=values | {"old": PASSWORD}).status_code == 303
    assert client.get("/my").status_code == 200
    assert other.get("/my").location == "/my/enter"
    assert _enter(app, ANNA, PASSWORD)[1].status_code == 401


def test_the_page_is_taken_away(app: Flask, databases: Databases, world: dict[str, Any]) -> None:
    client = _anna(app, world)
    boss = sign_in(app, "noc", "nick")
    away = f"/subscribers/{world[ANNA]}/page/remove"
    assert boss.post(away, data={"csrf_token": boss.csrf}).status_code == 303
    assert client.get("/my").location == "/my/enter"
    assert _enter(app, ANNA, PASSWORD)[1].status_code == 401
    with reading(databases.panel) as connection:
        assert connection.execute(select(portal_session)).all() == []


def test_a_reseller_gives_pages_to_his_own_only(app: Flask, world: dict[str, Any]) -> None:
    reseller = sign_in(app, "reseller", tenant_id=2)
    assert _link(reseller, world[ANNA])
    for path in ("page", "page/remove"):
        address = f"/subscribers/{world[BERT]}/{path}"
        answer = reseller.post(address, data={"csrf_token": reseller.csrf})
        assert answer.status_code == 404, path
    reader = sign_in(app, "support")
    refused = reader.post(f"/subscribers/{world[ANNA]}/page", data={"csrf_token": reader.csrf})
    assert refused.status_code == 403


def test_sessions_end_by_themselves(
    app: Flask, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = _anna(app, world)
    idle = clock.now_ms() + people.IDLE_MS + 1000
    monkeypatch.setattr(clock, "now_ms", lambda: idle)
    assert client.get("/my").location == "/my/enter"


def test_a_statement_adds_up(app: Flask, both_dbs: Databases, world: dict[str, Any]) -> None:
    """What was there, what moved it, what is there: to the last digit, month after month."""
    zone = app.extensions["settings"].source_zone
    with writing(both_dbs.panel) as connection:
        mine = account.find(connection, 2, ANNA)
        assert mine is not None
        revenue = account.system_account(connection, 2, "revenue", "EUR")
        moves = ((2020, 1, 31, 23, -1), (2020, 2, 1, 0, -2), (2020, 2, 29, 23, -4))
        for year, month, day, hour, amount in moves:
            at = clock.from_datetime(datetime(year, month, day, hour, tzinfo=clock.zone(zone)))
            lines = [
                posting.Line(mine.id, amount, "EUR"),
                posting.Line(revenue, -amount, "EUR"),
            ]
            reference = f"c{at}"
            posting.post(
                connection,
                tenant_id=2,
                kind="charges",
                reference=reference,
                lines=lines,
                at=at,
            )
    from app.portal import statement

    who = people.Subscriber(1, ANNA, 2, "")
    with reading(both_dbs.panel) as connection:
        mine = statement.account_of(connection, who)
        found = [
            statement.of(connection, who, mine, statement.month(name, zone))
            for name in ("2020-01", "2020-02", "2020-03")
        ]
    assert [(one.opening, one.closing) for one in found] == [(0, -1), (-1, -7), (-7, -7)]
    assert [sum(row["amount"] for row in one.movements) for one in found] == [-1, -6, 0]
    client = _anna(app, world)
    assert client.get("/my/statement?month=2020-02").status_code == 200
