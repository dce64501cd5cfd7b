"""Reading: a window of rows, and how far that moves the bookmarks of a source's tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from app.core import clock
from app.core.database import reading
from app.mediation.call import ACC
from app.mediation.position import advance
from app.mediation.reading import read_window, rows_from
from app.mediation.singles import Singles, pick
from app.mediation.source import Bookmark, Reader, Source, written_at
from app.window import Window

# In a window of fewer rows each is looked at by itself.
SMALL = 200
# A call has no more legs than this.
LEGS = 20


def read_marks(
    switch: Engine,
    found: Source,
    readers: Sequence[Reader],
    marks: Sequence[Bookmark],
    limit: int,
    *,
    settling_ms: int,
    singles: bool,
) -> Window:
    """Up to ``limit`` rows of each table behind its bookmark, not sorted yet.

    ``singles``: where there are many, calls of one row each are told from the others at once.
    """
    window, now = Window(found.habits), clock.now_ms()
    by_name = {reader.name: reader for reader in readers}
    zone, horizon = found.habits.zone, None
    for mark in marks:
        reader = by_name.get(mark.table)
        if reader is None:
            continue
        with reading(switch) as connection:
            raws = read_window(connection, reader, mark, limit)
        count, alone = len(raws), None
        if singles and mark.table == ACC and count > SMALL and window.singles is None:
            # Legs are written in one go: what is right behind the last row read may be one.
            alone, left = pick(
                raws,
                reader.layout,
                found.habits,
                epoch=mark.epoch,
                seen_at=now,
                after=mark.position.high + LEGS,
            )
            raws = [raws[place] for place in left]
        rows = rows_from(reader, raws, now)
        seen = [(row.id, written_at(row, zone, now)) for row in rows]
        if alone:
            seen = _with(seen, alone)
        # missed_calls is read no further than acc has come: its rows find theirs at once.
        if horizon is not None:
            cut = next((i for i, (_, at) in enumerate(seen) if at > horizon), len(seen))
            raws, rows, seen = raws[:cut], rows[:cut], seen[:cut]
        elif count >= limit:
            horizon = max(at for _, at in seen)
        position = advance(mark.position, seen, now, settling_ms)
        if mark.until is not None and count < limit and horizon is None:
            position = advance(position, [(mark.until, 0)], now, settling_ms)
        if position != mark.position:
            window.moves.append((mark, position))
        window.add(mark, rows, raws, reader.layout)
        window.singles = alone or window.singles
    alone = window.singles
    if alone is not None:
        # A row of the other table may be of the same call.
        window.look_closer(alone.places_of({row.call_id for row in window.rows}))
    return window


def _with(seen: list[tuple[int, int]], alone: Singles) -> list[tuple[int, int]]:
    """Ids and instants of all rows in order of id."""
    pairs = zip(alone.columns["id"], alone.columns["written_at"], strict=True)
    return sorted([*seen, *pairs])
