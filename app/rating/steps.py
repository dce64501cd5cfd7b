"""The steps of a price in words that a customer can follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.core import money
from app.core.words import _
from app.rating.tariff import Match
from app.rating.tariff.terms import ZERO
from app.rating.walk import Piece


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a price: what, how it was computed, and the exact amount."""

    label: str
    calculation: str
    amount: Fraction


def exact_text(value: Fraction) -> str:
    """Decimal text of an exact number; where decimals would not end, nine places after ``≈``."""
    for places in range(19):
        scaled = value * 10**places
        if scaled.denominator == 1:
            sign, digits = ("-" if scaled < 0 else ""), str(abs(scaled.numerator))
            if not places:
                return sign + digits
            digits = digits.rjust(places + 1, "0")
            return f"{sign}{digits[:-places]}.{digits[-places:]}"
    return f"≈ {exact_text(money.round_half_up(value, 9))}"


def rounding(way: str, places: int) -> str:
    """How a price was rounded, in words."""
    words = {"half": _("half up"), "up": _("up"), "down": _("down")}[way]
    return _("%(way)s, %(places)s places", way=words, places=places)


def usage(match: Match, pieces: Sequence[Piece], duration_ms: int, billed: int) -> list[Step]:
    """The time that was used; ``billed`` is its length in ms where the rate has no slots."""
    rate = match.rate
    amount = sum((piece.slot.cost(piece.count) for piece in pieces), ZERO)
    if rate.simple and len({piece.span.prefix for piece in pieces}) <= 1:
        calculation = _(
            "%(length)s s → %(billed)s s billed (%(initial)s/%(increment)s) × %(price)s per"
            " %(unit)s s",
            length=_seconds(duration_ms),
            billed=_seconds(billed),
            initial=_seconds(rate.initial_ms),
            increment=_seconds(rate.increment_ms),
            price=exact_text(rate.price),
            unit=_seconds(rate.unit_ms),
        )
        return [Step(_("Usage"), calculation, amount)]
    return [
        Step(
            piece.span.band or _("Usage"),
            _(
                "from %(start)s s: %(count)s × %(increment)s s × %(price)s per %(unit)s s",
                start=_seconds(piece.start),
                count=piece.count,
                increment=_seconds(piece.slot.increment),
                price=exact_text(piece.slot.price),
                unit=_seconds(piece.slot.unit),
            ),
            piece.slot.cost(piece.count),
        )
        for piece in pieces
    ]


def limit(match: Match, full: Fraction, amount: Fraction) -> tuple[str, str]:
    """What made ``amount`` of the ``full`` price, and how."""
    if match.version.policy.compatible_places is not None:
        return _("Compatibility"), _("every increment rounded, as CGRateS does")
    if amount > full:
        return _("Minimum"), _("at least %(amount)s", amount=exact_text(amount))
    return _("Limit"), _(
        "%(full)s becomes %(amount)s", full=exact_text(full), amount=exact_text(amount)
    )


def taxes(match: Match, net: Fraction) -> list[Step]:
    """The taxes on a net price, a step each."""
    version, taken = match.version, ZERO
    found = []
    for tax in version.policy.taxes:
        base = net + taken if tax.compound else net
        amount = money.round_half_up(base * tax.rate, version.places)
        taken += amount
        found.append(
            Step(
                tax.name,
                _(
                    "%(share)s %% of %(base)s",
                    share=exact_text(tax.rate * 100),
                    base=exact_text(base),
                ),
                amount,
            )
        )
    return found


def _seconds(duration_ms: int) -> str:
    return exact_text(Fraction(duration_ms, 1000))
