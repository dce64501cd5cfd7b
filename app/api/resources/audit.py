"""The audit: who did what to what, when, from where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, maybe, moment, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import reading
from app.core.errors import NotFound
from app.core.words import _
from app.identity.audit import entries
from app.identity.tables import audit as audit_table

_BOUNDS = ("since", "until")
_OBJECT = {"type": ["object", "null"]}
ENTRY = Shape(
    "AuditEntry",
    {
        "id": whole(1),
        "seq": maybe(whole(1)),
        "at": moment(),
        "actor": text(64),
        "action": text(64),
        "object": text(128),
        "address": maybe(text(64)),
        "session": maybe(text(16)),
        "detail": _OBJECT,
        "before": _OBJECT,
        "after": _OBJECT,
        "hash": maybe(text(64)),
    },
    {
        "id": 17,
        "seq": 17,
        "at": "2026-11-23T12:00:00.000Z",
        "actor": "ann",
        "action": "operator.change",
        "object": "operator:3",
        "address": "192.0.2.7",
        "session": "0f3a5c7e9b1d",
        "detail": None,
        "before": {"role": "noc"},
        "after": {"role": "billing"},
        "hash": "0" * 64,
    },
)


@operation(
    "GET",
    "/audit",
    "audit.read",
    "List what was done, newest first",
    params=(
        Param("since", moment(), "At or after."),
        Param("until", moment(), "Before."),
        Param("actor", text(64, 1), "Who."),
        Param("action", text(64, 1), "What, or how it begins: operator."),
        Param("object", text(128, 1), "To what, or how it begins: account:7"),
    ),
    answer=ENTRY,
    lists=True,
    screens=("audit.index",),
)
def index(call: Call) -> Reply:
    """The entries of the tenants that one sees."""
    since, until = (clock.parse(call.query[n]) if n in call.query else None for n in _BOUNDS)
    asked = {n: call.query[n] for n in ("actor", "action", "object") if n in call.query}
    query = entries(call.who.sees, since=since, until=until, **asked)
    with reading(databases().panel) as connection:
        found = call.page(connection, query, {"id": audit_table.c.id}, descending=True)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "GET", "/audit/{entry_id}", "audit.read", "One entry", answer=ENTRY, screens=("audit.show",)
)
def one(call: Call) -> dict[str, Any]:
    """With all that was noted."""
    query = entries(call.who.sees).where(audit_table.c.id == call.path["entry_id"])
    with reading(databases().panel) as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(_("There is no such entry."), _("Look for it in the list."))
    return _plain(row)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    names = ("id", "seq", "actor", "action", "object", "address", "session", "hash")
    fields = {name: row[name] for name in names}
    texts = {name: row[name] for name in ("detail", "before", "after")}
    parsed = {name: json.loads(value) if value else None for name, value in texts.items()}
    return {**fields, "at": clock.iso(row["at"]), **parsed}
