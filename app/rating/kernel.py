"""Prices for whole batches: the reference's arithmetic, worked out once per rate in integers.

``price = round(fee + rate × billed / unit)`` becomes one multiplication, one addition and one
division of integers; ``tests/rating`` holds it against the reference.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core import money
from app.rating.tariff import Match


@dataclass(frozen=True, slots=True)
class Compiled:
    """One rate as integers: the price of ``b`` billed milliseconds is ``(fee + slope·b) / unit``
    multiples of the rounding step, and a step is ``step`` ledger units."""

    initial_ms: int
    increment_ms: int
    fee: int
    slope: int
    unit: int
    rounding: str
    step: int

    def units(self, duration_ms: int) -> int:
        """Ledger units for an answered call of that length in milliseconds."""
        billed = 0
        if duration_ms > 0:
            over = duration_ms - self.initial_ms
            begun = -(-over // self.increment_ms) if over > 0 else 0
            billed = self.initial_ms + begun * self.increment_ms
        total = self.fee + self.slope * billed
        if self.rounding == "half":
            return (2 * total + self.unit) // (2 * self.unit) * self.step
        if self.rounding == "up":
            return -(-total // self.unit) * self.step
        return total // self.unit * self.step


def compile_rate(match: Match) -> Compiled:
    """The rate of a match, ready for many calls (prices are never negative)."""
    rate, version = match.rate, match.version
    factor = 10**version.places
    fee, price = rate.connect_fee * factor, rate.price * factor / rate.unit_ms
    unit = fee.denominator * price.denominator
    return Compiled(
        rate.initial_ms,
        rate.increment_ms,
        fee.numerator * price.denominator,
        price.numerator * fee.denominator,
        unit,
        version.rounding,
        money.scale(version.currency) // factor,
    )
