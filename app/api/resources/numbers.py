"""The numbers that we own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, choice, maybe, moment, money, several, text, whole
from app.core import clock
from app.core import money as amounts
from app.core.context import databases
from app.core.database import LARGEST_ID, reading, writing
from app.core.prefixes import starts_with
from app.mediation import numbers
from app.mediation.tables import own_number

_DIGITS = text(15, 3, pattern="^[0-9]+$")
NUMBER = Shape(
    "OwnNumber",
    {
        "id": whole(1, LARGEST_ID),
        "tenant_id": whole(1),
        "number": text(20),
        "account": text(128),
        "kind": choice(*numbers.KINDS),
        "carrier": text(64),
        "rental": maybe(money()),
        "currency": text(3),
        "valid_from": maybe(moment()),
        "valid_till": maybe(moment()),
    },
    {
        "id": 7,
        "tenant_id": 1,
        "number": "4930123456",
        "account": "alice@example.org",
        "kind": "geographic",
        "carrier": "carrier-a",
        "rental": "1.50",
        "currency": "EUR",
        "valid_from": None,
        "valid_till": None,
    },
)
_NEW: dict[str, Any] = {
    "number": _DIGITS,
    "account": text(128, 1),
    "kind": choice(*numbers.KINDS),
    "carrier": text(64),
    "rental": {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,4})?$", "maxLength": 20},
}
NEW = Shape(
    "NewOwnNumbers",
    {
        "valid_from": moment(),
        "numbers": several(
            {
                "type": "object",
                "properties": _NEW,
                "required": ["number", "account"],
                "additionalProperties": False,
            },
            numbers.MOST,
            1,
        ),
    },
    {"numbers": [{"number": "4930123456", "account": "u@mark002x.example", "rental": "1.50"}]},
    frozenset({"valid_from"}),
    inbound=True,
)
TAKEN = Shape("OwnNumbersTaken", {"numbers": whole()}, {"numbers": 1})


@operation(
    "GET",
    "/numbers",
    "number.read",
    "List the numbers that we own",
    params=(Param("q", text(20, 1), "How the number starts."),),
    answer=NUMBER,
    lists=True,
    screens=("payers.owned",),
)
def index(call: Call) -> Reply:
    """Those of the tenants that one sees."""
    query = numbers.over(call.who.sees)
    if "q" in call.query:
        query = query.where(starts_with(own_number.c.number, call.query["q"]))
    keys = {"number": own_number.c.number, "id": own_number.c.id}
    with reading(databases().panel) as connection:
        found = call.page(connection, query, keys)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "POST",
    "/numbers",
    "number.write",
    "Take in numbers, all or none",
    body=NEW,
    answer=TAKEN,
    status=201,
    screens=("payers.take",),
)
def add(call: Call) -> dict[str, Any]:
    """From an instant on; without one, from the beginning."""
    begins = clock.parse(call.body["valid_from"]) if "valid_from" in call.body else 0
    wanted = [numbers.NewNumber(**one) for one in call.body["numbers"]]
    with writing(databases().panel) as connection:
        return {"numbers": numbers.add(connection, wanted, begins)}


@operation("GET", "/numbers/{number_id}", "number.read", "One number", answer=NUMBER)
def one(call: Call) -> dict[str, Any]:
    """Whose it is, from when till when."""
    with reading(databases().panel) as connection:
        return _plain(numbers.get(connection, call.path["number_id"], call.who.sees))


@operation(
    "POST",
    "/numbers/{number_id}/end",
    "number.write",
    "End the ownership of a number now",
    answer=NUMBER,
    screens=("payers.end",),
)
def end(call: Call) -> dict[str, Any]:
    """It can be given anew."""
    with writing(databases().panel) as connection:
        row = numbers.get(connection, call.path["number_id"], call.who.sees)
        numbers.end(connection, row, clock.now_ms())
        return _plain(numbers.get(connection, row["id"], None))


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    names = ("id", "tenant_id", "number", "kind", "carrier", "currency")
    return {
        **{name: row[name] for name in names},
        "account": row["code"] or "",
        "rental": amounts.to_text(row["rental"], row["currency"]),
        "valid_from": clock.iso(row["valid_from"] or None),
        "valid_till": clock.iso(row["valid_till"]),
    }
