"""Tariffs as values: rates in versions, and which account has which tariff when.

Nothing here knows a database; ``app.rating.store`` fills these.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from app.rating.prefix import PrefixIndex


class Reason(StrEnum):
    """Why a call has no price (yet)."""

    NO_ACCOUNT = "no_account"
    NO_TARIFF = "no_tariff"
    NO_RATE = "no_rate"
    NOT_A_NUMBER = "not_a_number"
    CURRENCY = "currency"
    WAITING = "waiting"
    ENGINE_DOWN = "engine_down"
    ENGINE_REFUSED = "engine_refused"


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of one destination: ``price`` per ``unit_ms``, after a fee for connecting.

    The first ``initial_ms`` are billed whole, then every begun ``increment_ms``.
    """

    prefix: str
    destination: str
    connect_fee: Fraction
    price: Fraction
    unit_ms: int
    initial_ms: int
    increment_ms: int


@dataclass(frozen=True, slots=True)
class Version:
    """A tariff's rates from an instant on. Immutable: prices of the past stay explicable."""

    id: int
    tariff_id: int
    tariff: str
    currency: str
    places: int
    rounding: str
    valid_from: int
    rates: PrefixIndex[Rate]

    def match(self, number: str) -> Match | None:
        """The rate of the longest prefix of a number (E.164 digits)."""
        rate = self.rates.longest(number)
        return None if rate is None else Match(self, rate)


@dataclass(frozen=True, slots=True)
class Match:
    """One rate of one version: everything that a price is computed from."""

    version: Version
    rate: Rate

    @property
    def version_id(self) -> int:
        return self.version.id

    @property
    def currency(self) -> str:
        return self.version.currency

    @property
    def destination(self) -> str:
        return self.rate.destination

    @property
    def prefix(self) -> str:
        return self.rate.prefix


Timeline = tuple[Sequence[int], Sequence[int]]  # starts (instants, rising), and what starts


@dataclass(frozen=True, slots=True)
class TariffBook:
    """All tariffs and assignments at one moment."""

    versions: Mapping[int, Version]
    by_tariff: Mapping[int, Timeline] = field(default_factory=dict)
    by_account: Mapping[int, Timeline] = field(default_factory=dict)

    def look_up(self, account_id: int, number: str, at_ms: int) -> Match | Reason:
        """The rate for a call of an account to a number answered at an instant, or why none."""
        tariff_id = _current(self.by_account.get(account_id), at_ms)
        version_id = None if tariff_id is None else _current(self.by_tariff.get(tariff_id), at_ms)
        if version_id is None:
            return Reason.NO_TARIFF
        return self.versions[version_id].match(number) or Reason.NO_RATE

    def match(self, account_id: int, number: str, at_ms: int) -> Match | None:
        """As ``look_up``, None when there is no rate."""
        found = self.look_up(account_id, number, at_ms)
        return found if isinstance(found, Match) else None


def _current(timeline: Timeline | None, at_ms: int) -> int | None:
    if timeline is None:
        return None
    place = bisect_right(timeline[0], at_ms)
    return timeline[1][place - 1] if place else None
