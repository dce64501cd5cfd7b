"""CGRateS's own arithmetic, in the double precision that it uses, for those who migrate.

The only module with floating-point numbers. What it reproduces was learnt from the public
behaviour of CGRateS 0.11 (every increment is rounded before it is summed, ``rounding_decimals``
in its configuration) and is pinned by ``tests/rating`` and the conformance file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from app.rating.tariff.terms import Rounding
from app.rating.walk import Piece

_NOISE_PLACES = 7  # a smaller remainder does not lift an amount that is rounded up


def rounded(value: float, places: int, way: str) -> float:
    """A double with so many decimals; halves go up, and "up" forgives what is only noise."""
    power = math.pow(10, places)
    scaled = value * power
    rest = math.modf(scaled)[0]
    if way == "up":
        lifted = rest >= 10.0 ** -max(_NOISE_PLACES, places)
        return (math.ceil(scaled) if lifted else math.floor(scaled)) / power
    if way == "half":
        return (math.ceil(scaled) if rest >= 0.5 else math.floor(scaled)) / power
    return math.floor(scaled) / power


def double(amount: Fraction) -> float:
    """The nearest double of an exact amount."""
    return amount.numerator / amount.denominator


def exact(value: float) -> Fraction:
    """The shortest decimal that stands for the double, which is what CGRateS would print."""
    return Fraction(Decimal(repr(value)))


def increment(piece: Piece, places: int) -> float:
    """What one increment of a piece costs: the rounded cost of the piece, divided, rounded."""
    per_tick = double(piece.slot.price) / piece.slot.unit
    whole = rounded(piece.length * per_tick, places, "half")
    return rounded(whole / piece.count, places, "half")


def cost(pieces: Sequence[Piece], fee: Fraction, places: int) -> Fraction:
    """What CGRateS asks for these pieces, with ``fee`` in the first one.

    Neighbours that look the same to it are one piece that counts twice, fee included. Its cap
    compares what it has summed up so far with all earlier sums, so it may bite too early.
    """
    total = so_far = 0.0
    for place, (piece, times) in enumerate(_alike(pieces, places)):
        amount = piece.count * increment(piece, places)
        if place == 0:
            amount = double(fee) + amount
        total += rounded(amount, places, "half") * times
        so_far += total
        price = piece.span.price
        if price.maximum is not None and not price.cuts_at_maximum:
            cap = double(price.maximum)
            if so_far >= cap:
                total = so_far = cap
    final = final_rounding(pieces)
    if final.places is None:
        return exact(total)
    return exact(rounded(total, final.places, final.way))


def final_rounding(pieces: Sequence[Piece]) -> Rounding:
    """The rounding of the piece with the most places; none where that is 0."""
    best = Rounding("half", None)
    for piece in pieces:
        rounding = piece.span.price.rounding
        if (rounding.places or 0) > (best.places or 0):
            best = rounding
    return best


def _alike(pieces: Sequence[Piece], places: int) -> list[tuple[Piece, int]]:
    found: list[tuple[Piece, int]] = []
    for piece in pieces:
        if found and _same(found[-1][0], piece, places):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((piece, 1))
    return found


def _same(one: Piece, other: Piece, places: int) -> bool:
    return (
        (one.count, one.slot.increment) == (other.count, other.slot.increment)
        and increment(one, places) == increment(other, places)
        and one.span.band == other.span.band
        and (one.span.prefix, one.span.destination, one.span.subject)
        == (other.span.prefix, other.span.destination, other.span.subject)
    )


class Cgrates:
    """A debit in doubles (``app.rating.arithmetic``): every balance is rounded as it is drawn."""

    faithful = True

    def __init__(self, places: int) -> None:
        self._places = places

    def number(self, amount: Fraction) -> float:
        return double(amount)

    def exact(self, amount: float) -> Fraction:
        return exact(amount)

    def increment(self, piece: Piece) -> float:
        return increment(piece, self._places)

    def free(self, pieces: Sequence[Piece], fee: Fraction) -> bool:
        total = double(fee)  # what the tariff's rounding swallows is free as well
        for piece in pieces:
            total += rounded(piece.count * increment(piece, self._places), self._places, "half")
        return not self.rounded(total, final_rounding(pieces))

    def points(self, units: int, factor: Fraction) -> float:
        if factor == 1:
            return double(Fraction(units))
        return rounded(units * double(factor), self._places, "up")

    def draw(self, value: float, cost: float, count: int) -> tuple[int, float]:
        if cost and value.is_integer() and cost.is_integer():  # whole units: no digit is lost
            paid = max(min(count, int(value // cost)), 0)
            return paid, value - paid * cost
        paid = 0
        while paid < count and value >= cost:
            left = self.less(value, cost)
            if left == value:  # a cost that rounding swallows changes nothing, however often
                return count, value
            value, paid = left, paid + 1
        return paid, value

    def less(self, value: float, cost: float) -> float:
        return rounded(value - cost, self._places, "half")

    def covers(self, value: float, cost: float) -> bool:
        return value >= cost

    def add(self, total: float, cost: float, count: int) -> float:
        for _ in range(count if cost else 0):
            total += cost
        return total

    def until(self, total: float, cost: float, cap: Fraction, count: int) -> int:
        limit, taken = double(cap), 0
        while taken < count and total < limit:
            if not cost:
                return count
            total, taken = total + cost, taken + 1
        return taken

    def room(self, total: float, cap: Fraction) -> float | None:
        return None

    def charge(self, parts: Sequence[Sequence[tuple[float, int]]]) -> float:
        total = 0.0
        for part in parts:
            amount = sum(cost * count for cost, count in part)
            total = rounded(total + rounded(amount, self._places, "half"), self._places, "half")
        return total

    def rounded(self, amount: float, rounding: Rounding) -> float:
        if rounding.places is None:
            return amount
        return rounded(amount, rounding.places, rounding.way)
