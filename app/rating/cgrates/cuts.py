"""Where CGRateS cuts a call: at midnights, at slots, and at bands that begin in between.

It looks for a cut once in each stretch that is left, slots first. So a band that begins before
the end of a slot is not noticed until that slot has ended, and which of two bands of different
weight is noticed depends on the order in which the plan lists them. Migrating operators want
the same figure, so the compatible mode cuts the same way; the exact mode does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC

from app.rating.cgrates.fields import SECOND
from app.rating.tariff.terms import Band
from app.rating.tariff.timing import DAY_S, local_time


def cuts(bands: Sequence[Band], at: int, first: int, last: int) -> Iterator[tuple[int, Band]]:
    """The bands that hold from ``first`` to ``last`` of a call that began at ``at`` (nanoseconds
    since 1970), and from when; ends where none holds."""
    order = list(bands)
    day = DAY_S * SECOND
    begin = first
    while begin < last:
        midnight = (begin // day + 1) * day
        end = min(last, midnight)
        while begin < end:
            _sort(order)
            chosen = _chosen(order, begin, end)
            if chosen is None:
                return
            yield begin, chosen[0]
            begin = _cut(chosen, at, begin, end)


def _sort(order: list[Band]) -> None:
    """Insertion with its comparison, which two bands may pass both ways."""
    for place in range(1, len(order)):
        while place and _before(order[place], order[place - 1]):
            order[place - 1], order[place] = order[place], order[place - 1]
            place -= 1


def _before(one: Band, other: Band) -> bool:
    return other.weight < one.weight or other.timing.start > one.timing.start


def _active(band: Band, instant: int) -> bool:
    return band.timing.active(local_time(instant // SECOND, UTC))


def _chosen(order: Sequence[Band], begin: int, end: int) -> list[Band] | None:
    """The band at the beginning, and after it those that may begin before the end."""
    best: int | None = None
    for place, band in enumerate(order):
        if not _active(band, begin):
            continue
        if best is not None and band.weight < order[best].weight:
            break
        if best is None or band.timing.start > order[best].timing.start:
            best = place
    if best is None:
        return None
    found = [order[best]]
    for band in order[best + 1 :]:
        if band.weight < order[best].weight:
            break
        if _start(band, begin) < end:
            found.append(band)
    return found


def _start(band: Band, instant: int) -> int:
    day = DAY_S * SECOND
    return instant // day * day + band.timing.start * SECOND


def _cut(chosen: Sequence[Band], at: int, begin: int, end: int) -> int:
    """Where the stretch from ``begin`` ends."""
    for band in chosen:
        ends_in = _active(band, end if end % (DAY_S * SECOND) >= SECOND else end - SECOND)
        begins_in = _active(band, begin)
        if not (begins_in or ends_in):
            continue
        for slot in band.price.slots:
            if begin < at + slot.start < end:
                return at + slot.start
        if ends_in and not begins_in and begin < _start(band, begin) < end:
            return _start(band, begin)
    return end
