"""The contract between the pipeline and whatever prices calls.

An engine is a class found by name (``embedded``, ``http``) or by an entry point of the group
``opensips_companion.rating_engines``. A batch has a key; the same key again is priced once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from app.core.errors import CompanionError


class EngineUnavailable(CompanionError):
    """The engine cannot answer now; calls land unpriced and are priced when it returns."""

    code = "engine_unavailable"
    status = 503


class RatableCall(NamedTuple):
    """What an engine needs to know of an answered call."""

    id: int
    account_id: int
    account: str
    caller: str
    number: str  # E.164 digits
    answered_at: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that are priced together, once."""

    key: str
    calls: Sequence[RatableCall]


class Rated(NamedTuple):
    """A price in ledger units of a currency; ``version_id`` where a tariff of ours made it."""

    call_id: int
    units: int
    currency: str
    destination: str
    version_id: int | None = None


class Unrated(NamedTuple):
    """A call that the engine has no price for, and why (``app.rating.tariff.Reason``)."""

    call_id: int
    reason: str


Result = Rated | Unrated


@dataclass(frozen=True, slots=True)
class RatedColumns:
    """What ``ColumnEngine`` says, one entry a call: units or why there are none."""

    units: list[int | None]
    reasons: list[str | None]
    currencies: list[str]
    destinations: list[str]
    version_ids: list[int | None]

    @classmethod
    def nothing(cls, count: int) -> RatedColumns:
        """Of so many calls, to be filled."""
        empty: list[Any] = [None] * count
        return cls(list(empty), list(empty), [""] * count, [""] * count, empty)


class RatingEngine(Protocol):
    """Prices batches. ``inline`` engines are pure and in-process: the pipeline may ask them
    inside the transaction that stores the CDRs and ask again after a crash. All others get
    batches that were written down first, and each batch under the same key until it is answered.
    """

    name: str
    inline: bool

    def rate(self, batch: Batch) -> list[Result]:
        """One result per call, in any order; raises EngineUnavailable when it cannot now."""

    def quote(self, call: RatableCall) -> Result:
        """The price of one call, without any effect."""

    def health(self) -> str:
        """Empty when well; else one sentence."""


@runtime_checkable
class ColumnEngine(RatingEngine, Protocol):
    """An inline engine that prices many calls faster column by column, to the same result."""

    def rate_columns(
        self,
        account_ids: Sequence[int],
        numbers: Sequence[str],
        answered_at: Sequence[int],
        durations_ms: Sequence[int],
    ) -> RatedColumns:
        """As ``rate``; numbers that are none are empty."""
