"""The engine in this process: tariffs from our own database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from app.rating import reference
from app.rating.bulk import Bulk
from app.rating.engine import Batch, RatableCall, Rated, RatedColumns, Result, Unrated
from app.rating.kernel import Compiled, compile_rate
from app.rating.tariff import Match, Policy, Reason, TariffBook

# What the compiled rates know: no bands, slots, tiers or limits, no other way to count.
_PLAIN = Policy()


class EmbeddedEngine:
    """Prices by longest prefix in the version that was valid at the answer."""

    name = "embedded"
    inline = True

    def __init__(self, book: TariffBook) -> None:
        self.book = book
        self._compiled: dict[tuple[int, str], Compiled] = {}
        self._bulk: dict[int, Bulk] = {}

    def rate(self, batch: Batch) -> list[Result]:
        """Prices every call of the batch; pure, so the same batch gives the same prices."""
        return [self.quote(call) for call in batch.calls]

    def rate_columns(
        self,
        account_ids: Sequence[int],
        numbers: Sequence[str],
        answered_at: Sequence[int],
        durations_ms: Sequence[int],
    ) -> RatedColumns:
        """As ``rate``, the calls of one tariff version together."""
        count = len(numbers)
        found = RatedColumns.nothing(count)
        by_version: dict[int | None, list[int]] = defaultdict(list)
        for place, version_id in enumerate(self.book.versions_at(account_ids, answered_at)):
            by_version[version_id].append(place)
        for version_id, places in by_version.items():
            if version_id is None:
                for place in places:
                    known = Reason.NO_TARIFF if numbers[place] else Reason.NOT_A_NUMBER
                    found.reasons[place] = known
                continue
            bulk = self._bulk.get(version_id)
            if bulk is None:
                bulk = self._bulk[version_id] = Bulk(self.book.versions[version_id])
            _price(bulk, places, numbers, answered_at, durations_ms, found)
        return found

    def quote(self, call: RatableCall) -> Result:
        """The price of one call."""
        if not call.number:
            return Unrated(call.id, Reason.NOT_A_NUMBER)
        match = self.book.look_up(call.account_id, call.number, call.answered_at)
        if not isinstance(match, Match):
            return Unrated(call.id, match)
        if match.rate.simple and match.version.policy == _PLAIN:
            units = self._rate(match).units(call.duration_ms)
        else:
            priced = reference.price(match, call.duration_ms, at_ms=call.answered_at)
            units = priced.units
        return Rated(call.id, units, match.currency, match.destination, match.version_id)

    def health(self) -> str:
        """Always well: it has no parts outside this process."""
        return ""

    def _rate(self, match: Match) -> Compiled:
        key = (match.version_id, match.prefix)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = compile_rate(match)
        return found


def _price(
    bulk: Bulk,
    places: Sequence[int],
    numbers: Sequence[str],
    answered_at: Sequence[int],
    durations_ms: Sequence[int],
    found: RatedColumns,
) -> None:
    """Enters the prices of the calls at these places, all of one version."""
    version, rates = bulk.version, bulk.kernel.rates
    prices = bulk.price(
        [numbers[place] for place in places],
        np.array([durations_ms[place] for place in places], dtype=np.int64),
        np.array([answered_at[place] for place in places], dtype=np.int64),
    )
    for place, rate, units in zip(places, prices.rate.tolist(), prices.units.tolist(), strict=True):
        if rate < 0:
            found.reasons[place] = Reason.NO_RATE if numbers[place] else Reason.NOT_A_NUMBER
            continue
        found.units[place] = units
        found.destinations[place] = rates[rate].destination
        found.currencies[place] = version.currency
        found.version_ids[place] = version.id
