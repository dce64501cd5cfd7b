"""Rows that wait for others (open calls) and rows that are no call (suspense), in the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, or_, select, true

from app.core import clock
from app.mediation.call import ACC, Leftover, Row, Trouble
from app.mediation.columns import build_row, lay_out
from app.mediation.source import Reader, Source, written_at
from app.mediation.tables import open_call, suspense

# Suspense that a late row can still complete.
_COMPLETABLE = (Trouble.NO_BYE, Trouble.NO_INVITE, Trouble.NO_FINAL)
# So many kept Call-IDs are read whole, rather than each new one be asked for.
_FEW = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A row kept in ``open_call`` or ``suspense`` (``text``: all of it, as JSON), and the CDR it
    became provisionally."""

    row: Row
    table: Table
    id: int
    epoch: int
    text: str
    cdr: tuple[int, int] | None = None


def load_mates(
    connection: Connection, found: Source, readers: Sequence[Reader], call_ids: Iterable[str]
) -> list[Kept]:
    """Kept rows of these Call-IDs: what a new row may complete."""
    wanted, kept = set(call_ids), list[Kept]()
    for table, which in (
        (open_call, true()),
        (suspense, suspense.c.reason.in_(_COMPLETABLE)),
    ):
        ids = _kept_among(connection, found, table, which, wanted)
        for start in range(0, len(ids), 500):
            mine = which & table.c.call_id.in_(ids[start : start + 500])
            kept += _load(connection, found, readers, table, mine)
    return kept


def _kept_among(
    connection: Connection,
    found: Source,
    table: Table,
    which: ColumnElement[bool],
    wanted: set[str],
) -> list[str]:
    """Those of the Call-IDs that can be kept there: where few rows are kept, few are asked for."""
    query = select(table.c.call_id).where(table.c.source_id == found.id, which).limit(_FEW + 1)
    there = connection.scalars(query).all()
    return sorted(wanted if len(there) > _FEW else wanted.intersection(there))


def is_kept(connection: Connection, source_id: int, row: Row) -> bool:
    """Whether a row waits for others or lies in suspense, for whatever reason."""
    return any(
        connection.scalar(
            select(table.c.id).where(
                table.c.source_id == source_id,
                table.c.table_name == row.table,
                table.c.acc_id == row.id,
                table.c.call_id == row.call_id[:255],
            )
        )
        is not None
        for table in (open_call, suspense)
    )


def load_suspense(
    connection: Connection, found: Source, readers: Sequence[Reader], ids: Iterable[int]
) -> list[Kept]:
    """Suspense entries by their ids."""
    wanted = suspense.c.id.in_(list(ids))
    return _load(connection, found, readers, suspense, wanted)


def load_overdue(
    connection: Connection,
    found: Source,
    readers: Sequence[Reader],
    *,
    lone_before: int,
    call_before: int,
    limit: int = 1000,
) -> list[Kept]:
    """Waiting rows that have waited long enough: INVITEs for their BYE since ``call_before``,
    everything else (missed calls, lone BYEs) since ``lone_before``."""
    invite = open_call.c.row.like('%"method": "INVITE"%') & (open_call.c.table_name == ACC)
    due = or_(open_call.c.at < call_before, ~invite & (open_call.c.at < lone_before))
    wanted = due & open_call.c.cdr_id.is_(None)
    return _load(connection, found, readers, open_call, wanted, limit)


def _load(
    connection: Connection,
    found: Source,
    readers: Sequence[Reader],
    table: Table,
    wanted: Any,
    limit: int = 10_000,
) -> list[Kept]:
    layouts = {reader.name: reader.layout for reader in readers}
    query = select(table).where(table.c.source_id == found.id, wanted)
    kept = []
    for stored in connection.execute(query.order_by(table.c.id).limit(limit)).mappings():
        named = json.loads(stored["row"])
        # A table that was dropped since has no layout: its rows read as they were kept.
        layout = layouts.get(stored["table_name"]) or lay_out(named, {})
        row = build_row(stored["table_name"], layout.from_mapping(named), layout, stored["seen_at"])
        cdr = stored.get("cdr_id")
        key = (cdr, stored["cdr_setup_at"]) if cdr is not None else None
        kept.append(Kept(row, table, stored["id"], stored["epoch"], stored["row"], key))
    return kept


def drop(connection: Connection, kept: Iterable[Kept]) -> bool:
    """Removes kept rows that now are (part of) a call; False when another worker took one."""
    complete = True
    by_table: dict[Table, list[int]] = {}
    for item in kept:
        by_table.setdefault(item.table, []).append(item.id)
    for table, ids in by_table.items():
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            result = connection.execute(table.delete().where(table.c.id.in_(some)))
            complete = complete and result.rowcount == len(some)
    return complete


def keep_waiting(
    connection: Connection,
    found: Source,
    rows: Iterable[tuple[Row, int, str]],
    provisional: Mapping[str, tuple[int, int]],
) -> None:
    """Stores rows that wait (with their epoch and their text); ``provisional`` names the CDR
    that a row became meanwhile."""
    new = [
        _entry(found, row, epoch, text)
        | {
            "at": written_at(row, found.habits.zone, row.seen_at),
            "cdr_id": provisional.get(row.name, (None, None))[0],
            "cdr_setup_at": provisional.get(row.name, (None, None))[1],
        }
        for row, epoch, text in rows
    ]
    if new:
        connection.execute(open_call.insert(), new)


def suspend(
    connection: Connection,
    found: Source,
    leftovers: Iterable[tuple[Leftover, int, str]],
) -> None:
    """Stores rows that are no call, with the reason."""
    new = [
        _entry(found, left.row, epoch, text)
        | {
            "at": written_at(left.row, found.habits.zone, left.row.seen_at),
            "reason": str(left.reason),
            "detail": left.detail[:255],
        }
        for left, epoch, text in leftovers
    ]
    if new:
        connection.execute(suspense.insert(), new)


def forget_provisional(connection: Connection, before: int) -> None:
    """Drops the reminders of provisional CDRs whose main row never came."""
    connection.execute(
        open_call.delete().where(open_call.c.cdr_id.is_not(None), open_call.c.at < before)
    )


def _entry(found: Source, row: Row, epoch: int, text: str) -> dict[str, Any]:
    return {
        "tenant_id": found.tenant_id,
        "source_id": found.id,
        "epoch": epoch,
        "table_name": row.table,
        "acc_id": row.id,
        "call_id": row.call_id[:255],
        "seen_at": row.seen_at or clock.now_ms(),
        "row": text,
    }
