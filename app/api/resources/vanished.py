"""Calls of the switch's dialogs that disagree with acc."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api.operations import Call, Reply, operation
from app.api.schema import Shape, moment, several, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.mediation import tables, vanished

ENTRY = Shape(
    "VanishedCall",
    {
        "id": whole(1),
        "state": text(8),
        "title": text(200),
        "remedy": text(500),
        "caller": text(),
        "callee": text(),
        "call_id": text(),
        "node": text(64, description="Whose memory it was seen in; empty: the switch's table."),
        "answered_at": moment(),
        "seen_at": moment(),
        "length_ms": whole(),
    },
    {
        "id": 5,
        "state": "vanished",
        "title": "Ended without a row",
        "remedy": "The switch was killed or restarted: see its log.",
        "caller": "alice",
        "callee": "4930123456",
        "call_id": "a84b4c76e66710@192.0.2.1",
        "node": "",
        "answered_at": "2026-11-23T12:00:00.000Z",
        "seen_at": "2026-11-23T12:07:00.000Z",
        "length_ms": 420_000,
    },
)
WHICH = Shape(
    "AcknowledgeRequest", {"ids": several(whole(1), 1_000, 1)}, {"ids": [5]}, inbound=True
)
DONE = Shape("Acknowledged", {"acknowledged": whole()}, {"acknowledged": 1})


@operation(
    "GET",
    "/vanished",
    "suspense.read",
    "List calls that vanished without a row, newest first",
    answer=ENTRY,
    lists=True,
    screens=("mediation.lost",),
)
def index(call: Call) -> Reply:
    """One page of those that nobody has acknowledged."""
    with reading(databases().panel) as connection:
        key = {"id": tables.dialog_seen.c.id}
        found = call.page(connection, vanished.entries(), key, descending=True)
    return call.listed(found.rows, found.older, lambda row: _plain(vanished.entry(row)))


@operation(
    "POST",
    "/vanished/acknowledge",
    "suspense.replay",
    "Take vanished calls off the list",
    body=WHICH,
    answer=DONE,
    screens=("mediation.acknowledge",),
)
def acknowledge(call: Call) -> dict[str, Any]:
    """How many were on it."""
    with writing(databases().panel) as connection:
        return {"acknowledged": vanished.acknowledge(connection, call.body["ids"])}


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "state": entry["state"],
        "title": str(entry["title"]),
        "remedy": str(entry["remedy"]),
        "caller": entry["caller"],
        "callee": entry["callee"],
        "call_id": entry["call_id"],
        "node": entry["node"],
        "answered_at": clock.iso(entry["start_at"]),
        "seen_at": clock.iso(entry["seen_at"]),
        "length_ms": entry["length"],
    }
