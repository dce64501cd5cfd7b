"""The only place that knows what time it is.

Instants are integers: milliseconds since 1970-01-01T00:00:00 UTC. They are exact, sort and
partition alike on every database, and cannot carry a zone by accident.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.core.errors import InvalidInput, SettingsError

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks carry no zone


def now_ms() -> int:
    """Now, in milliseconds of UTC."""
    return time.time_ns() // 1_000_000


def to_datetime(instant_ms: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(milliseconds=instant_ms)


def from_datetime(moment: datetime) -> int:
    """The instant of an aware datetime, truncated to the millisecond."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def iso(instant_ms: int | None) -> str | None:
    """ISO 8601 in UTC with a ``Z``; milliseconds only where there are any."""
    if instant_ms is None:
        return None
    seconds, ms = divmod(instant_ms, SECOND)
    text = to_datetime(seconds * SECOND).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms:03d}Z" if ms else f"{text}Z"


def parse(text: str) -> int:
    """The instant of ISO 8601 text; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidInput(f"'{text}' is no time.", "Write it like 2026-11-23T10:00:00.") from exc
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; refuses unknown names with a sentence."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SettingsError(
            f"'{name}' is not a time zone.", "Use an IANA name such as Europe/Berlin or UTC."
        ) from exc


def wall_to_candidates(wall: datetime, zone_name: str) -> tuple[int, ...]:
    """The instants that a wall clock without zone can mean: one, or two in autumn's double hour.

    A time that spring skipped is read with the offset from before the change.
    """
    apart = wall - _NAIVE_EPOCH
    ms = apart.days * DAY + apart.seconds * SECOND + apart.microseconds // 1_000
    behind = behind_utc(ms // MINUTE, zone_name)
    return (ms + behind[0],) if len(behind) == 1 else (ms + behind[0], ms + behind[1])


@lru_cache(maxsize=16_384)
def behind_utc(wall_minute: int, zone_name: str) -> tuple[int, ...]:
    """What makes UTC of a wall clock in that minute since 1970, in milliseconds; two values in
    autumn's double hour.

    Clocks change at full minutes (the zone database's tables, since local mean time ended).
    """
    where, start = zone(zone_name), _NAIVE_EPOCH + timedelta(minutes=wall_minute)
    wall_ms = wall_minute * MINUTE
    first = from_datetime(start.replace(tzinfo=where, fold=0)) - wall_ms
    second = from_datetime(start.replace(tzinfo=where, fold=1)) - wall_ms
    return (first,) if second <= first else (first, second)


def wall_clock(instant_ms: int, zone_name: str) -> datetime:
    """The naive wall-clock time, to the second, of an instant in a zone (what ``acc`` holds)."""
    local = to_datetime(instant_ms).astimezone(zone(zone_name))
    return local.replace(tzinfo=None, microsecond=0, fold=0)


def day_start(instant_ms: int) -> int:
    """Midnight UTC at or before the instant."""
    return instant_ms - instant_ms % DAY


def midnight(zone_name: str) -> int:
    """The instant at which this day began on a zone's clocks."""
    where = zone(zone_name)
    today = to_datetime(now_ms()).astimezone(where).date()
    return from_datetime(datetime(today.year, today.month, today.day, tzinfo=where))


def month_start(instant_ms: int, months: int = 0) -> int:
    """First midnight UTC of the instant's month, moved by that many months."""
    moment = to_datetime(instant_ms)
    index = moment.year * 12 + moment.month - 1 + months
    return from_datetime(datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC))
