"""Operators: who may sign in, in which role, for which tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, choice, flag, maybe, moment, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import LARGEST_ID, reading, writing
from app.core.prefixes import starts_with
from app.identity import staff
from app.identity.roles import ROLES
from app.identity.tables import operator as operator_table

OPERATOR = Shape(
    "Operator",
    {
        "id": whole(1, LARGEST_ID),
        "login": text(64),
        "role": choice(*ROLES),
        "tenant_id": whole(1),
        "tenant": text(80),
        "active": flag(),
        "seen_at": maybe(moment()),
        "created_at": moment(),
    },
    {
        "id": 3,
        "login": "ann",
        "role": "noc",
        "tenant_id": 1,
        "tenant": "House",
        "active": True,
        "seen_at": "2026-11-23T12:00:00.000Z",
        "created_at": "2026-01-01T00:00:00.000Z",
    },
)
NEW = Shape(
    "NewOperator",
    {"login": text(64, 1), "role": choice(*ROLES), "tenant_id": whole(1, LARGEST_ID)},
    {"login": "bob", "role": "billing"},
    frozenset({"tenant_id"}),
    inbound=True,
)
PATCH = Shape(
    "OperatorPatch",
    {"role": choice(*ROLES), "active": flag()},
    {"active": False},
    frozenset({"role", "active"}),
    inbound=True,
)
ONE_TIME = Shape(
    "OneTimePassword",
    {"operator_id": whole(1), "password": text(64)},
    {"operator_id": 3, "password": "abcdef-ghjkmn-pqrstu-vwxyz2"},
)
ENDED = Shape("EndedSessions", {"sessions": whole()}, {"sessions": 2})
UNLINKED = Shape("Unlinked", {"links": whole()}, {"links": 1})
DROPPED = Shape("DroppedFactor", {"had": flag()}, {"had": True})


@operation(
    "GET",
    "/operators",
    "operator.read",
    "List operators, by login",
    params=(Param("q", text(64, 1), "How the login starts."),),
    answer=OPERATOR,
    lists=True,
    screens=("operators.index",),
)
def index(call: Call) -> Reply:
    """Those of the tenants that one sees."""
    query = staff.over(call.who)
    if "q" in call.query:
        query = query.where(starts_with(operator_table.c.login, call.query["q"]))
    with reading(databases().panel) as connection:
        keys = {"login": operator_table.c.login, "id": operator_table.c.id}
        found = call.page(connection, query, keys)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "POST",
    "/operators",
    "operator.write",
    "Make an operator; the password is in this answer alone",
    body=NEW,
    answer=ONE_TIME,
    status=201,
    screens=("operators.new",),
)
def add(call: Call) -> dict[str, Any]:
    """In no greater role than one's own."""
    with writing(databases().panel) as connection:
        number, password = staff.create(
            connection,
            call.who,
            login=call.body["login"],
            role=call.body["role"],
            tenant_id=call.body.get("tenant_id", call.who.tenant_id),
        )
    return {"operator_id": number, "password": password}


@operation(
    "GET",
    "/operators/{operator_id}",
    "operator.read",
    "One operator",
    answer=OPERATOR,
    etag=True,
    screens=("operators.edit",),
)
def one(call: Call) -> dict[str, Any]:
    """Role, tenant, state."""
    with reading(databases().panel) as connection:
        return _plain(staff.get(connection, call.who, call.path["operator_id"]))


@operation(
    "PATCH",
    "/operators/{operator_id}",
    "operator.write",
    "Give another role, lock or unlock",
    help="The sessions of the operator end.",
    body=PATCH,
    answer=OPERATOR,
    etag=True,
    needs_match=True,
    screens=("operators.edit",),
)
def change(call: Call) -> dict[str, Any]:
    """What is not named stays as it is."""
    number = call.path["operator_id"]
    with writing(databases().panel) as connection:
        row = staff.get(connection, call.who, number)
        call.must_match(_plain(row))
        staff.change(
            connection,
            call.who,
            number,
            role=call.body.get("role", row["role"]),
            active=call.body.get("active", bool(row["active"])),
        )
        return _plain(staff.get(connection, call.who, number))


@operation(
    "POST",
    "/operators/{operator_id}/password",
    "operator.write",
    "Set a new password, which is in this answer alone",
    answer=ONE_TIME,
    screens=("operators.password",),
)
def password(call: Call) -> dict[str, Any]:
    """Ends the operator's sessions."""
    with writing(databases().panel) as connection:
        made = staff.new_password(connection, call.who, call.path["operator_id"])
    return {"operator_id": call.path["operator_id"], "password": made}


@operation(
    "DELETE",
    "/operators/{operator_id}/sessions",
    "operator.write",
    "Sign an operator out everywhere",
    answer=ENDED,
    screens=("operators.end_sessions",),
)
def end_sessions(call: Call) -> dict[str, Any]:
    """How many sessions ended."""
    with writing(databases().panel) as connection:
        count = staff.end_sessions(connection, call.who, call.path["operator_id"])
    return {"sessions": count}


@operation(
    "DELETE",
    "/operators/{operator_id}/second-factor",
    "operator.write",
    "Take a lost second factor away",
    answer=DROPPED,
    screens=("operators.drop_factor",),
)
def drop_factor(call: Call) -> dict[str, Any]:
    """The operator is signed out everywhere."""
    with writing(databases().panel) as connection:
        return {"had": staff.drop_factor(connection, call.who, call.path["operator_id"])}


@operation(
    "DELETE",
    "/operators/{operator_id}/openid",
    "operator.write",
    "Remove an operator's links to the sign-in provider",
    answer=UNLINKED,
    screens=("openid.drop",),
)
def drop_openid(call: Call) -> dict[str, Any]:
    """The operator is signed out everywhere."""
    with writing(databases().panel) as connection:
        count = staff.drop_identities(connection, call.who, call.path["operator_id"])
    return {"links": count}


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("id", "login", "role", "tenant_id", "tenant")}
    return {
        **shown,
        "active": bool(row["active"]),
        "seen_at": clock.iso(row["seen"]),
        "created_at": clock.iso(row["created_at"]),
    }
