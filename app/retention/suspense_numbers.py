"""Numbers of rows that were never made a call: cut like those of calls, after the same time.

The entry stays with its reason and what else the row says, but it cannot be made a call any more:
Call-ID and tags go too, and the row is sealed as one that was dealt with. Of calls that vanished
the parties go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, case, select

from app.core import clock
from app.core.database import Databases, writing
from app.mediation.columns import STOCK, map_columns
from app.mediation.tables import dialog_seen, source, suspense
from app.mediation.vanished import VANISHED
from app.retention import seals
from app.retention.decisions import Decision
from app.retention.drop import Gone
from app.retention.numbers import note_day, shortened
from app.retention.seals import Seal

_BITE = 200
# Of the first meanings the beginning stays, the others stay whole. What means nothing goes, since
# nobody knows what an operator's other columns hold.
_CUT = ("caller", "callee", "asserted", "routed", "routing_number", "account")
_KEPT = frozenset(
    ("caller_domain", "gateway", "carrier", "trunk", "attempt", "first_ms", "final_ms")
    + ("pdd_ms", "cause", "hangup")
)
_EMPTIED = ("callid", "from_tag", "to_tag")


def without_numbers(row: Mapping[str, Any], chosen: str | None, keep: int) -> dict[str, Any]:
    """A kept row by its columns' names; ``chosen`` is the source's mapping of columns."""
    meanings = {column: meaning for meaning, column in map_columns(row, chosen).items()}
    found: dict[str, Any] = {}
    for name, value in row.items():
        meaning = meanings.get(name, "")
        if meaning in _CUT:
            found[name] = shortened(str(value), keep) if value is not None else None
        elif name in _EMPTIED or (name not in STOCK and meaning not in _KEPT):
            found[name] = "" if value else value
        else:
            found[name] = value
    return found


def remove_next(dbs: Databases, decision: Decision, cutoff: int) -> Gone:
    """Cuts the numbers of some entries that are older than the cutoff."""
    keep = decision.keep_digits
    with writing(dbs.panel) as connection:
        rows = _due(connection, cutoff)
        chosen = _mappings(connection) if rows else {}
        days: dict[int, tuple[Seal, int]] = {}
        for row in rows:
            _cut(connection, row, chosen.get(row["source_id"]), keep)
            day = clock.day_start(row["since"])
            seal, count = days.get(day, (Seal(), 0))
            seal.take_rows(row["source_id"], row["epoch"], f"{row['table_name']}:{row['acc_id']}")
            days[day] = seal, count + 1
        for day, (seal, count) in sorted(days.items()):
            seals.write(connection, note_day(connection, suspense, day, count), seal)
        _cut_vanished(connection, cutoff, keep)
    return Gone(len(rows), more=len(rows) == _BITE)


def _due(connection: Connection, cutoff: int) -> list[Mapping[str, Any]]:
    c = suspense.c
    # A row without a usable time, or from the future, counts from when it was read.
    since = case((c.at < c.seen_at, c.at), else_=c.seen_at)
    columns = (c.id, c.source_id, c.epoch, c.table_name, c.acc_id, c.row, since.label("since"))
    query = select(*columns).where(c.numbers_removed_at.is_(None), since < cutoff)
    rows = connection.execute(query.order_by(c.id).limit(_BITE)).mappings()
    return [dict(row) for row in rows]


def _mappings(connection: Connection) -> dict[int, str | None]:
    rows = connection.execute(select(source.c.id, source.c.columns))
    return {row.id: row.columns for row in rows}


def _cut(connection: Connection, row: Mapping[str, Any], chosen: str | None, keep: int) -> None:
    text = json.dumps(without_numbers(json.loads(row["row"]), chosen, keep), ensure_ascii=False)
    connection.execute(
        suspense.update()
        .where(suspense.c.id == row["id"])
        .values(row=text, call_id="", numbers_removed_at=clock.now_ms())
    )


def _cut_vanished(connection: Connection, cutoff: int, keep: int) -> None:
    c = dialog_seen.c
    query = select(c.id, c.caller, c.callee).where(
        c.state == VANISHED, c.start_at < cutoff, c.call_id != ""
    )
    for row in connection.execute(query.order_by(c.id).limit(_BITE)).all():
        connection.execute(
            dialog_seen.update()
            .where(c.id == row.id)
            .values(
                caller=shortened(row.caller, keep),
                callee=shortened(row.callee, keep),
                call_id="",
                from_tag="",
            )
        )
