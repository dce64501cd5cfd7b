"""A range of time as people ask for it: the last 24 hours, yesterday, from–till on some clock.

Pure: takes the address's texts, the viewer's zone and what time it is; knows no request.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from app.core import clock
from app.core.errors import InvalidInput
from app.core.words import _, _l
from app.shell.zones import find_zone

NAMES = ("range", "since", "until", "zone")
# 1970 until 2200: what databases and browsers agree on.
_FIRST, _LAST = datetime(1970, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - wall clocks


@dataclass(frozen=True, slots=True)
class Preset:
    """A range by name; ``length_ms`` counts back from now, 0: a stretch of the calendar."""

    name: str
    label: Any
    length_ms: int = 0


PRESETS = (
    Preset("15m", _l("Last 15 minutes"), 15 * clock.MINUTE),
    Preset("1h", _l("Last hour"), clock.HOUR),
    Preset("6h", _l("Last 6 hours"), 6 * clock.HOUR),
    Preset("24h", _l("Last 24 hours"), 24 * clock.HOUR),
    Preset("7d", _l("Last 7 days"), 7 * clock.DAY),
    Preset("30d", _l("Last 30 days"), 30 * clock.DAY),
    Preset("90d", _l("Last 90 days"), 90 * clock.DAY),
    Preset("today", _l("Today")),
    Preset("yesterday", _l("Yesterday")),
    Preset("month", _l("This month")),
    Preset("any", _l("Any time")),
)
_BY_NAME = {preset.name: preset for preset in PRESETS}


@dataclass(frozen=True, slots=True)
class Range:
    """``since`` (inclusive) and ``until`` (exclusive) in UTC milliseconds, None where open.

    ``name`` is the preset, or empty when the ends were given; ``zone`` the clock that was meant,
    and in which its times are to be shown.
    """

    since: int | None
    until: int | None
    zone: str
    name: str = ""

    @property
    def label(self) -> Any:
        """The preset's words; empty for given ends."""
        return _BY_NAME[self.name].label if self.name else ""

    def walls(self, zone: str) -> dict[str, str]:
        """Its ends on another clock, as an address holds them; nothing for presets."""
        ends = {"since": self.since, "until": self.until} if not self.name else {}
        return {
            name: clock.wall_clock(instant, zone).isoformat("T", "seconds")
            for name, instant in ends.items()
            if instant is not None
        }


def read(given: Mapping[str, str], default: str, zone: str, now: int) -> Range:
    """The range of an address; ``zone`` is the viewer's. InvalidInput names the field.

    Given ends win over a preset: they were typed after it was chosen.
    """
    zone = find_zone(given["zone"]) if given.get("zone") else zone
    since, until = given.get("since", ""), given.get("until", "")
    if since or until:
        low = _end(since, zone, first=True) if since else None
        high = _end(until, zone, first=False) if until else None
        _order(low, high, zone, (since, until))
        return Range(low, high, zone)
    name = given.get("range") or default
    preset = _BY_NAME.get(name)
    if preset is None:
        raise InvalidInput(
            _("There is no range “%(name)s”.", name=name[:40]),
            _("Choose one of the list, or give its ends."),
            "range",
        )
    if preset.length_ms:
        return Range(now - preset.length_ms, None, zone, name)
    return Range(*_stretch(name, zone, now), zone, name)


def _stretch(name: str, zone: str, now: int) -> tuple[int | None, int | None]:
    today = clock.wall_clock(now, zone).date()
    if name == "today":
        return midnight(today, zone), None
    if name == "yesterday":
        return midnight(today - timedelta(days=1), zone), midnight(today, zone)
    return (midnight(today.replace(day=1), zone), None) if name == "month" else (None, None)


def midnight(day: date, zone: str) -> int:
    """When a day began on the zone's clock, also where clocks changed at midnight."""
    return instant(datetime.combine(day, time.min), zone, first=True)


def instant(wall: datetime, zone: str, *, first: bool) -> int:
    """The instant of a wall clock in UTC milliseconds; later wall clocks are never earlier.

    Of the two in autumn's double hour the ``first`` or the last; for a time that spring skipped
    the change itself.
    """
    found = clock.wall_to_candidates(wall, zone)
    if len(found) > 1:
        return found[0] if first else found[-1]
    if clock.wall_clock(found[0], zone) == wall.replace(microsecond=0):
        return found[0]
    return _change(found[0] - clock.DAY, found[0], zone)


def _change(low: int, high: int, zone: str) -> int:
    """The last change of the zone's offset between two instants, to the millisecond."""
    where = clock.zone(zone)

    def offset(at: int) -> timedelta | None:
        return clock.to_datetime(at).astimezone(where).utcoffset()

    after = offset(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if offset(middle) == after else (middle, high)
    return high


def _end(text: str, zone: str, *, first: bool) -> int:
    """An end of a range as fields and people write it; a day alone is meant whole."""
    name = "since" if first else "until"
    try:
        wall = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise InvalidInput(
            _no_day(text) or _("“%(typed)s” is no time.", typed=text[:40]),
            _("Write it like 2026-11-23 08:30."),
            name,
        ) from exc
    naive = wall.replace(tzinfo=None)
    if not _FIRST + timedelta(days=1) <= naive < _LAST - timedelta(days=1):
        raise InvalidInput(
            _("The year %(year)s is out of range.", year=wall.year),
            _("Use one from 1970 to 2199."),
            name,
        )
    if wall.tzinfo is not None:
        return clock.from_datetime(wall)
    if len(text.strip()) <= len("2026-11-23") and not first:
        naive += timedelta(days=1)
    return instant(naive, zone, first=first)


def _no_day(text: str) -> str:
    """The sentence for days such as 30 February, else nothing."""
    year, month, day = text[:4], text[5:7], text[8:10]
    if not (text.isascii() and (year + month + day).isdigit()):
        return ""
    if not (1 <= int(month) <= 12 and 1 <= int(year)):
        return ""
    last = calendar.monthrange(int(year), int(month))[1]
    if 1 <= int(day) <= last or len(day) < 2:
        return ""
    return _("%(month)s has no day %(day)s.", month=f"{year}-{month}", day=int(day))


def _order(low: int | None, high: int | None, zone: str, texts: tuple[str, str]) -> None:
    if low is None or high is None or low < high:
        return
    if low == high and texts[0].strip() < texts[1].strip():
        raise InvalidInput(
            _("Clocks in %(zone)s skipped this time.", zone=zone),
            _("Take a longer range."),
            "since",
        )
    raise InvalidInput(
        _("The range ends before it begins."), _("Swap from and till, or clear one."), "until"
    )
