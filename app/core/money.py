"""Money: exact, never a float.

A rate is a rational number. A charge, an entry and a balance are integers of the currency's
smallest bookkeeping unit: 10^-9 of the currency, or 10^-4 where the currency has no cents
(ISO 4217 exponent 0). 64 bits hold nine thousand million units of a currency with cents.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

from app.core.errors import InvalidInput

LIMIT = 2**63 - 1

# ISO 4217 currencies without a minor unit.
_WITHOUT_CENTS = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()
)


def places(currency: str) -> int:
    """Decimal places that the ledger keeps for a currency: 9, or 4 for one without cents."""
    return 4 if currency in _WITHOUT_CENTS else 9


def scale(currency: str) -> int:
    """How many ledger units one unit of the currency has."""
    return 10_000 if currency in _WITHOUT_CENTS else 1_000_000_000


def check_range(amount: int) -> int:
    """The amount itself; refuses what 64 bits cannot hold."""
    if not -LIMIT <= amount <= LIMIT:
        raise InvalidInput("The amount is larger than the ledger can hold.", "Use a smaller one.")
    return amount


def parse_decimal(text: str, what: str = "amount") -> Decimal:
    """A finite decimal number from text with a dot; refuses anything else."""
    try:
        value = Decimal(text.strip())
    except (InvalidOperation, AttributeError) as exc:
        raise InvalidInput(f"'{text}' is not a number.", f"Write the {what} like 12.50.") from exc
    if not value.is_finite():
        raise InvalidInput(f"'{text}' is not a number.", f"Write the {what} like 12.50.")
    return value


def to_units(value: Decimal | Fraction | int, currency: str) -> int:
    """Ledger units of an exact amount; refuses one that has more places than the ledger."""
    exact = Fraction(value) * scale(currency)
    if exact.denominator != 1:
        raise InvalidInput(
            f"{value} {currency} has more than {places(currency)} decimal places.",
            "Round it first.",
        )
    return check_range(exact.numerator)


def to_decimal(units: int, currency: str) -> Decimal:
    """The exact decimal amount of ledger units."""
    return Decimal(units).scaleb(-places(currency))


def to_text(units: int | None, currency: str | None) -> str | None:
    """Decimal text without needless zeros: ``"0.0125"``, ``"3"``; None stays None."""
    if units is None or currency is None:
        return None
    text = f"{to_decimal(units, currency):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def round_half_up(value: Fraction, decimals: int) -> Fraction:
    """The nearest multiple of 10^-decimals; halves go away from zero (commercial rounding)."""
    factor = 10**decimals
    magnitude = abs(value) * factor
    whole = (2 * magnitude.numerator + magnitude.denominator) // (2 * magnitude.denominator)
    return Fraction(whole if value >= 0 else -whole, factor)


def round_up(value: Fraction, decimals: int) -> Fraction:
    """The next multiple of 10^-decimals at or above (towards plus infinity)."""
    factor = 10**decimals
    return Fraction(-((-value * factor).__floor__()), factor)


def round_down(value: Fraction, decimals: int) -> Fraction:
    """The multiple of 10^-decimals at or below."""
    factor = 10**decimals
    return Fraction((value * factor).__floor__(), factor)
