"""What one call costs: plain, exact, and in steps that a customer can follow.

The kernel must agree with this module to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.core import clock, money
from app.core.words import _
from app.rating import cgrates_rounding
from app.rating import steps as steps_of
from app.rating.steps import Step
from app.rating.tariff import Match, Policy, Price, Rate, Rounding
from app.rating.tariff.terms import ZERO
from app.rating.walk import Piece, Span, band_changes, walk

_ROUNDING = {"half": money.round_half_up, "up": money.round_up, "down": money.round_down}


@dataclass(frozen=True, slots=True)
class Priced:
    """A price in ledger units of a currency, and the steps to it; ``tax`` comes on top, with
    steps of its own."""

    units: int
    currency: str
    billed_ms: int
    steps: tuple[Step, ...]
    tax: int = 0
    tax_steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """The exact price of pieces before rounding: ``amount`` is what is charged, ``full`` what
    it were without minimum and maximum."""

    amount: Fraction
    full: Fraction
    fee: Fraction


def billed_ms(rate: Rate, duration_ms: int) -> int:
    """The length that is billed: the initial block, then begun increments; nothing for 0 ms."""
    if duration_ms <= 0:
        return 0
    over = max(duration_ms - rate.initial_ms, 0)
    begun = -(-over // rate.increment_ms)
    return rate.initial_ms + begun * rate.increment_ms


def price(
    match: Match,
    duration_ms: int,
    *,
    at_ms: int | None = None,
    volume: int = 0,
    later: Sequence[Match] = (),
) -> Priced:
    """The price of an answered call of that length (milliseconds).

    ``at_ms`` is the answer (needed for bands), ``volume`` the milliseconds that the account had
    used this month (for tiers), ``later`` the matches of the versions that begin during the
    call, in order (for tariffs that split there). Raises ValueError when bands need ``at_ms``.
    """
    version, length = match.version, _counted(match, duration_ms)
    found = spans(match, length, at_ms, later)
    grace = found[0].price.grace
    pieces = [] if grace and length <= grace else list(walk(found, 0, length, volume=volume))
    total = total_of(pieces, found[0].price, length)
    rounding = Rounding("half", version.places)
    if version.policy.compatible_places is not None:
        exact = cgrates_rounding.cost(pieces, total.fee, version.policy.compatible_places)
        rounded = money.round_half_up(exact, version.places)
    else:
        exact = total.amount
        rounded = _ROUNDING[version.rounding](exact, rounding.places or 0)
    steps = [
        Step(_("Connect fee"), _("once, on answer"), total.fee),
        *steps_of.usage(match, pieces, duration_ms, _billed(match, duration_ms)),
    ]
    if exact != total.full:
        steps.append(Step(*steps_of.limit(match, total.full, total.amount), exact - total.full))
    steps.append(
        Step(_("Rounding"), steps_of.rounding(version.rounding, version.places), rounded - exact)
    )
    units = money.to_units(rounded, version.currency)
    taxes = tuple(steps_of.taxes(match, rounded))
    tax = money.to_units(sum((step.amount for step in taxes), ZERO), version.currency)
    billed = sum(piece.length for piece in pieces)
    return Priced(units, version.currency, billed, tuple(steps), tax, taxes)


def attempt_units(match: Match, sip_code: int) -> int:
    """Ledger units that an unanswered call costs, which ended with that final SIP code."""
    version = match.version
    if sip_code not in version.policy.attempt_causes:
        return 0
    fee = _ROUNDING[version.rounding](match.rate.attempt_fee, version.places)
    return money.to_units(fee, version.currency)


def spans(match: Match, length: int, at_ms: int | None, later: Sequence[Match] = ()) -> list[Span]:
    """Which price holds from which millisecond of the call on: by bands, and by versions where
    the tariff splits a call that goes on under a new one."""
    policy = match.version.policy
    if policy.version_at == "answer" or at_ms is None:
        later = ()
    found = _bands(match, length, at_ms)
    for following in later:
        start = following.version.valid_from - (at_ms or 0)
        if 0 < start < length:
            inner = _bands(following, length - start, (at_ms or 0) + start)
            found = [span for span in found if span.start < start]
            found += [
                Span(start + span.start, span.price, span.band, span.prefix, span.destination)
                for span in inner
            ]
    return found


def _bands(match: Match, length: int, at_ms: int | None) -> list[Span]:
    rate, policy = match.rate, match.version.policy
    if not rate.bands:
        return [Span(0, rate.base(), "", rate.prefix, rate.destination)]
    if at_ms is None:
        raise ValueError("a rate with bands has no price without the time of the answer")
    until = length if policy.bands == "split" else 0
    found = band_changes(
        rate.all_bands(), clock.zone(policy.zone), at_ms, until, ticks=clock.SECOND
    )
    return [
        Span(start, band.price, band.name, rate.prefix, rate.destination) for start, band in found
    ]


def total_of(
    pieces: Sequence[Piece], first: Price, length: int, *, fee: Fraction | None = None
) -> Total:
    """The exact price of the pieces of an answered call. Its first price decides about fee
    (where none is given), grace and minimum; a maximum caps what its own pieces bring the call
    to."""
    if first.grace and length <= first.grace:
        return Total(ZERO, ZERO, ZERO)
    fee = first.connect_fee if fee is None else fee
    amount = full = fee
    for piece in pieces:
        cost = piece.slot.cost(piece.count)
        full += cost
        amount += cost
        maximum = piece.span.price.maximum
        if maximum is not None and not piece.span.price.cuts_at_maximum and amount > maximum:
            amount = maximum
    if first.maximum is not None and not first.cuts_at_maximum and not pieces:
        amount = min(amount, first.maximum)
    return Total(max(amount, first.minimum), full, fee)


def affordable_ms(
    match: Match,
    units: int,
    limit_ms: int,
    *,
    at_ms: int | None = None,
    volume: int = 0,
    later: Sequence[Match] = (),
) -> int:
    """The longest call, at most ``limit_ms``, whose price is within that many ledger units.

    The answer is a length at which a billing increment ends, so that not one is begun unpaid.
    """

    def fits(length_ms: int) -> bool:
        priced = price(match, length_ms, at_ms=at_ms, volume=volume, later=later)
        return priced.units + priced.tax <= units

    if not fits(0):
        return 0
    if fits(limit_ms):
        return limit_ms
    if match.rate.simple and match.version.policy == Policy() and not later:
        return _whole_increments(match.rate, fits, limit_ms)
    # Prices never fall with length: halve what is left until one millisecond more is too much.
    low, high = 0, limit_ms - 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _whole_increments(rate: Rate, fits: Callable[[int], bool], limit_ms: int) -> int:
    """The same by halving increments, of which there are fewer than milliseconds."""
    if not fits(rate.initial_ms):
        return 0
    low, high = 0, max(limit_ms - rate.initial_ms, 0) // rate.increment_ms + 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(rate.initial_ms + middle * rate.increment_ms):
            low = middle
        else:
            high = middle - 1
    return min(rate.initial_ms + low * rate.increment_ms, limit_ms)


def rounded(amount: Fraction, rounding: Rounding) -> Fraction:
    """The amount with its last digit in place."""
    if rounding.places is None:
        return amount
    return _ROUNDING[rounding.way](amount, rounding.places)


def _billed(match: Match, duration_ms: int) -> int:
    return billed_ms(match.rate, _counted(match, duration_ms))


def _counted(match: Match, duration_ms: int) -> int:
    length_rounding = match.version.policy.length_rounding
    length = max(duration_ms, 0)
    return length if length_rounding is None else length_rounding.applied(length)
