"""What is to be paid, who prices it, and what was drawn for it: the values of a debit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Generic, Protocol

from app.core.errors import CompanionError
from app.core.words import _
from app.rating.arithmetic import N
from app.rating.tariff.terms import Rounding
from app.rating.walk import Piece, Span


class Refused(CompanionError):
    """The call cannot be priced or paid; ``code`` says why, in CGRateS's words."""

    status = 402

    def __init__(self, code: str) -> None:
        super().__init__(_("The call is refused: %(code)s.", code=code))
        self.code = code


class Rates(Protocol):
    """Prices for a debit."""

    def spans(self, subject: str, start: int, end: int) -> list[Span]:
        """The prices of a call from ``start`` to ``end`` (ticks after its beginning) for a
        subject ("": the call's own); raises Refused."""

    def known(self) -> Sequence[tuple[int, Sequence[str]]]:
        """The dialled number's prefixes that have destinations, see ``Balance.precision``."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is to be paid: a call that began at ``at`` (ticks since 1970, ``ticks`` a second) and
    lasted ``length`` ticks, or so many messages, bytes or events of ``kind``.

    ``first``: whether fees are due (not in a later slice of a call). ``dearest``: a price per
    tick above which nothing is authorised. ``factor``: under which name balances with factors
    count it.
    """

    kind: str
    at: int
    length: int
    category: str = ""
    ticks: int = 1_000
    first: bool = True
    dearest: Fraction | None = None
    factor: str = ""


@dataclass(frozen=True, slots=True)
class Draw(Generic[N]):
    """``count`` increments that the same balances paid at the same price. A fee has length 0."""

    length: int
    count: int
    cost: N
    unit: str = ""
    money: str = ""
    piece: Piece | None = None


@dataclass(slots=True)
class Part(Generic[N]):
    """The draws of one piece of the call."""

    rounding: Rounding
    draws: list[Draw[N]] = field(default_factory=list)
