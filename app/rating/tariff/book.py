"""Tariffs as values: rates in versions, and which account has which tariff when.

Nothing here knows a database; ``app.rating.store`` fills these.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from app.rating.prefix import PrefixIndex
from app.rating.tariff.rate import Origins, Rate
from app.rating.tariff.reason import Reason
from app.rating.tariff.terms import LengthRounding


@dataclass(frozen=True, slots=True)
class Tax:
    """A part of the price that goes to someone else; ``compound`` taxes the taxes before it."""

    name: str
    rate: Fraction
    compound: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How a tariff counts, beyond its rates. The defaults: version at answer, bands split,
    exact. ``compatible_places`` makes it round every increment to so many places, as CGRateS
    does (its ``rounding_decimals``). ``attempt_causes`` are the final SIP codes whose attempts
    pay the attempt fee."""

    zone: str = "UTC"
    version_at: Literal["answer", "split"] = "answer"
    bands: Literal["answer", "split"] = "split"
    length_rounding: LengthRounding | None = None
    compatible_places: int | None = None
    attempt_causes: frozenset[int] = frozenset()
    origins: Origins | None = None
    taxes: tuple[Tax, ...] = ()


_POLICY = Policy()


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
    policy: Policy = _POLICY

    def match(self, number: str, caller: str | None = None) -> Match | None:
        """The rate of the longest prefix of a number (E.164 digits), for callers of the origin
        of ``caller`` where the tariff tells them apart (None: the caller is not looked at)."""
        rate = self.rates.longest(number)
        if rate is None:
            return None
        if rate.origins and caller is not None and self.policy.origins is not None:
            rate = rate.origins.get(self.policy.origins.of(caller), rate)
        return Match(self, rate)


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

    def versions_at(self, account_ids: Sequence[int], at_ms: Sequence[int]) -> Iterator[int | None]:
        """Which version holds for each account and instant; None where it has no tariff."""
        alone = {
            account_id: self._only(timeline) for account_id, timeline in self.by_account.items()
        }
        for account_id, at in zip(account_ids, at_ms, strict=True):
            only = alone.get(account_id)
            if only is not None and at >= only[0]:
                yield only[1]
                continue
            tariff_id = _current(self.by_account.get(account_id), at)
            yield None if tariff_id is None else _current(self.by_tariff.get(tariff_id), at)

    def _only(self, timeline: Timeline) -> tuple[int, int] | None:
        """From when on a timeline comes to one version for good, and which; most do so early."""
        tariff = self.by_tariff.get(timeline[1][-1])
        if not timeline[0] or tariff is None or not tariff[0]:
            return None
        return max(timeline[0][-1], tariff[0][-1]), tariff[1][-1]

    def match(self, account_id: int, number: str, at_ms: int) -> Match | None:
        """As ``look_up``, None when there is no rate."""
        found = self.look_up(account_id, number, at_ms)
        return found if isinstance(found, Match) else None


def _current(timeline: Timeline | None, at_ms: int) -> int | None:
    if timeline is None:
        return None
    place = bisect_right(timeline[0], at_ms)
    return timeline[1][place - 1] if place else None
