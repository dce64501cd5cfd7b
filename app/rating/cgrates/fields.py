"""How CGRateS writes durations, times, lists and numbers in its tariff files."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from app.core.errors import InvalidInput
from app.core.money import parse_decimal
from app.core.words import _
from app.rating.tariff.terms import ZERO
from app.rating.tariff.timing import Timing

SECOND = 1_000_000_000  # its ticks: nanoseconds, or plain units for what is no call

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3_600 * SECOND,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ticks(text: object) -> int:
    """Nanoseconds of ``1m30s``, ``0.5h``; plain units of a bare number; 0 of nothing."""
    written = str(text or "").strip()
    if not written or written == "0":
        return 0
    if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", written):
        return int(Decimal(written))
    sign = -1 if written.startswith("-") else 1
    rest, total = written.lstrip("+-"), ZERO
    while rest:
        part = _PART.match(rest)
        if part is None:
            raise InvalidInput(
                _("'%(written)s' is no duration.", written=written), "Write it like 90s."
            )
        total += Fraction(part[1]) * _NANOSECONDS[part[2]]
        rest = rest[part.end() :]
    return sign * int(total)


def seconds_text(length: int) -> str:
    """Nanoseconds as seconds: ``900s``, ``1.5s``."""
    text = f"{Decimal(length) / SECOND:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "s"


def instant(text: str) -> int:
    """Nanoseconds since 1970 of RFC 3339, ``2026-01-01 00:00:00`` or unix seconds; UTC without
    a zone; 0 of nothing."""
    written = text.strip()
    if not written or written == "*unlimited":
        return 0
    if re.fullmatch(r"\d+", written):
        return int(written) * (SECOND if len(written) <= 11 else SECOND // 1000)
    whole, dot, rest = written.partition(".")
    fraction = re.match(r"\d+", rest)[0] if dot and rest[:1].isdigit() else ""  # type: ignore[index]
    try:
        moment = datetime.fromisoformat(whole + rest[len(fraction) :])
    except ValueError as exc:
        raise InvalidInput(
            _("'%(written)s' is no time.", written=written), "Write it like 2026-01-01T00:00:00Z."
        ) from exc
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = (moment - _EPOCH) // timedelta(seconds=1)
    return since * SECOND + int((fraction + "0" * 9)[:9])


def number(text: object) -> Fraction:
    """An exact number; 0 of nothing."""
    written = str(text if text is not None else "").strip()
    return Fraction(parse_decimal(written)) if written else ZERO


def names(text: object) -> list[str]:
    """The entries of a ``;`` list, or of a list."""
    if isinstance(text, (list, tuple)):
        return [str(name) for name in text if str(name)]
    return [name.strip() for name in str(text or "").split(";") if name.strip()]


def timing(years: str, months: str, month_days: str, week_days: str, time: str) -> Timing:
    """A timing; its end has no effect on rating there, so it lasts until midnight."""
    start = time.split(";")[0].strip()
    clock = [int(part) for part in start.split(":")] if re.fullmatch(r"[\d:]+", start) else []
    return Timing(
        _numbers(years),
        _numbers(months),
        _numbers(month_days),
        frozenset(day % 7 or 7 for day in _numbers(week_days)),
        sum(part * unit for part, unit in zip(clock, (3600, 60, 1), strict=False)),
    )


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in names(text) if part.lstrip("-").isdigit())
