"""Lists of CDRs, newest first: windows of time are walked until the page is full.

The position in a list is (setup_at, id). No OFFSET, no COUNT: a page costs the same on the
first and on the last of a hundred million rows.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from app.cdr.filters import Filters, seen_by
from app.cdr.tables import answered, failed, unpriced
from app.core import clock
from app.identity.access import owned

# The bounds of the windows that are walked, in days before the start.
_WINDOWS = (1, 7, 30, 120, 400)
# After this long an unfinished page is shown with how far it looked.
_PATIENCE_S = 0.2

CDR = Mapping[str, Any]
Column = ColumnElement[int]
# The condition for rows of a page: of (setup_at, id), in whatever table they stand.
Bounds = Callable[[Column, Column], list[ColumnElement[bool]]]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: the call that the page before ended with."""

    setup_at: int
    id: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some CDRs, newest first; cursors to go on in both directions, None where it ends.

    ``looked_back_to`` is set when the search stopped there before the page was full.
    """

    rows: list[CDR]
    next_cursor: Cursor | None
    previous_cursor: Cursor | None
    looked_back_to: int | None = None


def search(
    connection: Connection,
    filters: Filters,
    *,
    after: Cursor | None = None,
    before: Cursor | None = None,
    limit: int = 50,
) -> Page:
    """One page: the newest, the one ``after`` a cursor (older), or ``before`` one (newer)."""
    if before is not None:
        newer = _newer(connection, filters, before, limit)
        more = len(newer) > limit
        rows = list(reversed(newer[:limit]))
        if not rows:
            return search(connection, filters, limit=limit)
        return Page(rows, _cursor(rows[-1]), _cursor(rows[0]) if more else None)
    rows, stopped_at = _older(connection, filters, after, limit)
    full = len(rows) > limit
    rows = rows[:limit]
    following = _cursor(rows[-1]) if full else None
    if stopped_at is not None and not full:
        following = Cursor(stopped_at, 0)
    previous = _cursor(rows[0]) if after is not None and rows else None
    return Page(rows, following, previous, stopped_at if not full else None)


def walk(connection: Connection, filters: Filters, chunk: int = 2000) -> Iterator[CDR]:
    """All CDRs of a filter, newest first, a chunk in memory at a time (for exports)."""
    after: Cursor | None = None
    while True:
        rows, _ = _older(connection, filters, after, chunk, patient=True)
        yield from rows[:chunk]
        if len(rows) <= chunk:
            return
        after = _cursor(rows[chunk - 1])


def _older(
    connection: Connection,
    filters: Filters,
    after: Cursor | None,
    limit: int,
    *,
    patient: bool = False,
) -> tuple[list[CDR], int | None]:
    """Up to ``limit + 1`` rows at and below a place, and where the search stopped, if it did."""
    tables = _tables(filters)
    oldest = _oldest(connection, tables, filters)
    top = after.setup_at + 1 if after else _ceiling(connection, tables, filters)
    if oldest is None or top is None:
        return [], None
    rows: list[CDR] = []
    started = time.monotonic()
    high = top
    for days in (*_WINDOWS, None):
        low = oldest if days is None else max(oldest, top - days * clock.DAY)
        if low < high:
            rows += _window(connection, tables, filters, low, high, after, limit + 1 - len(rows))
            high = low
        if len(rows) > limit or high <= oldest:
            return rows, None
        if not patient and time.monotonic() - started > _PATIENCE_S:
            return rows, high
    return rows, None


def _window(
    connection: Connection,
    tables: list[Table],
    filters: Filters,
    low: int,
    high: int,
    after: Cursor | None,
    wanted: int,
) -> list[CDR]:
    pages = []
    for table in tables:

        def bounds(place: Column, row_id: Column) -> list[ColumnElement[bool]]:
            within = [place >= low, place < high]
            if after is not None:
                within.append(place <= after.setup_at)
                within.append(or_(place < after.setup_at, row_id < after.id))
            return within

        pages.append(_read(connection, table, filters, bounds, wanted, newest=True))
    merged = heapq.merge(*pages, key=lambda row: (row["setup_at"], row["id"]), reverse=True)
    return [row for row, _ in zip(merged, range(wanted), strict=False)]


def _newer(connection: Connection, filters: Filters, before: Cursor, limit: int) -> list[CDR]:
    """Up to ``limit + 1`` rows above a place, oldest first."""

    def bounds(place: Column, row_id: Column) -> list[ColumnElement[bool]]:
        within = [place >= before.setup_at, or_(place > before.setup_at, row_id > before.id)]
        return within if filters.until is None else [*within, place < filters.until]

    pages = [
        _read(connection, table, filters, bounds, limit + 1, newest=False)
        for table in _tables(filters)
    ]
    merged = heapq.merge(*pages, key=lambda row: (row["setup_at"], row["id"]))
    return [row for row, _ in zip(merged, range(limit + 1), strict=False)]


def _read(
    connection: Connection,
    table: Table,
    filters: Filters,
    bounds: Bounds,
    wanted: int,
    *,
    newest: bool,
) -> Sequence[CDR]:
    """Up to ``wanted`` rows of one table within bounds, the newest or the oldest first."""
    place, row_id = table.c.setup_at, table.c.id
    conditions = [*filters.conditions(table), *bounds(place, row_id)]
    if filters.waiting_only:
        queue = unpriced.c.setup_at, unpriced.c.cdr_id
        waiting = select(unpriced.c.cdr_id, unpriced.c.setup_at).where(*bounds(*queue))
        waiting = waiting.where(*owned(unpriced.c.tenant_id, filters.tenants))
        found = connection.execute(
            waiting.order_by(*(key.desc() if newest else key for key in queue)).limit(wanted)
        ).all()
        if not found:
            return []
        # Both keys, so that only the days in question are opened.
        conditions = [
            row_id.in_([row.cdr_id for row in found]),
            place.in_({row.setup_at for row in found}),
        ]
    order = [key.desc() if newest else key for key in (place, row_id)]
    query = select(table).where(*conditions).order_by(*order).limit(wanted)
    rows = connection.execute(query).mappings()
    return [seen_by(dict(row), filters.tenants) for row in rows]


def _tables(filters: Filters) -> list[Table]:
    wanted = {"answered": [answered], "failed": [failed], "unpriced": [answered]}
    tables = wanted.get(filters.status or "", [answered, failed])
    if filters.sip_class is not None:
        # Only 2xx are answered; asking the other table would find nothing.
        tables = [table for table in tables if (table is answered) == (filters.sip_class == 2)]
    return tables


def _oldest(connection: Connection, tables: list[Table], filters: Filters) -> int | None:
    found = [connection.scalar(select(func.min(table.c.setup_at))) for table in tables]
    known = [int(value) for value in found if value is not None]
    if not known:
        return None
    return max(min(known), filters.since) if filters.since is not None else min(known)


def _ceiling(connection: Connection, tables: list[Table], filters: Filters) -> int | None:
    if filters.until is not None:
        return filters.until
    found = [connection.scalar(select(func.max(table.c.setup_at))) for table in tables]
    known = [int(value) for value in found if value is not None]
    return max(known) + 1 if known else None


def _cursor(row: CDR) -> Cursor:
    return Cursor(row["setup_at"], row["id"])
