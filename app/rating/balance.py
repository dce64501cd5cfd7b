"""Balances and allowances as values: what an account may use up, in which order.

A balance holds money or units: seconds (in ticks), messages, bytes, or generic points. Units are
used before money; within a kind the balance with the longest matching destination comes first,
then the heavier one. (Those are the rules of CGRateS too, so its accounts can be taken over.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Literal

from app.rating.tariff.terms import ZERO
from app.rating.tariff.timing import Timing

MONEY = "money"
GENERIC = "generic"
DEFAULT = "*default"  # the money balance that goes below zero when nothing else is left

# How the balances of a shared group are ordered; "own" ones put the account's own first.
Strategy = Literal["own", "own_lowest", "own_highest", "lowest", "highest"]


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left of something. ``value`` is money, or units of ``kind`` (ticks for time).

    ``destinations`` names what it is for (True) or not for (False); none: everything. With a
    ``subject`` usage is priced by that subject's rates; a unit balance without one gives free
    units in steps of ``step`` (None: one second, or one unit). A ``blocker`` that cannot pay
    keeps all after it from paying. ``factors`` say how many points a unit of an event costs.
    """

    id: str
    kind: str
    value: Fraction
    weight: Fraction = ZERO
    destinations: Mapping[str, bool] = field(default_factory=dict)
    categories: frozenset[str] = frozenset()
    subject: str = ""
    step: int | None = None
    expires_at: int | None = None
    timings: tuple[Timing, ...] = ()
    shared_group: str = ""
    owner: str = ""
    blocker: bool = False
    disabled: bool = False
    factors: Mapping[str, Fraction] = field(default_factory=dict)

    def usable(self, category: str, at: int) -> bool:
        """Whether it may pay for calls of a category that begin at ``at`` (ticks since 1970).
        An empty one counts when it blocks, or when it stands for a group."""
        return not (
            self.disabled
            or (self.expires_at is not None and self.expires_at < at)
            or (not self.shared_group and self.value <= 0 and not self.blocker)
            or (self.categories and category not in self.categories)
        )

    def active(self, local: datetime) -> bool:
        """Whether its times include a moment of the wall clock."""
        return not self.timings or any(timing.active(local) for timing in self.timings)

    def precision(self, known: Sequence[tuple[int, Sequence[str]]]) -> int | None:
        """How long a prefix it matches (0: it is for everything), None when it does not match.

        ``known`` are the number's prefixes that have destinations, longest first: their lengths
        and the names of the destinations.
        """
        if not self.destinations or self.destinations.get("*any"):
            return 0
        only_excludes = not any(self.destinations.values())
        for length, names in known:
            named = [self.destinations[name] for name in names if name in self.destinations]
            if named or only_excludes:
                return length if all(named) else None
        return None


@dataclass(frozen=True, slots=True)
class Account:
    """Whose balances they are. Balances of other owners stand here too where a group shares
    them; ``strategies`` says how each group is ordered."""

    id: str
    balances: tuple[Balance, ...]
    allow_negative: bool = False
    disabled: bool = False
    strategies: Mapping[str, Strategy] = field(default_factory=dict)

    def useful(
        self,
        kinds: Iterable[str],
        category: str,
        at: int,
        known: Sequence[tuple[int, Sequence[str]]],
    ) -> list[Balance]:
        """The balances of those kinds that may pay, in the order in which they are tried."""
        wanted = list(kinds)
        own = [balance for balance in self.balances if balance.owner in ("", self.id)]
        found: list[Balance] = []
        for balance in _ordered(own, wanted, category, at, known):
            if not balance.shared_group:
                found.append(balance)
                continue
            group = [b for b in self.balances if b.shared_group == balance.shared_group]
            shared = _ordered(group, wanted, category, at, known)
            found += _by_strategy(balance, shared, self.strategies.get(balance.shared_group, "own"))
        return found


def _ordered(
    balances: Sequence[Balance],
    kinds: Sequence[str],
    category: str,
    at: int,
    known: Sequence[tuple[int, Sequence[str]]],
) -> list[Balance]:
    found = []
    for kind in kinds:
        for balance in balances:
            if balance.kind == kind and balance.usable(category, at):
                precision = balance.precision(known)
                if precision is not None:
                    found.append((precision, balance))
    found.sort(key=lambda pair: (-pair[0], -pair[1].weight))
    return [balance for _, balance in found]


def _by_strategy(own: Balance, shared: list[Balance], strategy: Strategy) -> list[Balance]:
    if strategy.endswith("lowest"):
        shared.sort(key=lambda balance: balance.value)
    elif strategy.endswith("highest"):
        shared.sort(key=lambda balance: -balance.value)
    if strategy.startswith("own"):
        shared.sort(key=lambda balance: balance.id != own.id)
    return shared
