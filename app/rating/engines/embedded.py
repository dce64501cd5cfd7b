"""The engine in this process: tariffs from our own database."""

from __future__ import annotations

from app.rating import reference
from app.rating.engine import Batch, RatableCall, Rated, Result, Unrated
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

    def rate(self, batch: Batch) -> list[Result]:
        """Prices every call of the batch; pure, so the same batch gives the same prices."""
        return [self.quote(call) for call in batch.calls]

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
