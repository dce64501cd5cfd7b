"""Lists of CDRs, newest first: windows of time are walked until the page is full.

The position in a list is (setup_at, id). No OFFSET, no COUNT: a page costs the same on the
first and on the last of a hundred million rows.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, and_, func, or_, select

from app.cdr.filters import Filters
from app.cdr.tables import answered, failed
from app.core import clock
from app.core.errors import InvalidInput

# The bounds of the windows that are walked, in days before the start.
_WINDOWS = (1, 7, 30, 120, 400)
# After this long an unfinished page is shown with how far it looked.
_PATIENCE_S = 0.2

CDR = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: opaque text outside."""

    setup_at: int
    id: int

    def __str__(self) -> str:
        packed = f"{self.setup_at}.{self.id}".encode("ascii")
        return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor of a text; InvalidInput when it is none."""
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            setup_at, _, row_id = packed.decode("ascii").partition(".")
            cursor = cls(int(setup_at), int(row_id))
        except (binascii.Error, ValueError) as exc:
            raise InvalidInput(
                "This is no place in the list.", "Start from its first page."
            ) from exc
        if max(abs(cursor.setup_at), abs(cursor.id)) >= 2**63:
            raise InvalidInput("This is no place in the list.", "Start from its first page.")
        return cursor


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
        place, row_id = table.c.setup_at, table.c.id
        query = select(table).where(*filters.conditions(table), place >= low, place < high)
        if after is not None:
            query = query.where(
                and_(
                    place <= after.setup_at,
                    or_(place < after.setup_at, row_id < after.id),
                )
            )
        ordered = query.order_by(place.desc(), row_id.desc()).limit(wanted)
        pages.append(connection.execute(ordered).mappings().all())
    merged = heapq.merge(*pages, key=lambda row: (row["setup_at"], row["id"]), reverse=True)
    return [dict(row) for row, _ in zip(merged, range(wanted), strict=False)]


def _newer(connection: Connection, filters: Filters, before: Cursor, limit: int) -> list[CDR]:
    """Up to ``limit + 1`` rows above a place, oldest first."""
    pages = []
    for table in _tables(filters):
        place, row_id = table.c.setup_at, table.c.id
        query = select(table).where(
            *filters.conditions(table),
            place >= before.setup_at,
            or_(place > before.setup_at, row_id > before.id),
        )
        if filters.until is not None:
            query = query.where(place < filters.until)
        ordered = query.order_by(place, row_id).limit(limit + 1)
        pages.append(connection.execute(ordered).mappings().all())
    merged = heapq.merge(*pages, key=lambda row: (row["setup_at"], row["id"]))
    return [dict(row) for row, _ in zip(merged, range(limit + 1), strict=False)]


def _tables(filters: Filters) -> list[Table]:
    wanted = {"answered": [answered], "failed": [failed]}
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
