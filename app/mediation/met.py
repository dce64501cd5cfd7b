"""Call-IDs that were read lately: who comes again may have a CDR, and is looked up.

A copy of a row can lie far behind its original, in a window too large to ask for each call. What
this process has read it remembers; what another has read before (a restart, a second worker) it
reads again, the Call-IDs alone. What is older than its memory is told by its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Engine, select

from app.core import clock
from app.core.database import reading
from app.mediation.columns import text_of
from app.mediation.source import Bookmark, Reader

# So many Call-IDs are remembered, twice that many at most; and so many ids are read again.
MOST = 200_000
# A call that ended so long before the rows that were read before it comes late.
_LATE_MS = clock.MINUTE


class Met:
    """What one process knows of the rows of one source."""

    def __init__(self, switch: Engine, most: int = MOST) -> None:
        self.readers: Sequence[Reader] = ()
        self._switch = switch
        self._most = most
        self._new: set[int] = set()
        self._old: set[int] = set()
        # What lies behind the end of a backlog was read before the backlog itself.
        self._behind: set[int] = set()
        self._read_to: dict[int, int] = {}
        self._asked_behind: set[int] = set()
        self._ended: dict[str, int] = {}

    def again(self, call_ids: Iterable[str]) -> set[str]:
        """Those that were met before; all are met now."""
        seen = {call_id: hash(call_id) for call_id in call_ids}
        known = (self._new, self._old, self._behind)
        found = {name for name, key in seen.items() if any(key in keys for keys in known)}
        self._add(seen.values())
        return found

    def went_on(self, moves: Iterable[tuple[Bookmark, int]]) -> None:
        """Notes how far (an id) each part has been read, where this process has met all of it."""
        for mark, high in moves:
            if self._read_to.get(mark.id) == mark.position.high:
                self._read_to[mark.id] = high

    def recall(self, marks: Iterable[Bookmark]) -> None:
        """Reads the Call-IDs below these positions that somebody else has read, and those behind
        a backlog's end when that is near."""
        tables = {reader.name: reader for reader in self.readers}
        for mark in marks:
            reader, high = tables.get(mark.table), mark.position.high
            if reader is None:
                continue
            low = max(self._read_to.get(mark.id, 0), high - self._most)
            if low < high:
                self._add(_call_ids(self._switch, reader, low, high))
            self._read_to[mark.id] = high
            until = mark.until
            if until is None or mark.id in self._asked_behind or high < until - self._most:
                continue
            self._behind |= _call_ids(self._switch, reader, until, until + self._most)
            self._asked_behind.add(mark.id)

    def late(self, part: str, ends: Mapping[str, int]) -> set[str]:
        """The Call-IDs of calls that ended long before the rows read before them: their originals
        may be older than what is remembered. ``ends``: the instants by Call-ID."""
        if not ends:
            return set()
        rising = sorted(ends.values())
        rim = len(rising) // 20
        # One row with a strange time is not what a window is measured by.
        before = self._ended.get(part, rising[rim]) - _LATE_MS
        self._ended[part] = rising[-1 - rim]
        return {call_id for call_id, end in ends.items() if end < before}

    def _add(self, keys: Iterable[int]) -> None:
        self._new.update(keys)
        if len(self._new) > self._most:
            self._old, self._new = self._new, set()


def _call_ids(switch: Engine, reader: Reader, after: int, until: int) -> set[int]:
    c = reader.table.c
    with reading(switch) as connection:
        found = connection.scalars(select(c.callid).where(c.id > after, c.id <= until))
        return {hash(text_of(value)) for value in found}
