"""Rates: what a destination costs, in which band, for callers of which origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from app.rating.prefix import PrefixIndex
from app.rating.tariff.terms import ZERO, Band, Price, Slot, Tier


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of one destination: ``price`` per ``unit_ms``, after a fee for connecting.

    The first ``initial_ms`` are billed whole, then every begun ``increment_ms``. ``later`` are
    further slots, ``bands`` other prices at their times (this one holds when none of them does),
    ``origins`` the rates of this destination for callers of a named group.
    """

    prefix: str
    destination: str
    connect_fee: Fraction
    price: Fraction
    unit_ms: int
    initial_ms: int
    increment_ms: int
    attempt_fee: Fraction = ZERO
    minimum: Fraction = ZERO
    maximum: Fraction | None = None
    grace_ms: int = 0
    later: tuple[Slot, ...] = ()
    tiers: tuple[Tier, ...] = ()
    bands: tuple[Band, ...] = ()
    origins: Mapping[str, Rate] = field(default_factory=dict)

    @property
    def simple(self) -> bool:
        """Whether two increments and a connect fee say it all."""
        return not (
            self.later
            or self.tiers
            or self.bands
            or self.minimum
            or self.grace_ms
            or self.maximum is not None
        )

    def slots(self) -> tuple[Slot, ...]:
        """The initial block, the increments after it, and the further slots."""
        first = Slot(0, self.initial_ms, self.unit_ms, self.price)
        if self.initial_ms == self.increment_ms:
            return (first, *self.later)
        next_slot = Slot(self.initial_ms, self.increment_ms, self.unit_ms, self.price)
        return (first, next_slot, *self.later)

    def base(self) -> Price:
        """The price outside all bands."""
        return Price(
            self.slots(),
            self.connect_fee,
            self.attempt_fee,
            self.minimum,
            self.maximum,
            grace=self.grace_ms,
            tiers=self.tiers,
        )

    def all_bands(self) -> tuple[Band, ...]:
        """The bands, and below them the price that holds when none of them does."""
        lightest = min((band.weight for band in self.bands), default=ZERO)
        return (*self.bands, Band(self.base(), weight=lightest - 1))


@dataclass(frozen=True, slots=True)
class Origins:
    """Names the origin group of a calling number: ``missing``, ``short`` or ``long`` by its
    length, else the group of its longest prefix, else nothing."""

    groups: PrefixIndex[str]
    shortest: int = 0
    longest: int = 15  # ITU-T E.164, 6.1

    def of(self, caller: str) -> str:
        """The group of a caller's digits (empty: none was sent)."""
        if not caller:
            return "missing"
        if len(caller) < self.shortest:
            return "short"
        if len(caller) > self.longest:
            return "long"
        return self.groups.longest(caller) or ""
