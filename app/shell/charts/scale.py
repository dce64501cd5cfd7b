"""Axes with round figures, and axes of time with round hours and days in the viewer's zone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import clock
from app.shell.charts import words
from app.shell.charts.model import Say, Tick, Viewer, place

# How many ticks have room beside each other in a narrow, a medium and a wide plot.
ROOMS = {"narrow": 4, "medium": 7, "wide": 11}
# How many pixels such plots have at least.
WIDTHS = {"narrow": 300, "medium": 470, "wide": 800}

_STEPS = (
    *((size, "second") for size in (1, 5, 15, 30)),
    *((size, "minute") for size in (1, 2, 5, 10, 15, 30)),
    *((size, "hour") for size in (1, 2, 3, 6, 12)),
    *((size, "day") for size in (1, 2, 7, 14)),
    *((size, "month") for size in (1, 3, 6)),
    *((size, "year") for size in (1, 2, 5, 10, 20, 50, 100)),
)
_LENGTHS = {
    "second": clock.SECOND,
    "minute": clock.MINUTE,
    "hour": clock.HOUR,
    "day": clock.DAY,
    "month": 30 * clock.DAY,
    "year": 365 * clock.DAY,
}


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from ``low`` to ``high`` on a plot ``height`` pixels high, with round ``ticks``."""

    low: float
    high: float
    ticks: tuple[float, ...]
    height: int

    def down(self, value: float) -> float:
        """Pixels from the top."""
        # Halves, so that the span of the largest numbers is one too.
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return place(self.height * (1 - share))


def nice(values: Sequence[float], height: int, most: int = 5) -> Scale:
    """A scale that holds the values and 0, in steps of 1, 2 or 5 times a power of ten.

    Whole numbers get no steps between them.
    """
    low, high = min([0, *values]), max([0, *values])
    if low == high:
        high = 1
    whole = all(float(value).is_integer() for value in values)
    raw = max((high / most) - (low / most), 5e-324)
    power = math.floor(math.log10(raw))
    step: float = next(
        size for size in (_tens(unit, power) for unit in (1, 2, 5, 10)) if size >= raw * 0.999999
    )
    if whole:
        step = max(step, 1)
    first, last = math.floor(low / step), math.ceil(high / step)
    digits = max(0, -power)
    ticks = tuple(round(count * step, digits) + 0.0 for count in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks, height)


def _tens(unit: int, power: int) -> float:
    return float(f"{unit}e{power}")


def value_ticks(scale: Scale, say: Say) -> tuple[Tick, ...]:
    """The scale's ticks from the top; ``say`` writes a value."""
    return tuple(Tick(scale.down(value), say(value)) for value in reversed(scale.ticks))


def across(instant_ms: int, first: int, last: int) -> float:
    """Where an instant is, in per cent; a single one stands in the middle."""
    return 50.0 if last <= first else place((instant_ms - first) * 100 / (last - first))


def time_ticks(first: int, last: int, viewer: Viewer) -> tuple[Tick, ...]:
    """Round times from the first instant to the last, each with the rooms that can show it."""
    if last <= first:
        moment = clock.to_datetime(first).astimezone(clock.zone(viewer.zone))
        return (Tick(50.0, words.row_time(moment, clock.DAY, viewer.locale)),)
    found: dict[tuple[int, str], list[str]] = {}
    for room, most in ROOMS.items():
        size, unit = next(
            (step for step in _STEPS if (last - first) / (_LENGTHS[step[1]] * step[0]) <= most),
            _STEPS[-1],
        )
        for moment in _round_times(first, last, size, unit, viewer.zone):
            at = clock.from_datetime(moment)
            if first <= at <= last:
                label = words.tick_time(moment, unit, viewer.locale)
                found.setdefault((at, label), []).append(room)
    return tuple(
        Tick(across(at, first, last), label, " ".join(rooms))
        for (at, label), rooms in sorted(found.items())
    )


def _round_times(first: int, last: int, size: int, unit: str, zone: str) -> Iterator[datetime]:
    """Wall-clock times of the zone; what a change of the clocks skips or repeats comes once."""
    where = clock.zone(zone)
    begin = clock.to_datetime(first).astimezone(where).replace(tzinfo=None)
    end = clock.to_datetime(last).astimezone(where).replace(tzinfo=None) + timedelta(days=1)
    wall = _start(begin, size, unit)
    while wall <= end:
        moment = wall.replace(tzinfo=where)
        instant = clock.to_datetime(clock.from_datetime(moment))
        if instant.astimezone(where).replace(tzinfo=None) == wall:
            yield moment
        if clock.from_datetime(moment) > last:
            return
        wall = _next(wall, size, unit)


def _start(wall: datetime, size: int, unit: str) -> datetime:
    if unit == "year":
        return datetime(max(wall.year - wall.year % size, 1), 1, 1)  # noqa: DTZ001 - a wall clock
    if unit == "month":
        return datetime(wall.year, wall.month - (wall.month - 1) % size, 1)  # noqa: DTZ001
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "day":
        # Weeks begin on Monday; two days are counted from the same beginning for every viewer.
        return midnight - timedelta(
            days=midnight.toordinal() % size - 1 if size >= 7 else midnight.toordinal() % size
        )
    step = timedelta(milliseconds=_LENGTHS[unit] * size)
    return midnight + (wall - midnight) // step * step


def _next(wall: datetime, size: int, unit: str) -> datetime:
    if unit in ("month", "year"):
        months = wall.year * 12 + wall.month - 1 + size * (12 if unit == "year" else 1)
        return wall.replace(year=months // 12, month=months % 12 + 1)
    return wall + timedelta(milliseconds=_LENGTHS[unit] * size)


def room_of(length: int) -> float:
    """The pixels that a word of that many characters takes, with some air."""
    return length * 6.3 + 10


def word_ticks(labels: Sequence[str], centres: Sequence[float]) -> tuple[Tick, ...]:
    """The names of columns; where there is no room for all, every second, third … is left."""
    longest = max((len(label) for label in labels), default=1)
    every = {
        room: max(1, math.ceil(len(labels) * room_of(longest) / width))
        for room, width in WIDTHS.items()
    }
    return tuple(
        Tick(centre, label, " ".join(room for room in WIDTHS if number % every[room] == 0))
        for number, (label, centre) in enumerate(zip(labels, centres, strict=True))
    )
