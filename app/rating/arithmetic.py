"""The arithmetic of a debit: exact, or CGRateS's (``app.rating.cgrates_rounding``).

``N`` is how an amount is kept while balances are drawn down.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, TypeVar

from app.rating.reference import rounded
from app.rating.tariff.terms import ZERO, Rounding
from app.rating.walk import Piece

N = TypeVar("N")


class Arithmetic(Protocol[N]):
    """What a debit needs to know of numbers. ``faithful`` is true where the peculiarities of
    CGRateS beyond its rounding are wanted too."""

    faithful: bool

    def number(self, amount: Fraction) -> N:
        """An exact amount as one of ours."""

    def exact(self, amount: N) -> Fraction:
        """And back."""

    def increment(self, piece: Piece) -> N:
        """What one increment of a piece costs."""

    def free(self, pieces: Sequence[Piece], fee: Fraction) -> bool:
        """Whether they and the fee cost nothing."""

    def points(self, units: int, factor: Fraction) -> N:
        """What so many units take from a balance that counts them with a factor."""

    def draw(self, value: N, cost: N, count: int) -> tuple[int, N]:
        """How many of ``count`` equal costs a balance pays, and what is left of it."""

    def less(self, value: N, cost: N) -> N:
        """The balance after a cost, which may be more than it holds."""

    def covers(self, value: N, cost: N) -> bool:
        """Whether the balance holds that much."""

    def add(self, total: N, cost: N, count: int) -> N:
        """The total and so many equal costs."""

    def until(self, total: N, cost: N, cap: Fraction, count: int) -> int:
        """How many of ``count`` equal costs are taken before the total has reached the cap."""

    def room(self, total: N, cap: Fraction) -> N | None:
        """What the next cost may be at most, so that the total does not pass the cap; None
        where it may pass it."""

    def charge(self, parts: Sequence[Sequence[tuple[N, int]]]) -> N:
        """The sum of parts, each of costs and how often they come."""

    def rounded(self, amount: N, rounding: Rounding) -> N:
        """The amount with the tariff's last digit."""


class Exact:
    """Fractions: nothing is ever rounded but the price."""

    faithful = False

    def number(self, amount: Fraction) -> Fraction:
        return amount

    def exact(self, amount: Fraction) -> Fraction:
        return amount

    def increment(self, piece: Piece) -> Fraction:
        return piece.slot.cost(1)

    def free(self, pieces: Sequence[Piece], fee: Fraction) -> bool:
        return not fee and not any(piece.slot.price for piece in pieces)

    def points(self, units: int, factor: Fraction) -> Fraction:
        return units * factor

    def draw(self, value: Fraction, cost: Fraction, count: int) -> tuple[int, Fraction]:
        paid = count if not cost else max(min(count, value // cost), 0)
        return paid, value - cost * paid

    def less(self, value: Fraction, cost: Fraction) -> Fraction:
        return value - cost

    def covers(self, value: Fraction, cost: Fraction) -> bool:
        return value >= cost

    def add(self, total: Fraction, cost: Fraction, count: int) -> Fraction:
        return total + cost * count

    def until(self, total: Fraction, cost: Fraction, cap: Fraction, count: int) -> int:
        if total >= cap:
            return 0
        return count if not cost else min(count, -((total - cap) // cost))

    def room(self, total: Fraction, cap: Fraction) -> Fraction | None:
        return max(cap - total, ZERO)

    def charge(self, parts: Sequence[Sequence[tuple[Fraction, int]]]) -> Fraction:
        return sum((cost * count for part in parts for cost, count in part), ZERO)

    def rounded(self, amount: Fraction, rounding: Rounding) -> Fraction:
        return rounded(amount, rounding)
