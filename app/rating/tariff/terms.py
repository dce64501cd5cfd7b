"""The terms of a price: fees, slots by call duration, tiers by volume, limits, rounding.

Lengths are whole *ticks*: milliseconds of a call (nanoseconds in tariffs that came from CGRateS),
or the unit itself for messages, bytes and events. Amounts are exact, of the tariff's currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from app.rating.tariff.timing import ALWAYS, Timing

ZERO = Fraction(0)
Way = Literal["half", "up", "down"]


@dataclass(frozen=True, slots=True)
class Slot:
    """From ``start`` ticks of the call on: ``price`` per ``unit``, billed in whole increments."""

    start: int
    increment: int
    unit: int
    price: Fraction

    def cost(self, count: int) -> Fraction:
        """What so many increments cost, exactly."""
        return self.price * (count * self.increment) / self.unit


@dataclass(frozen=True, slots=True)
class Tier:
    """Slots that hold once the account's volume of the month has reached ``start`` ticks."""

    start: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Rounding:
    """How an amount gets its last digit; ``places`` None leaves it exact."""

    way: Way = "half"
    places: int | None = None


@dataclass(frozen=True, slots=True)
class LengthRounding:
    """A length becomes a whole number of ``step`` ticks before increments are counted."""

    step: int
    way: Way = "half"

    def applied(self, length: int) -> int:
        """The rounded length; halves go up."""
        whole, rest = divmod(length, self.step)
        if rest and (self.way == "up" or (self.way == "half" and 2 * rest >= self.step)):
            whole += 1
        return whole * self.step


@dataclass(frozen=True, slots=True)
class Price:
    """Everything that a call of one band costs.

    ``minimum`` and ``maximum`` (None: none) hold for the whole call, fees included. With
    ``cuts_at_maximum`` a call is not authorised beyond it and a longer one pays in full.
    Calls of at most ``grace`` ticks cost nothing; what an attempt costs is ``attempt_fee``.
    """

    slots: tuple[Slot, ...]
    connect_fee: Fraction = ZERO
    attempt_fee: Fraction = ZERO
    minimum: Fraction = ZERO
    maximum: Fraction | None = None
    cuts_at_maximum: bool = False
    grace: int = 0
    tiers: tuple[Tier, ...] = ()
    rounding: Rounding = Rounding()

    def slot_at(self, position: int, volume: int = 0) -> tuple[Slot, int | None]:
        """The slot at a position of the call, and where the next slot or tier begins (None:
        nowhere). ``volume`` is what the account had used this month when the call began."""
        slots, ends = self.slots, []
        for tier in self.tiers:
            if tier.start <= volume + position:
                slots = tier.slots
            else:
                ends.append(tier.start - volume)
                break
        current = slots[0]
        for slot in slots[1:]:
            if slot.start > position:
                ends.append(slot.start)
                break
            current = slot
        return current, min(ends, default=None)


@dataclass(frozen=True, slots=True)
class Band:
    """A price and when it holds; the heavier band wins, then the one that began later that day."""

    price: Price
    timing: Timing = ALWAYS
    weight: Fraction = ZERO
    name: str = ""
