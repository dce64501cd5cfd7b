"""When a band of a tariff applies: by time of day, weekday, date and holiday, in its own zone.

A band belongs to a wall clock: 08:00 stays 08:00 when the clocks change, so a band may be an hour
shorter or longer on two days of the year.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall-clock times; an empty set stands for all. ``start`` and ``end`` are seconds after
    midnight (a night is two timings); weekdays are ISO 8601: 1 is Monday, 7 Sunday.

    ``dates`` limits the timing to a calendar's days (holidays), ``but`` takes days out of it.
    """

    years: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    start: int = 0
    end: int = DAY_S
    dates: frozenset[date] | None = None
    but: frozenset[date] = frozenset()

    def on(self, day: date) -> bool:
        """Whether it applies at some time of that day."""
        return (
            (not self.years or day.year in self.years)
            and (not self.months or day.month in self.months)
            and (not self.month_days or day.day in self.month_days)
            and (not self.weekdays or day.isoweekday() in self.weekdays)
            and (self.dates is None or day in self.dates)
            and day not in self.but
        )

    def active(self, local: datetime) -> bool:
        """Whether it applies at a moment of the tariff's wall clock."""
        second = local.hour * 3600 + local.minute * 60 + local.second
        return self.start <= second < self.end and self.on(local.date())


ALWAYS = Timing()


def local_time(second: int, zone: tzinfo) -> datetime:
    """The wall clock of a zone at an instant (whole seconds since 1970, UTC)."""
    return (_EPOCH + timedelta(seconds=second)).astimezone(zone)


def changes(timings: Iterable[Timing], zone: tzinfo, first: int, last: int) -> list[int]:
    """The instants after ``first`` and before ``last`` (seconds since 1970) at which one of the
    timings may begin or end, rising: their times of day, midnights, and the clock changes."""
    times = frozenset(time for timing in timings for time in (timing.start, timing.end))
    day, end = local_time(first, zone).date(), local_time(last, zone).date()
    found: set[int] = set()
    while day <= end:
        found.update(_of_day(day, times, zone))
        day += timedelta(days=1)
    return sorted(instant for instant in found if first < instant < last)


@lru_cache(maxsize=4096)
def _of_day(day: date, times: frozenset[int], zone: tzinfo) -> tuple[int, ...]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = midnight + timedelta(days=1)
    found = {_instant(midnight), _instant(following)}
    for time in times:
        wall = midnight + timedelta(seconds=time)
        # Both, where the clock shows that time twice.
        found.update((_instant(wall.replace(fold=0)), _instant(wall.replace(fold=1))))
    before, after = _instant(midnight), _instant(following)
    if local_time(before, zone).utcoffset() != local_time(after, zone).utcoffset():
        found.add(_clock_change(before, after, zone))
    return tuple(found)


def _instant(wall: datetime) -> int:
    return (wall.astimezone(UTC) - _EPOCH) // timedelta(seconds=1)


def _clock_change(before: int, after: int, zone: tzinfo) -> int:
    old = local_time(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if local_time(middle, zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
