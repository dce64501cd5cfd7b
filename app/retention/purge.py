"""Keeps the switch's own acc and missed_calls small: what stands in a call of ours may go there.

Only rows that are old, whose table has been read past them, and that are part of a stored call
(by source, Call-ID and id, or sealed when that call went). Never what lies in suspense or waits
for the rest of its call. By id, few at a time, with pauses; killed anywhere, it is begun again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, Table, select
from sqlalchemy.exc import DBAPIError

from app.cdr.tables import answered, failed
from app.core import clock
from app.core.database import Databases, reading, safe_url, writing
from app.core.errors import CompanionError
from app.core.source_settings import MAIN_SOURCE
from app.identity import audit
from app.mediation.call import Row
from app.mediation.reading import read_where, rows_from
from app.mediation.source import (
    BACKLOG,
    LIVE,
    Bookmark,
    Reader,
    Source,
    load_bookmarks,
    load_sources,
    open_readers,
    written_at,
)
from app.mediation.tables import open_call, suspense
from app.retention import seals

# However few days are wished for: a call's rows are complete after two.
_LEAST_DAYS = 2


class MayNotDelete(CompanionError):
    """The database user lacks the right, or the server refused."""

    code = "may_not_delete"


class TooSlow(CompanionError):
    """The database took too long for a bite; the switch comes first."""

    code = "database_slow"
    status = 503


@dataclass(frozen=True, slots=True)
class Wish:
    """What to purge: rows older than ``days``, ``bite`` at a time with ``pause_s`` between;
    a bite that takes longer than ``slow_s`` ends it."""

    days: int = 30
    bite: int = 500
    pause_s: float = 0.2
    slow_s: float = 2.0
    dry_run: bool = False


@dataclass(slots=True)
class Purged:
    """Counts by table: rows looked at, removed (or to be removed), and kept."""

    seen: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)


def run(
    dbs: Databases,
    engine: Engine,
    wish: Wish,
    progress: Callable[[str, int, int], None] = lambda _table, _seen, _removed: None,
) -> Purged:
    """Purges the first source's tables with the user of ``engine``; raises MayNotDelete, TooSlow.

    What was done until then is noted in the audit in any case.
    """
    total = Purged()
    with reading(dbs.panel) as connection:
        # The purging user is of the first source's database.
        sources = [one for one in load_sources(connection) if one.name == MAIN_SOURCE]
        marks = {one.id: load_bookmarks(connection, one.id) for one in sources}
    try:
        for found in sources:
            if not marks[found.id]:
                continue
            for reader in open_readers(dbs.switch, found):
                mine = [mark for mark in marks[found.id] if mark.table == reader.name]
                for seen, removed in _table(dbs, engine, found, reader, mine, wish):
                    total.seen[reader.name] = total.seen.get(reader.name, 0) + seen
                    total.removed[reader.name] = total.removed.get(reader.name, 0) + removed
                    progress(reader.name, total.seen[reader.name], total.removed[reader.name])
    finally:
        if not wish.dry_run:
            with writing(dbs.panel) as connection:
                detail = {"days": wish.days, "seen": total.seen, "removed": total.removed}
                audit.record(connection, action="acc.purge", object="acc", detail=detail)
    return total


def _table(
    dbs: Databases,
    engine: Engine,
    found: Source,
    reader: Reader,
    marks: Sequence[Bookmark],
    wish: Wish,
) -> Iterator[tuple[int, int]]:
    live = next((mark for mark in marks if mark.part == LIVE), None)
    if live is None:
        return
    before = clock.now_ms() - max(wish.days, _LEAST_DAYS) * clock.DAY
    after = -1
    while True:
        with reading(dbs.switch) as connection:
            raws = read_where(connection, reader, reader.table.c.id > after, wish.bite)
        rows = rows_from(reader, raws, 0)
        if not rows:
            return
        after = rows[-1].id
        old = [
            row
            for row in rows
            if _is_settled(row.id, marks) and written_at(row, found.habits.zone, before) < before
        ]
        with reading(dbs.panel) as connection:
            gone = removable(connection, found, live.epoch, reader.name, old)
        if gone and not wish.dry_run:
            _delete(engine, reader.table, gone, wish)
        yield len(rows), len(gone)
        if len(rows) < wish.bite:
            return


def _is_settled(row_id: int, marks: Sequence[Bookmark]) -> bool:
    """Whether reading has gone past an id for good."""
    for mark in marks:
        if mark.part == BACKLOG and mark.until is not None and row_id <= mark.until:
            return row_id <= mark.position.settled
    return any(mark.part == LIVE and row_id <= mark.position.settled for mark in marks)


def removable(
    connection: Connection, found: Source, epoch: int, table: str, rows: Sequence[Row]
) -> list[int]:
    """The ids of those rows that are part of a stored call, or of one that is gone."""
    if not rows:
        return []
    ids = [row.id for row in rows]
    kept: set[int] = set()
    for waiting in (open_call, suspense):
        mine = [waiting.c.source_id == found.id, waiting.c.table_name == table]
        if waiting is suspense:
            # An entry without its numbers needs its row no more.
            mine.append(suspense.c.numbers_removed_at.is_(None))
        kept |= set(
            connection.scalars(select(waiting.c.acc_id).where(*mine, waiting.c.acc_id.in_(ids)))
        )
    used: set[tuple[str, str]] = set()
    for cdr in (answered, failed):
        query = select(cdr.c.call_id, cdr.c.acc_ids).where(
            cdr.c.call_id.in_({row.call_id[:255] for row in rows}),
            cdr.c.source_id == found.id,
            cdr.c.epoch == epoch,
        )
        for call_id, names in connection.execute(query):
            used.update((call_id, name) for name in names.split())
    sealed = seals.Rows(connection, found.id, epoch, table)
    return [
        row.id
        for row in rows
        if row.id not in kept and ((row.call_id[:255], row.name) in used or sealed.has(row.id))
    ]


def _delete(engine: Engine, table: Table, ids: Sequence[int], wish: Wish) -> None:
    started = time.monotonic()
    try:
        with writing(engine) as connection:
            connection.execute(table.delete().where(table.c.id.in_(ids)))
    except DBAPIError as error:
        raise MayNotDelete(
            f"Rows of {table.name} may not go ({safe_url(engine)}): {str(error.orig)[:150]}",
            "Give a user DELETE on acc and missed_calls (docs/examples/grants) and name it in"
            " PANEL_ACC_PURGE_DATABASE_URL.",
        ) from error
    took = time.monotonic() - started
    if took > wish.slow_s:
        raise TooSlow(
            f"Deleting {len(ids)} rows of {table.name} took {took:.1f} s, so it was stopped.",
            "Go on at a quieter hour, or with a smaller --bite; what is gone is gone.",
        )
    # The switch gets more of the database than we take.
    time.sleep(max(wish.pause_s, took))
