"""What one call costs: plain, exact, and in steps that a customer can follow.

The kernel must agree with this module to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from app.core import money
from app.rating.tariff import Match, Rate

_ROUNDING = {"half": money.round_half_up, "up": money.round_up, "down": money.round_down}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a price: what, how it was computed, and the exact amount."""

    label: str
    calculation: str
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Priced:
    """A price in ledger units of a currency, and the steps to it."""

    units: int
    currency: str
    billed_ms: int
    steps: tuple[Step, ...]


def billed_ms(rate: Rate, duration_ms: int) -> int:
    """The length that is billed: the initial block, then begun increments; nothing for 0 ms."""
    if duration_ms <= 0:
        return 0
    over = max(duration_ms - rate.initial_ms, 0)
    begun = -(-over // rate.increment_ms)
    return rate.initial_ms + begun * rate.increment_ms


def price(match: Match, duration_ms: int) -> Priced:
    """The price of an answered call of that length (milliseconds)."""
    rate, version = match.rate, match.version
    billed = billed_ms(rate, duration_ms)
    usage = rate.price * billed / rate.unit_ms
    exact = rate.connect_fee + usage
    rounded = _ROUNDING[version.rounding](exact, version.places)
    steps = (
        Step("Connect fee", "once, on answer", rate.connect_fee),
        Step(
            "Usage",
            f"{_seconds(duration_ms)} s → {_seconds(billed)} s billed"
            f" ({_seconds(rate.initial_ms)}/{_seconds(rate.increment_ms)})"
            f" × {exact_text(rate.price)} per {_seconds(rate.unit_ms)} s",
            usage,
        ),
        Step("Rounding", f"{version.rounding}, {version.places} places", rounded - exact),
    )
    units = money.to_units(rounded, version.currency)
    return Priced(units, version.currency, billed, steps)


def affordable_ms(match: Match, units: int, limit_ms: int) -> int:
    """The longest call, at most ``limit_ms``, whose price is within that many ledger units.

    The answer is a length at which a billing increment ends, so that not one is begun unpaid.
    """
    rate = match.rate
    if price(match, 0).units > units:
        return 0
    if price(match, limit_ms).units <= units:
        return limit_ms
    if price(match, rate.initial_ms).units > units:
        return 0
    # Prices never fall with length: halve the number of increments until it fits exactly.
    low, high = 0, max(limit_ms - rate.initial_ms, 0) // rate.increment_ms + 1
    while low < high:
        middle = (low + high + 1) // 2
        if price(match, rate.initial_ms + middle * rate.increment_ms).units <= units:
            low = middle
        else:
            high = middle - 1
    return min(rate.initial_ms + low * rate.increment_ms, limit_ms)


def exact_text(value: Fraction) -> str:
    """Decimal text of an exact number; where decimals would not end, nine places after ``≈``."""
    for places in range(19):
        scaled = value * 10**places
        if scaled.denominator == 1:
            sign, digits = ("-" if scaled < 0 else ""), str(abs(scaled.numerator))
            if not places:
                return sign + digits
            digits = digits.rjust(places + 1, "0")
            return f"{sign}{digits[:-places]}.{digits[-places:]}"
    return f"≈ {exact_text(money.round_half_up(value, 9))}"


def _seconds(duration_ms: int) -> str:
    return exact_text(Fraction(duration_ms, 1000))
