"""How charts write numbers and times, by locale; and the sentences that sum them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache

from babel import Locale, dates, numbers

from app.core.words import _


@lru_cache(maxsize=32)
def locale_of(name: str) -> Locale:
    """The locale of a name such as ``en-GB``."""
    return Locale.parse(name.replace("-", "_"))


def number(value: float, locale: str) -> str:
    """``12,345`` or ``0.25``; beyond 10¹⁵ in powers of ten."""
    if abs(value) >= 10**15:
        return numbers.format_scientific(value, "0.###E0", locale_of(locale))
    places = "#,##0.######" if abs(value) < 1 else "#,##0.###"
    return numbers.format_decimal(value, places, locale_of(locale))


def short_number(value: float, locale: str) -> str:
    """``1.5M``, ``20K``, ``0.25``: few digits."""
    if abs(value) >= 10**15:
        return numbers.format_scientific(value, "0.##E0", locale_of(locale))
    if abs(value) < 10_000:
        return number(value, locale)
    return numbers.format_compact_decimal(value, locale=locale_of(locale), fraction_digits=1)


def tick_time(moment: datetime, unit: str, locale: str) -> str:
    """What stands under a tick: the time of day, at midnight the day; the day; the month."""
    where = locale_of(locale)
    if unit in ("second", "minute", "hour"):
        if (moment.hour, moment.minute, moment.second) == (0, 0, 0):
            return dates.format_skeleton("MMMd", moment, locale=where)
        skeleton = "Hms" if unit == "second" else "Hm"
    elif unit == "day":
        skeleton = "MMMd"
    elif unit == "month":
        skeleton = "yMMM" if moment.month == 1 else "MMM"
    else:
        skeleton = "y"
    return dates.format_skeleton(skeleton, moment, locale=where)


def row_time(moment: datetime, span_ms: int, locale: str) -> str:
    """The time as a row of the table names it, to the second within a quarter of an hour."""
    where = locale_of(locale)
    day = dates.format_skeleton("yMMMd", moment, locale=where)
    if span_ms < 900_000:
        return f"{day}, {dates.format_skeleton('Hms', moment, locale=where)}"
    return f"{day}, {dates.format_skeleton('Hm', moment, locale=where)}"


def weekdays(locale: str) -> tuple[str, ...]:
    """Short names of the days, Monday first."""
    names = locale_of(locale).days["stand-alone"]["abbreviated"]
    return tuple(str(names[day]) for day in range(7))


def summary(
    series: Sequence[tuple[str, Sequence[float | int | None]]], say: Callable[[float], str]
) -> str:
    """One sentence for each series: how low, how high, what came last."""
    said = []
    for name, values in series:
        known = [value for value in values if value is not None]
        if not known:
            said.append(_("%(name)s: no values.", name=name))
        elif len(known) == 1:
            said.append(_("%(name)s: one value, %(value)s.", name=name, value=say(known[0])))
        else:
            said.append(
                _(
                    "%(name)s: lowest %(low)s, highest %(high)s, last %(last)s.",
                    name=name,
                    low=say(min(known)),
                    high=say(max(known)),
                    last=say(known[-1]),
                )
            )
    return " ".join(said) or _("There are no values.")
