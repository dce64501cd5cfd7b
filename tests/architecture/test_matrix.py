"""Every view, asked by everybody: what is not allowed in ``matrix.py`` is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import select
from werkzeug.routing import Rule

from app.cdr.tables import answered, failed
from app.core import clock
from app.core.database import Databases, metadata, reading, writing
from app.identity import operators
from app.identity.tables import tenant, tenant_domain
from app.ledger import account
from app.opensips.asking import stock
from app.opensips.tables import create_opensips_tables
from app.rating import store
from tests.architecture.matrix import ALL, MAY, PEOPLE, PUBLIC
from tests.cdr.calls import call, put
from tests.cdr.calls import failed as failed_call
from tests.identity.people import Browser, sign_in

NOW = clock.now_ms()
# What a GET may write: when somebody was last seen.
_NOT_ASKED = {"identity.logout", "identity.sign_in", "identity.enter_code", "api.me_end_all"}
# Views that act on a GET, and why it is no harm: nobody can make another's browser do it.
_ACTS = {"openid.back": "opens a session with an answer to a question that this browser asked"}
_MAY_CHANGE = {"operator_session", "audit", "audit_head", "api_use"}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)


def populate(dbs: Databases, number: int, parent: int | None = None) -> dict[str, int]:
    """A tenant whose every text holds its own mark; returns the ids of what is its."""
    mark = mark_of(number)
    with writing(dbs.panel) as connection:
        connection.execute(
            tenant.insert().values(id=number, name=mark, parent_id=parent, created_at=NOW)
        )
        connection.execute(
            tenant_domain.insert().values(domain=f"{mark}.example", tenant_id=number)
        )
        owner = account.create(
            connection, tenant_id=number, code=f"u@{mark}.example", name=mark, currency="EUR"
        )
        tariff = store.create_tariff(connection, tenant_id=number, name=mark, currency="EUR")
        rates = [store.NewRate("49", mark, "1")]
        version = store.add_version(connection, tariff, NOW, rates)
        store.assign(connection, owner, tariff)
    mine = {"tenant_id": number, "account": f"u@{mark}.example", "domain": f"{mark}.example"}
    put(
        dbs,
        call(**mine, caller=mark, call_id=f"{mark}@host", user_agent=mark, setup_at=NOW - 9_000),
        failed_call(**mine, caller=mark, call_id=f"f-{mark}@host", setup_at=NOW - 8_000),
    )
    with writing(dbs.switch) as connection:
        row = {"username": f"u-{mark}", "domain": f"{mark}.example", "password": "", "ha1": ""}
        row |= {"ha1_sha256": "", "ha1_sha512t256": ""}
        connection.execute(stock()["subscriber"].insert().values(row))
    with reading(dbs.panel) as connection:
        calls = [
            connection.scalar(select(table.c.id).where(table.c.tenant_id == number))
            for table in (answered, failed)
        ]
    with reading(dbs.switch) as connection:
        subscriber = stock()["subscriber"]
        there = select(subscriber.c.id).where(subscriber.c.domain == f"{mark}.example")
        subscriber_id = connection.scalar(there)
    return {
        "account_id": owner,
        "tariff_id": tariff,
        "version_id": version,
        "cdr_id": cast(int, calls[0]),
        "failed_id": cast(int, calls[1]),
        "subscriber_id": cast(int, subscriber_id),
        "tenant_id": number,
    }


def mark_of(number: int) -> str:
    """No mark is part of another."""
    return f"mark{number:03d}x"


@pytest.fixture
def house(app: Flask, databases: Databases) -> Databases:
    """Both owners' tables, and two tenants that have nothing to do with each other."""
    create_opensips_tables(databases.switch)
    return databases


def _rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _address(app: Flask, rule: Rule, number: int = 999_999) -> str:
    values: dict[str, Any] = {name: number for name in rule.arguments}
    values |= {
        "digest": "x",
        "name": "x",
        "reason": "no_bye",
        "state": "off",
        "mark": "0123456789abcdef",
    }
    with app.test_request_context():
        return str(rule.build({name: values[name] for name in rule.arguments})[1])  # type: ignore[index]


def _ask(client: FlaskClient, address: str, method: str) -> Any:
    csrf = getattr(client, "csrf", "")
    if address.startswith("/api/v1/"):
        # As the page of the API asks: by the session, with a header that only pages of ours have.
        return client.open(address, method=method, headers={"X-CSRFToken": csrf})
    token = {"csrf_token": csrf} if method == "POST" else None
    return client.open(address, method=method, data=token)


def test_every_view_is_in_the_matrix(app: Flask) -> None:
    assert {rule.endpoint for rule, _ in _rules(app)} == set(MAY)


def test_strangers_get_nowhere_but_to_the_sign_in(app: Flask, house: Databases) -> None:
    client = app.test_client()
    for rule, method in _rules(app):
        answer = _ask(client, _address(app, rule), method)
        to_sign_in = answer.status_code == 303 and answer.location.startswith("/login")
        if rule.endpoint in ("identity.code", "identity.enter_code"):
            # There is no half of a sign-in, and no session that a token could be of.
            assert to_sign_in or answer.status_code == 400, rule
            continue
        if MAY[rule.endpoint] == PUBLIC:
            assert not to_sign_in, rule
        elif rule.rule.startswith("/api/"):
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), rule
        else:
            assert to_sign_in, (rule, method, answer.status_code)


@pytest.mark.parametrize("letter", ALL)
def test_each_role_may_what_the_matrix_says(app: Flask, house: Databases, letter: str) -> None:
    role, tenant_id = PEOPLE[letter]
    populate(house, 2)
    client = sign_in(app, role, tenant_id=tenant_id)
    for rule, method in _rules(app):
        if rule.endpoint in _NOT_ASKED:
            continue
        answer = _ask(client, _address(app, rule), method)
        allowed = MAY[rule.endpoint] == PUBLIC or letter in MAY[rule.endpoint]
        assert (answer.status_code != 403) == allowed, (rule, method, answer.status_code)
        assert answer.status_code < 500 or rule.endpoint == "jobs.readyz", (rule, answer.text)


def _looks(ids: dict[str, int]) -> list[str]:
    """Every address that shows rows, lists, files, searches and pages of the tenant's things."""
    mark = mark_of(ids["tenant_id"])
    lists = ["/cdr?range=any", "/accounts", "/subscribers", "/operators", "/tenants", "/tariffs"]
    lists += ["/audit", "/"]
    files = [f"{address}{'&' if '?' in address else '?'}format=csv" for address in lists[:-1]]
    searches = [
        f"/search?q={text}&all=1"
        for text in (
            mark,
            f"{mark}@host",
            f"u@{mark}.example",
            f"u-{mark}",
            f"call {ids['cdr_id']}",
        )
    ]
    pages = [
        f"/cdr/{ids['cdr_id']}",
        f"/cdr/{ids['failed_id']}",
        f"/accounts/{ids['account_id']}",
        f"/accounts/{ids['account_id']}/tariff",
        f"/tariffs/{ids['tariff_id']}",
        f"/tariffs/{ids['tariff_id']}/versions/{ids['version_id']}",
        f"/subscribers/{ids['subscriber_id']}",
        f"/tenants/{ids['tenant_id']}",
    ]
    filters = [f"/cdr?range=any&caller={mark}", f"/cdr?range=any&account=u@{mark}.example"]
    return [*lists, *files, *searches, *pages, *filters]


def _leaks(client: Browser, address: str, mark: str) -> bool:
    answer = client.get(address)
    assert answer.status_code in (200, 303, 404), (address, answer.status_code)
    # What one asked for oneself stands in the field and in the title of the answer.
    body = answer.text
    for asked in parse_qs(urlsplit(address).query).values():
        body = body.replace(str(escape(asked[0])), "").replace(quote(asked[0]), "")
    return mark in body


def test_a_tenant_sees_nothing_of_another(app: Flask, house: Databases) -> None:
    mine, theirs = populate(house, 2), populate(house, 3)
    client = sign_in(app, "reseller", "mine", tenant_id=2)
    sign_in(app, "reseller", f"op-{mark_of(3)}", tenant_id=3)
    for address in _looks(mine)[:3]:
        assert mark_of(2) in client.get(address).text, address
    for address in _looks(theirs)[-10:-2]:
        assert client.get(address).status_code == 404, address
    for address in [*_looks(mine), *_looks(theirs)]:
        assert not _leaks(client, address, mark_of(3)), address


def test_by_whom_the_house_sends_a_call_is_the_houses(app: Flask, house: Databases) -> None:
    mine = populate(house, 2)
    with writing(house.panel) as connection:
        for table in (answered, failed):
            connection.execute(table.update().values(gateway="gw-secret", carrier="cheap-carrier"))
    tenant_admin, boss = sign_in(app, "admin", "two", 2), sign_in(app, "admin", "boss")
    number = mine["cdr_id"]
    columns = "/cdr?range=any&format=csv"
    for client in (tenant_admin, boss):
        token = {"csrf_token": client.csrf, "columns": ["gateway", "carrier", "caller"]}
        client.post("/lists/calls", data=token)
    for address in (columns, "/cdr?range=any", f"/cdr/{number}"):
        assert "gw-secret" not in tenant_admin.get(address).text, address
        assert "cheap-carrier" not in tenant_admin.get(address).text, address
    for address in ("calls", "calls/export", f"calls/{number}"):
        text = _ask(tenant_admin, f"/api/v1/{address}", "GET").text
        assert "gw-secret" not in text and "cheap-carrier" not in text, address
        assert "gw-secret" in _ask(boss, f"/api/v1/{address}", "GET").text, address
    assert "gw-secret" in boss.get(f"/cdr/{number}").text


def test_a_reseller_sees_whom_he_sells_to_and_not_who_sells_to_him(
    app: Flask, house: Databases
) -> None:
    above = populate(house, 2)
    beneath = populate(house, 3, parent=2)
    reseller = sign_in(app, "reseller", "above", tenant_id=2)
    customer = sign_in(app, "reseller", "beneath", tenant_id=3)
    for address in _looks(beneath)[-10:-2]:
        assert reseller.get(address).status_code == 200, address
    for address in _looks(above)[-10:-2]:
        assert customer.get(address).status_code == 404, address


def test_fifty_tenants_each_see_their_own(app: Flask, house: Databases) -> None:
    numbers = range(2, 52)
    ids = {number: populate(house, number) for number in numbers}
    others = {number: mark_of(number) for number in numbers}
    for number in numbers:
        client = sign_in(app, "readonly", f"op{number}", tenant_id=number)
        for address in (
            "/cdr?range=any",
            "/cdr?range=any&format=csv",
            "/accounts",
            "/subscribers",
            "/tariffs",
        ):
            text = client.get(address).text
            seen = {other for other, mark in others.items() if mark in text}
            assert seen == {number}, address
        for address in (
            "calls",
            "calls/export",
            "accounts",
            "tariffs",
            "subscribers",
            "search?q=mark",
        ):
            text = _ask(client, f"/api/v1/{address}", "GET").text
            seen = {other for other, mark in others.items() if mark in text}
            assert seen == {number}, address
        stranger = ids[2 + (number - 1) % 50]
        assert client.get(f"/cdr/{stranger['cdr_id']}").status_code == 404


def test_the_figures_of_the_start_page_are_the_tenants_own(app: Flask, house: Databases) -> None:
    populate(house, 2)
    for number in range(3, 9):
        populate(house, number)
    text = sign_in(app, "readonly", "two", tenant_id=2).get("/").text
    assert '<span class="tile-figure">2</span>' in text
    assert '<span class="tile-figure">14</span>' not in text


def _everything(dbs: Databases) -> dict[str, list[Any]]:
    with reading(dbs.panel) as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in metadata.sorted_tables
            if table.name not in _MAY_CHANGE
        }


def test_numbers_that_no_table_has_are_not_found(app: Flask, both_dbs: Databases) -> None:
    create_opensips_tables(both_dbs.switch)
    client = sign_in(app, "admin")
    for rule, method in _rules(app):
        for number in (2**31, 2**63 - 1, 2**63, 10**30) if rule.arguments else ():
            answer = _ask(client, _address(app, rule, number), method)
            assert answer.status_code < 500, (rule, method, number, answer.text)


def test_no_look_changes_anything(app: Flask, house: Databases) -> None:
    ids = populate(house, 2)
    client = sign_in(app, "admin", "looker")
    before = _everything(house)
    for rule, method in _rules(app):
        if method == "GET" and rule.endpoint not in _ACTS:
            client.get(_address(app, rule))
    for address in _looks(ids):
        client.get(address)
    assert _everything(house) == before
