"""What became visible later than the settling time: the switch's rows against what was used.

A position gives up a gap after the settling time, so that reading goes on. A transaction that
commits later still is found here, every night or when somebody asks, and its rows are mediated.

Used once all the same: a bite first notes where the reading position stands, then looks for what
is unused, then writes only if the position has not moved since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.cdr.tables import answered, failed
from app.core import clock
from app.core.database import Databases, reading
from app.mediation import start
from app.mediation.call import Row
from app.mediation.reading import read_where, rows_from
from app.mediation.source import LIVE, Bookmark, Reader, load_bookmarks, written_at
from app.mediation.tables import open_call, suspense
from app.pipeline import Overtaken, Pipeline
from app.retention import seals

# Rows looked at in one bite, and how many days back.
BITE = 2_000
DAYS = 2
# A live worker moves the position now and again; so often a bite begins anew.
_TRIES = 20
# Around a row's own time its call's CDR is looked for: the longest call, and a zone put right.
_AROUND_MS = 4 * clock.DAY


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a source's table to compare: the ids above ``after`` up to ``until``."""

    table: str
    after: int
    until: int
    source_id: int = 0


def stretches(pipeline: Pipeline, days: int = DAYS) -> list[Stretch]:
    """What of each table has been read and is of the last days."""
    found = []
    for reader in pipeline.readers:
        mark = _live(pipeline, reader.name)
        if mark is None:
            continue
        with reading(pipeline.dbs.switch) as connection:
            since = clock.now_ms() - days * clock.DAY
            first = start.first_since(connection, reader, pipeline.source, since)
        if first is not None and first <= mark.position.settled:
            found.append(Stretch(reader.name, first - 1, mark.position.settled, pipeline.source.id))
    return found


def compare(pipeline: Pipeline, stretch: Stretch, limit: int = BITE) -> tuple[int, int, int | None]:
    """Looks at some rows: (how many, how many of them were mediated now, the last id or None)."""
    for _ in range(_TRIES):
        mark = _live(pipeline, stretch.table)
        reader = next((one for one in pipeline.readers if one.name == stretch.table), None)
        if mark is None or reader is None:
            return 0, 0, None
        rows = _rows(pipeline.dbs, reader, stretch, limit)
        with reading(pipeline.dbs.panel) as connection:
            unread = _unread(connection, pipeline.source.id, mark)
            read = [row for row in rows if not any(low < row.id <= high for low, high in unread)]
            ids = _unused(connection, pipeline, mark.epoch, read)
        try:
            found = pipeline.pick_up(mark, ids) if ids else 0
        except Overtaken:
            continue
        return len(rows), found, rows[-1].id if len(rows) == limit else None
    raise Overtaken


def _live(pipeline: Pipeline, table: str) -> Bookmark | None:
    marks = (mark for mark in pipeline.bookmarks(LIVE) if mark.table == table)
    return next(marks, None)


def _rows(dbs: Databases, reader: Reader, stretch: Stretch, limit: int) -> list[Row]:
    ids = reader.table.c.id
    with reading(dbs.switch) as connection:
        raws = read_where(connection, reader, (ids > stretch.after) & (ids <= stretch.until), limit)
    return rows_from(reader, raws, clock.now_ms())


def _unread(connection: Connection, source_id: int, live: Bookmark) -> list[tuple[int, int]]:
    """Ids that are still to be read in their turn: the rest of a backlog, gaps that are watched."""
    found = [(gap.first - 1, gap.last) for gap in live.position.gaps]
    for mark in load_bookmarks(connection, source_id):
        if mark.table == live.table and mark.until is not None:
            found.append((mark.position.high, mark.until))
            found += [(gap.first - 1, gap.last) for gap in mark.position.gaps]
    return found


def _unused(
    connection: Connection, pipeline: Pipeline, epoch: int, rows: Sequence[Row]
) -> list[int]:
    """The ids of rows that are in no CDR, kept or gone, no open call and no suspense entry."""
    if not rows:
        return []
    source_id, table = pipeline.source.id, rows[0].table
    zone, now = pipeline.source.habits.zone, clock.now_ms()
    instants = [written_at(row, zone, now) for row in rows if row.time is not None]
    low, high = min(instants, default=now) - _AROUND_MS, max(instants, default=now) + _AROUND_MS
    used: set[tuple[str, str]] = set()
    call_ids = sorted({row.call_id[:255] for row in rows})
    for begin in range(0, len(call_ids), 500):
        some = call_ids[begin : begin + 500]
        for cdr in (answered, failed):
            query = select(cdr.c.call_id, cdr.c.acc_ids).where(
                cdr.c.call_id.in_(some),
                cdr.c.source_id == source_id,
                cdr.c.setup_at.between(low, high),
            )
            for call_id, names in connection.execute(query):
                used.update((call_id, name) for name in names.split())
    for kept in (open_call, suspense):
        query = select(kept.c.call_id, kept.c.acc_id).where(
            kept.c.source_id == source_id,
            kept.c.epoch == epoch,
            kept.c.table_name == table,
            kept.c.acc_id.between(rows[0].id, rows[-1].id),
        )
        used.update((call_id, f"{table}:{row_id}") for call_id, row_id in connection.execute(query))
    gone = seals.Rows(connection, source_id, epoch, table)
    return [
        row.id for row in rows if (row.call_id[:255], row.name) not in used and not gone.has(row.id)
    ]
