"""Tariffs on their screens: made, given, and calls that are priced by them; whose are whose."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from app.billing import tariffs
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.errors import InvalidInput
from app.identity import operators, tenants
from app.identity.tables import audit
from app.ledger import account
from app.rating import reference, store
from app.rating.tables import tariff, tariff_assignment
from app.rating.tariff import Match
from tests.identity.people import Browser, sign_in

RATES = "prefix;destination;price\n49;Germany;0.012\n4915;Germany mobile;0.089;0.01;60;1\n"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)


def _make(client: Browser, name: str = "Retail", tenant_id: int = 1) -> int:
    values = {"csrf_token": client.csrf, "name": name, "tenant": str(tenant_id)}
    values |= {"currency": "eur", "places": "4", "rounding": "up"}
    answer = client.post("/tariffs/new", data=values)
    assert answer.status_code == 303, answer.text
    return int(answer.location.split("/")[2])


def _version(client: Browser, number: int, rates: str, begins: str = "2026-01-01T00:00") -> int:
    values = {"csrf_token": client.csrf, "valid_from": begins, "rates": rates}
    return client.post(f"/tariffs/{number}/versions/new", data=values).status_code


def _give(client: Browser, account_id: int, number: int, begins: str = "") -> int:
    values = {"csrf_token": client.csrf, "tariff": str(number), "valid_from": begins}
    return client.post(f"/accounts/{account_id}/tariff", data=values).status_code


def _account(dbs: Databases, code: str = "a@x", tenant_id: int = 1, currency: str = "EUR") -> int:
    with writing(dbs.panel) as connection:
        return account.create(connection, tenant_id=tenant_id, code=code, currency=currency)


def test_from_the_tariff_to_the_price(app: Flask, both_dbs: Databases) -> None:
    clerk = sign_in(app, "billing")
    owner = _account(both_dbs)
    number = _make(clerk)
    assert "No version yet" in clerk.get(f"/tariffs/{number}").text
    assert _version(clerk, number, RATES) == 303
    assert _version(clerk, number, "49\tGermany\t0,5\n") == 400
    assert _version(clerk, number, "49\tGermany\t0.5\n", "2030-01-01T00:00:00") == 303
    assert _version(clerk, number, "49\tGermany\t0.5\n", "2030-01-01T00:00") == 400
    page = clerk.get(f"/tariffs/{number}").text
    assert "holds now" in page and "to come" in page
    assert "No tariff yet" in clerk.get(f"/accounts/{owner}").text
    assert _give(clerk, owner, number) == 303
    assert _give(clerk, owner, number) == 400
    assert "Retail" in clerk.get(f"/accounts/{owner}").text
    with reading(both_dbs.panel) as connection:
        book = store.load_book(connection)
        actions = set(connection.scalars(select(audit.c.action)))
        versions = tariffs.versions_of(connection, number)
    match = book.look_up(owner, "4915123456", clock.now_ms())
    assert isinstance(match, Match)
    # 61 s: the first minute, then one second more, rounded up to four places.
    assert reference.price(match, 61_000).units == 100_500_000
    later = book.look_up(owner, "4930", clock.parse("2030-06-01T00:00:00Z"))
    assert isinstance(later, Match) and reference.price(later, 60_000).units == 500_000_000
    assert {"tariff.create", "tariff.version", "account.tariff"} <= actions
    rates = clerk.get(f"/tariffs/{number}/versions/{versions[-1]['id']}?q=4915").text
    assert "Germany mobile" in rates and "0.012" not in rates


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("49,Germany", "Line 1"),
        ("49,Germany,x", "'x' is not a number"),
        ("49,Germany,-1", "negative"),
        ("49,Germany,1\n49,Germany,2", "stands twice"),
        ("+49 30,Germany,1", "not 1 to 17 digits"),
        ("49,Germany,1,0,0", "no length"),
        ("49,Germany,1,0,1e9", "no length"),
        ("49,Germany,NaN", "not a number"),
        ("49,a,1,2,3,4,5", "7 columns"),
        ("prefix,destination,price", "There is no rate"),
    ],
)
def test_a_line_that_is_no_rate_is_named(app: Flask, text: str, says: str) -> None:
    clerk = sign_in(app, "billing")
    number = _make(clerk)
    values = {"csrf_token": clerk.csrf, "valid_from": "2026-01-01T00:00", "rates": text}
    answer = clerk.post(f"/tariffs/{number}/versions/new", data=values)
    assert answer.status_code == 400
    assert says in answer.text.replace("&#39;", "'"), answer.text
    # What was typed is still there.
    assert text.splitlines()[0] in answer.text
    assert "No version yet" in clerk.get(f"/tariffs/{number}").text


def test_spreadsheets_are_read_as_they_come() -> None:
    found = tariffs.parse(
        "\ufeffPrefix\tDestination\tPrice\r\n+49\tGermany, all\t0.5\t\t60\r\n\r\n"
    )
    assert [(r.prefix, r.destination, r.price, r.initial_ms, r.increment_ms) for r in found] == [
        ("49", "Germany, all", "0.5", 60_000, 60_000)
    ]
    with pytest.raises(InvalidInput, match="Line 2"):
        tariffs.parse('49,"Germany, all",1\n49')


def test_a_tariff_fits_the_currency_and_no_account_of_ours(
    app: Flask, databases: Databases
) -> None:
    clerk = sign_in(app, "billing")
    number = _make(clerk)
    swiss = _account(databases, "swiss@x", currency="CHF")
    assert _give(clerk, swiss, number) == 400
    assert "No tariff in CHF" in clerk.get(f"/accounts/{swiss}/tariff").text
    with writing(databases.panel) as connection:
        cash = account.system_account(connection, 1, "cash", "EUR")
    assert _give(clerk, cash, number) == 400
    with reading(databases.panel) as connection:
        assert connection.execute(select(tariff_assignment)).all() == []


def test_a_reseller_has_tariffs_of_his_own(app: Flask, both_dbs: Databases) -> None:
    with writing(both_dbs.panel) as connection:
        mine = tenants.create(connection, name="mine", parent_id=None)
        customer = tenants.create(connection, name="customer", parent_id=mine)
        other = tenants.create(connection, name="other", parent_id=None)
    clerk, reseller = sign_in(app, "billing"), sign_in(app, "reseller", "rita", mine)
    beneath = sign_in(app, "reseller", "carl", customer)
    house = _make(clerk, "House secret")
    assert _version(clerk, house, RATES) == 303
    own = _make(reseller, "Rita retail", mine)
    assert _version(reseller, own, RATES) == 303
    theirs = _account(both_dbs, "c@y", customer)
    stranger = _account(both_dbs, "s@z", other)
    assert _give(reseller, theirs, own) == 303
    assert "House secret" not in reseller.get("/tariffs").text
    # Neither the house's tariff nor another's account is his to touch.
    assert _give(reseller, theirs, house, "2027-01-01T00:00") == 400
    assert _give(reseller, stranger, own) == 404
    for address in (f"/tariffs/{house}", f"/tariffs/{house}/versions/new"):
        assert reseller.get(address).status_code == 404, address
    assert _version(reseller, house, RATES, "2027-01-01T00:00") == 404
    values = {"csrf_token": reseller.csrf, "name": "x", "tenant": "1", "currency": "EUR"}
    refused = reseller.post("/tariffs/new", data=values | {"places": "4", "rounding": "up"})
    assert refused.status_code == 400
    # Who is beneath sees that he has one, and not what it is.
    page = beneath.get(f"/accounts/{theirs}").text
    assert "a tariff of who sells to you" in page and "Rita retail" not in page
    assert beneath.get(f"/tariffs/{own}").status_code == 404
    with reading(both_dbs.panel) as connection:
        assert set(connection.scalars(select(tariff.c.tenant_id))) == {1, mine}
