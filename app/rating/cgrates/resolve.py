"""Which prices of a CGRateS tariff plan hold for a call: profile, plan, destination, bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC

from app.rating.cgrates.cuts import cuts
from app.rating.cgrates.fields import SECOND
from app.rating.cgrates.plan import ANY, Activation, TariffPlan
from app.rating.tariff.terms import Band
from app.rating.tariff.timing import local_time
from app.rating.usage import Refused
from app.rating.walk import Span, band_changes

_FALLBACK_DEPTH = 3  # its rals.fallback_depth


@dataclass(slots=True)
class _Stretch:
    """From ``at`` on these bands hold; without bands other subjects are asked."""

    at: int
    bands: tuple[Band, ...] = ()
    prefix: str = ""
    destination: str = ""
    subject: str = ""
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanRates:
    """The prices of one call under a plan (``app.rating.usage.Rates``). Times are nanoseconds.

    ``faithful`` cuts as CGRateS does: at midnights, and without asking a plan that begins during
    the call. Only calls are cut at times at all, messages and bytes have the price at the start.
    """

    plan: TariffPlan
    tenant: str
    category: str
    subject: str
    number: str
    at: int
    timed: bool
    faithful: bool

    def known(self) -> Sequence[tuple[int, Sequence[str]]]:
        """See ``app.rating.usage.Rates``."""
        return [(len(prefix), ids) for prefix, ids in self.plan.prefixes(self.number)]

    def spans(self, subject: str, start: int, end: int) -> list[Span]:
        """See ``app.rating.usage.Rates``."""
        begin, until = self.at + start, self.at + end
        stretches = self._stretches(subject or self.subject, begin, until)
        found: list[Span] = []
        for place, stretch in enumerate(stretches):
            first = max(stretch.at, begin)
            last = stretches[place + 1].at if place + 1 < len(stretches) else until
            found += self._bands(stretch, first, last)
        if not found:
            raise Refused("UNAUTHORIZED_DESTINATION")
        return found

    def _bands(self, stretch: _Stretch, first: int, last: int) -> list[Span]:
        if self.faithful and self.timed:
            changes = [(at - first, band) for at, band in cuts(stretch.bands, self.at, first, last)]
        else:
            length = last - first if self.timed else 0
            changes = band_changes(stretch.bands, UTC, first, length, ticks=SECOND)
        return [
            Span(
                first - self.at + start,
                band.price,
                band.name,
                stretch.prefix,
                stretch.destination,
                stretch.subject,
            )
            for start, band in changes
        ]

    def _stretches(self, subject: str, begin: int, end: int) -> list[_Stretch]:
        found: list[_Stretch] = []
        try:
            try:
                self._fill(found, subject, begin, end, 1)
            except LookupError:
                self._fill(found, ANY, begin, end, 1)
        except LookupError as exc:
            raise Refused("RATING_PLAN_NOT_FOUND") from exc
        if not _whole(found, begin):
            raise Refused("UNAUTHORIZED_DESTINATION")
        if not self.timed:
            return found[:1]
        started = [stretch for stretch in found if stretch.at < begin]
        current = started[-1] if started else found[0]
        later = [stretch for stretch in found if begin < stretch.at < end]
        if self.faithful:  # the call is cut there, and goes on at the old plan's price
            later = [replace(current, at=stretch.at) for stretch in later]
        return [current, *later]

    def _fill(self, found: list[_Stretch], subject: str, begin: int, end: int, depth: int) -> None:
        """Finds the stretches of a subject, its fallbacks' where it has none; LookupError when
        the subject has no profile, or fallbacks lead too far."""
        if depth > _FALLBACK_DEPTH:
            raise LookupError(subject)
        activations = self.plan.profiles[self.tenant, self.category, subject]
        if not found:
            found += self._own(activations, subject, begin, end)
        if _whole(found, begin):
            return
        place = 0
        while place < len(found):
            gap = found[place]
            if not gap.bands and gap.fallbacks:
                first = begin if place == 0 else gap.at
                last = found[place + 1].at if place + 1 < len(found) else end
                self._fill_gap(found, place, first, last, depth + 1)
            place += 1

    def _fill_gap(
        self, found: list[_Stretch], place: int, begin: int, end: int, depth: int
    ) -> None:
        inner: list[_Stretch] = []
        for subject in found[place].fallbacks:
            try:
                self._fill(inner, subject, begin, end, depth)
            except LookupError:
                continue
            for index, stretch in enumerate(inner):
                if not stretch.bands:
                    continue
                if index == 0:
                    found[place] = stretch
                else:
                    found.insert(place + index, stretch)
            if _whole(inner, begin):
                return

    def _own(
        self, activations: Sequence[Activation], subject: str, begin: int, end: int
    ) -> list[_Stretch]:
        found: list[_Stretch] = []
        for place, activation in enumerate(_active(activations, begin, end)):
            if activation.plan not in self.plan.plans:
                continue
            if place == 0 and begin < activation.at:
                found.append(_Stretch(begin, fallbacks=(ANY,)))
            match = self._match(activation.plan, begin)
            if match is not None:
                bands, prefix, destination = match
                found.append(
                    _Stretch(
                        activation.at, bands, prefix, destination, subject, activation.fallbacks
                    )
                )
            elif activation.fallbacks:
                found.append(_Stretch(activation.at, fallbacks=activation.fallbacks))
        return found

    def _match(self, plan: str, begin: int) -> tuple[tuple[Band, ...], str, str] | None:
        """The bands of the longest prefix that has one active at the beginning; of destinations
        with that prefix the one with the heaviest band."""
        rates = self.plan.plans[plan]
        local = local_time(begin // SECOND, UTC)
        if self.number not in ("", ANY):
            for prefix, ids in self.plan.prefixes(self.number):
                fitting = [
                    name
                    for name in ids
                    if any(band.timing.active(local) for band in rates.get(name, ()))
                ]
                if fitting:
                    best = max(fitting, key=lambda name: max(0, *(b.weight for b in rates[name])))
                    return rates[best], prefix, best
        if ANY in rates:
            return rates[ANY], ANY, ANY
        return None


def _active(activations: Sequence[Activation], begin: int, end: int) -> Sequence[Activation]:
    first, last = 0, len(activations)
    for place, activation in enumerate(activations):
        if activation.at <= begin:
            first = place
        if activation.at > end:
            last = place
            break
    return activations[first:last]


def _whole(stretches: Sequence[_Stretch], begin: int) -> bool:
    return (
        bool(stretches) and stretches[0].at <= begin and all(stretch.bands for stretch in stretches)
    )
