"""Tariffs: what calls cost, in versions, and which account has which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.resources.accounts import get_account
from app.api.schema import text
from app.api.shapes.tariffs import GIVE, GIVEN, NEW, NEW_VERSION, RATE, TARIFF, VERSION
from app.billing import tariffs
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.prefixes import starts_with
from app.rating.store import NewRate
from app.rating.tables import rate
from app.rating.tables import tariff as tariff_table


@operation(
    "GET",
    "/tariffs",
    "tariff.read",
    "List tariffs, by name",
    answer=TARIFF,
    lists=True,
    screens=("tariffs.index",),
)
def index(call: Call) -> Reply:
    """Those of the tenants that one sees."""
    with reading(databases().panel) as connection:
        keys = {"name": tariff_table.c.name, "id": tariff_table.c.id}
        found = call.page(connection, tariffs.over(call.who.sees), keys)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "POST",
    "/tariffs",
    "tariff.write",
    "Make a tariff without rates",
    body=NEW,
    answer=TARIFF,
    status=201,
    screens=("tariffs.new",),
)
def add(call: Call) -> dict[str, Any]:
    """It prices calls as soon as it has a version."""
    with writing(databases().panel) as connection:
        number = tariffs.create(
            connection,
            call.who,
            tenant_id=call.body.get("tenant_id", call.who.tenant_id),
            name=call.body["name"],
            currency=call.body["currency"],
            places=call.body.get("places", 4),
            rounding=call.body.get("rounding", "half"),
        )
        return _plain(tariffs.get(connection, number, None))


@operation(
    "GET",
    "/tariffs/{tariff_id}",
    "tariff.read",
    "One tariff",
    answer=TARIFF,
    etag=True,
    screens=("tariffs.show",),
)
def one(call: Call) -> dict[str, Any]:
    """Whose it is, and how a price is rounded."""
    with reading(databases().panel) as connection:
        return _plain(tariffs.get(connection, call.path["tariff_id"], call.who.sees))


@operation(
    "GET",
    "/tariffs/{tariff_id}/versions",
    "tariff.read",
    "List the versions of a tariff, newest first",
    answer=VERSION,
    lists=True,
    screens=("tariffs.show",),
)
def versions(call: Call) -> Reply:
    """All on one page."""
    with reading(databases().panel) as connection:
        row = tariffs.get(connection, call.path["tariff_id"], call.who.sees)
        found = tariffs.versions_of(connection, row["id"])
    return call.listed(found, None, _version)


@operation(
    "POST",
    "/tariffs/{tariff_id}/versions",
    "tariff.write",
    "Add a version: all its rates at once, from an instant on",
    help="Versions are never changed: prices name the one that they are of.",
    body=NEW_VERSION,
    answer=VERSION,
    status=201,
    screens=("tariffs.new_version",),
)
def add_version(call: Call) -> dict[str, Any]:
    """For calls that are answered from then on."""
    rates = [NewRate(**one) for one in call.body["rates"]]
    begins = clock.parse(call.body["valid_from"])
    with writing(databases().panel) as connection:
        row = tariffs.get(connection, call.path["tariff_id"], call.who.sees)
        number = tariffs.add_version(connection, row["id"], begins, rates)
        made = tariffs.version(connection, row["id"], number)
    return _version({**made, "rates": len(rates)})


@operation(
    "GET",
    "/tariffs/{tariff_id}/versions/{version_id}/rates",
    "tariff.read",
    "List the rates of a version, by prefix",
    params=(Param("q", text(20, 1), "How the prefix starts."),),
    answer=RATE,
    lists=True,
    screens=("tariffs.version",),
)
def rates(call: Call) -> Reply:
    """One page of them."""
    with reading(databases().panel) as connection:
        row = tariffs.get(connection, call.path["tariff_id"], call.who.sees)
        version = tariffs.version(connection, row["id"], call.path["version_id"])
        query = tariffs.rates_of(version["id"])
        if "q" in call.query:
            query = query.where(starts_with(rate.c.prefix, call.query["q"]))
        found = call.page(connection, query, {"prefix": rate.c.prefix, "id": rate.c.id})
    return call.listed(found.rows, found.older, _rate)


@operation(
    "GET",
    "/accounts/{account_id}/tariffs",
    "tariff.read",
    "Which tariffs an account has from when on, newest first",
    answer=GIVEN,
    lists=True,
    screens=("tariffs.assign", "billing.show"),
)
def given(call: Call) -> Reply:
    """``valid_from`` null: from the beginning. A tariff of who sells to one has no name here."""
    found = get_account(call)
    with reading(databases().panel) as connection:
        rows = tariffs.of_account(connection, found.id)
    return call.listed(rows, None, lambda row: _given(call, row))


@operation(
    "POST",
    "/accounts/{account_id}/tariffs",
    "tariff.write",
    "Give an account a tariff from an instant on",
    help="Without one: from the beginning, for all calls that have no price yet.",
    body=GIVE,
    answer=GIVEN,
    status=201,
    screens=("tariffs.assign",),
)
def assign(call: Call) -> dict[str, Any]:
    """Of the account's own currency."""
    found = get_account(call)
    begins = clock.parse(call.body["valid_from"]) if "valid_from" in call.body else 0
    with writing(databases().panel) as connection:
        tariffs.assign(connection, call.who, found, call.body["tariff_id"], begins)
        rows = tariffs.of_account(connection, found.id)
    return _given(call, next(row for row in rows if row["valid_from"] == begins))


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    names = ("id", "tenant_id", "name", "currency", "rounding", "versions", "accounts")
    shown = {name: row[name] for name in names}
    return {**shown, "places": row["rounding_places"], "created_at": clock.iso(row["created_at"])}


def _version(row: Mapping[Any, Any]) -> dict[str, Any]:
    moments = {name: clock.iso(row[name]) for name in ("valid_from", "created_at")}
    return {"id": row["id"], "rates": row["rates"], **moments}


def _rate(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: row[name] for name in RATE.properties}


def _given(call: Call, row: Mapping[Any, Any]) -> dict[str, Any]:
    mine = call.who.sees_tenant(row["tenant_id"])
    return {
        "tariff_id": row["id"] if mine else None,
        "name": row["name"] if mine else None,
        "valid_from": clock.iso(row["valid_from"] or None),
    }
