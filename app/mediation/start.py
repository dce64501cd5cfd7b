"""Where reading begins: a table that already holds much is split, so that today comes first."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine

from app.core import clock
from app.core.database import reading, writing
from app.mediation.call import Row
from app.mediation.reading import read_where, rows_from
from app.mediation.source import (
    BACKLOG,
    LIVE,
    Bookmark,
    Reader,
    Source,
    id_range,
    load_bookmarks,
    new_bookmark,
    written_at,
)

# Fewer rows than this are read in one go.
_WORTH_SPLITTING = 5_000
_TODAY_MS = clock.DAY


def ensure_bookmarks(
    panel: Engine,
    switch: Engine,
    found: Source,
    readers: list[Reader],
    known: Callable[[Row], bool],
) -> None:
    """Makes the positions of tables that were never read, and a new epoch where ids restarted.

    ``known`` says whether a row has been mediated: a table that only lost its newest rows is
    not a new one.
    """
    with reading(panel) as connection:
        marks = {m.table: m for m in load_bookmarks(connection, found.id) if m.part == LIVE}
    for reader in readers:
        mark = marks.get(reader.name)
        with reading(switch) as connection:
            span = id_range(connection, reader)
            if mark is None:
                split = _first_of_today(connection, reader, found, span) if span else None
            elif (
                span is None
                or span[1] >= mark.position.high
                or known(_row_at(connection, reader, span[1]))
            ):
                continue
        with writing(panel) as connection:
            if mark is None:
                _begin(connection, found, reader, span, split)
            else:
                # The highest id is lower than what we have read: the table was emptied.
                new_bookmark(
                    connection, found, reader.name, part=LIVE, epoch=mark.epoch + 1, start=0
                )


def _begin(
    connection: Connection,
    found: Source,
    reader: Reader,
    span: tuple[int, int] | None,
    split: int | None,
) -> None:
    if any(mark.table == reader.name for mark in load_bookmarks(connection, found.id)):
        return  # another worker was faster
    low = span[0] - 1 if span else 0
    start = low if split is None else split - 1
    new_bookmark(connection, found, reader.name, part=LIVE, epoch=1, start=start)
    if split is not None and start > low:
        new_bookmark(connection, found, reader.name, part=BACKLOG, epoch=1, start=low, until=start)


def _first_of_today(
    connection: Connection, reader: Reader, found: Source, span: tuple[int, int]
) -> int | None:
    """The first id of the last 24 hours; None when the table is small.

    What is on the wrong side of the split is read all the same.
    """
    if span[1] - span[0] < _WORTH_SPLITTING:
        return None
    return _halved(connection, reader, found, span, clock.now_ms() - _TODAY_MS)


def first_since(connection: Connection, reader: Reader, found: Source, since: int) -> int | None:
    """About the first id that was written since an instant; None where the table is empty."""
    span = id_range(connection, reader)
    return None if span is None else _halved(connection, reader, found, span, since)


def _halved(
    connection: Connection, reader: Reader, found: Source, span: tuple[int, int], since: int
) -> int:
    """Rows are written in about the order of their ids: halving finds a time among them."""
    low, high = span
    while low < high:
        middle = (low + high) // 2
        raws = read_where(connection, reader, reader.table.c.id >= middle, 1)
        row = next(iter(rows_from(reader, raws, 0)), None)
        if row is None or written_at(row, found.habits.zone, since) >= since:
            high = middle
        else:
            low = max(middle, row.id) + 1
    return low


def _row_at(connection: Connection, reader: Reader, row_id: int) -> Row:
    raws = read_where(connection, reader, reader.table.c.id == row_id)
    return rows_from(reader, raws, 0)[0]


def is_read(mark: Bookmark) -> bool:
    """Whether a backlog has been read to its end."""
    return mark.until is not None and mark.position.high >= mark.until and not mark.position.gaps
