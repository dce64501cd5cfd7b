"""A call cut into pieces that each have one price: bands, versions, slots, tiers, increments.

Lengths and positions are ticks from the call's beginning, see ``app.rating.tariff.terms``. An
increment that has begun is finished at its price, so the next piece begins where it ends: an
increment wins over a boundary. Slots go by the length of the call, whatever band it is in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from app.rating.tariff.terms import Band, Price, Slot
from app.rating.tariff.timing import changes, local_time


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` ticks of the call on, this price holds; the rest says where it is from."""

    start: int
    price: Price
    band: str = ""
    prefix: str = ""
    destination: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """``count`` increments of one slot of one span, from ``start`` ticks on."""

    span: Span
    slot: Slot
    start: int
    count: int

    @property
    def length(self) -> int:
        return self.count * self.slot.increment

    @property
    def end(self) -> int:
        return self.start + self.length


def walk(
    spans: Sequence[Span], begin: int, end: int, *, volume: int = 0, offset: int = 0
) -> Iterator[Piece]:
    """The pieces of the usage from ``begin`` to ``end``, the last one to its increment's end.

    ``spans`` rise by start and the first one holds at ``begin``. Slots are chosen at the position
    less ``offset`` (where the length that counts began later than the call).
    """
    position, place = begin, 0
    while position < end:
        while place + 1 < len(spans) and spans[place + 1].start <= position:
            place += 1
        span = spans[place]
        stop = spans[place + 1].start if place + 1 < len(spans) else end
        slot, change = span.price.slot_at(position - offset, volume)
        stop = min(stop, end) if change is None else min(stop, end, change + offset)
        piece = Piece(span, slot, position, -((position - stop) // slot.increment))
        yield piece
        position = piece.end


def band_at(bands: Sequence[Band], second: int, zone: tzinfo) -> Band | None:
    """The band at an instant (seconds since 1970): of those that apply the heaviest, then the
    one that began last that day, then the first of the list."""
    local = local_time(second, zone)
    best: Band | None = None
    for band in bands:
        if band.timing.active(local) and (
            best is None or (band.weight, band.timing.start) > (best.weight, best.timing.start)
        ):
            best = band
    return best


def band_changes(
    bands: Sequence[Band], zone: tzinfo, at: int, length: int, *, ticks: int
) -> list[tuple[int, Band]]:
    """Which band holds from which tick of a call on that begins at ``at`` (ticks since 1970,
    ``ticks`` of them a second) and lasts ``length``. Where no band applies the last one goes on;
    the list is empty when none applies at the beginning."""
    first = band_at(bands, at // ticks, zone)
    if first is None:
        return []
    found = [(0, first)]
    if len(bands) == 1:
        return found
    timings = [band.timing for band in bands]
    for second in changes(timings, zone, at // ticks, -(-(at + length) // ticks)):
        band = band_at(bands, second, zone) or found[-1][1]
        if band is not found[-1][1]:
            found.append((second * ticks - at, band))
    return found
