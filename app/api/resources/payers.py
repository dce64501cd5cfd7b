"""Who pays: the order of the ways, the rules, and a test of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, choice, flag, moment, several, text, whole
from app.cdr import look
from app.core import clock
from app.core.context import databases
from app.core.database import LARGEST_ID, reading, writing
from app.mediation import payer_rules, payer_test, repricing
from app.mediation.payer import load_order
from app.mediation.tables import payer_rule
from app.mediation.ways import RULED, WAYS

_RULE = {"way": choice(*RULED), "pattern": text(190, 1), "account": text(128, 1), "trunk": text(64)}
_EXAMPLE = {"way": "address", "pattern": "198.51.100.0/24", "account": "u@mark002x.example"}
RULE = Shape(
    "PayerRule",
    {"id": whole(1, LARGEST_ID), **_RULE, "created_at": moment()},
    {**_EXAMPLE, "id": 4, "trunk": "office", "created_at": "2026-11-23T12:00:00.000Z"},
)
NEW = Shape("NewPayerRule", _RULE, _EXAMPLE, frozenset({"trunk"}), inbound=True)
_ORDER = {
    "ways": several(
        {
            "type": "object",
            "properties": {"way": choice(*WAYS), "active": flag()},
            "required": ["way", "active"],
            "additionalProperties": False,
        },
        len(WAYS),
        len(WAYS),
    )
}
_ORDERED = {"ways": [{"way": way, "active": True} for way in WAYS]}
ORDER = Shape("PayerOrder", _ORDER, _ORDERED)
NEW_ORDER = Shape("NewPayerOrder", _ORDER, _ORDERED, inbound=True)
ANSWER = Shape(
    "PayerTest",
    {
        "payer": text(128),
        "way": text(12),
        "pattern": text(190),
        "tried": several(text(12)),
        "number": text(190),
        "owner": text(128),
    },
    {
        "payer": "office",
        "way": "address",
        "pattern": "192.0.2.0/24",
        "tried": ["account", "subscriber", "domain"],
        "number": "4930123456",
        "owner": "",
    },
)

WHICH = Shape(
    "PriceRequest",
    {"id": text(20, 1, pattern="^[0-9]{1,18}$")},
    {"id": "4711"},
    optional=frozenset({"id"}),
    inbound=True,
)
REPRICED = Shape(
    "Repriced",
    {"priced": whole(), "left": whole(), "later": flag()},
    {"priced": 2, "left": 1, "later": False},
)


@operation(
    "GET",
    "/payers",
    "payer.read",
    "List the rules of who pays, newest first",
    answer=RULE,
    lists=True,
    screens=("payers.index",),
)
def index(call: Call) -> Reply:
    """All are the house's."""
    with reading(databases().panel) as connection:
        keys = {"id": payer_rule.c.id}
        found = call.page(connection, payer_rules.over(), keys, descending=True)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "POST",
    "/payers",
    "payer.write",
    "Make a rule of who pays",
    body=NEW,
    answer=RULE,
    status=201,
    screens=("payers.new",),
)
def add(call: Call) -> dict[str, Any]:
    """An account is named by its code."""
    with writing(databases().panel) as connection:
        number = payer_rules.add(
            connection,
            way=call.body["way"],
            pattern=call.body["pattern"],
            code=call.body["account"],
            trunk=call.body.get("trunk", ""),
        )
        return _plain(payer_rules.get(connection, number))


@operation("GET", "/payers/{payer_id}", "payer.read", "One rule", answer=RULE, etag=True)
def one(call: Call) -> dict[str, Any]:
    """By its number."""
    with reading(databases().panel) as connection:
        return _plain(payer_rules.get(connection, call.path["payer_id"]))


@operation(
    "DELETE",
    "/payers/{payer_id}",
    "payer.write",
    "Delete a rule of who pays",
    needs_match=True,
    screens=("payers.delete",),
)
def delete(call: Call) -> None:
    """Calls that have their price keep it."""
    with writing(databases().panel) as connection:
        row = payer_rules.get(connection, call.path["payer_id"])
        call.must_match(_plain(row))
        payer_rules.remove(connection, row)


@operation(
    "GET", "/payer-order", "payer.read", "In which order it is looked who pays", answer=ORDER
)
def order(call: Call) -> dict[str, Any]:
    """The first way that names an account decides."""
    with reading(databases().panel) as connection:
        return _ordered(load_order(connection))


@operation(
    "POST",
    "/payer-order",
    "payer.write",
    "Set the order in which it is looked who pays",
    body=NEW_ORDER,
    answer=ORDER,
    screens=("payers.order",),
)
def set_order(call: Call) -> dict[str, Any]:
    """Each way once."""
    with writing(databases().panel) as connection:
        wanted = [(one["way"], one["active"]) for one in call.body["ways"]]
        payer_rules.set_order(connection, wanted)
        return _ordered(load_order(connection))


@operation(
    "GET",
    "/payer-test",
    "payer.read",
    "Who would pay for a call, and what was tried before",
    params=tuple(
        Param(name, text(128), help)
        for name, help in (
            ("account", "The account code."),
            ("domain", "The caller's domain."),
            ("caller", "The caller."),
            ("src_ip", "The source address."),
            ("dialled", "What was dialled."),
        )
    ),
    answer=ANSWER,
    screens=("payers.index",),
)
def test(call: Call) -> dict[str, Any]:
    """Nothing is written."""
    given = {name: call.query[name] for name in payer_test.FIELDS if name in call.query}
    with reading(databases().panel) as connection:
        found = asdict(payer_test.run(connection, **given))
    return {**found, "tried": list(found["tried"])}


@operation(
    "POST",
    "/payers/price",
    "payer.write",
    "Price calls without a payer again: all of them, or one",
    help=f"Up to {repricing.MOST} at once; of more the worker takes care (``later``).",
    body=WHICH,
    answer=REPRICED,
    screens=("payers.price",),
)
def price(call: Call) -> dict[str, Any]:
    """One is named by its id; also one that nobody had to pay."""
    number = call.body.get("id")
    if number is None:
        return asdict(repricing.all_waiting())
    return asdict(repricing.one(look.at(int(number), call.who)))


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("id", "way", "pattern", "trunk")}
    created = clock.iso(row["created_at"])
    return {**shown, "account": row["code"] or "", "created_at": created}


def _ordered(order: list[tuple[str, bool]]) -> dict[str, Any]:
    return {"ways": [{"way": way, "active": active} for way, active in order]}
