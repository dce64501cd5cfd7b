"""Telephone numbers: from what a phone dialled to E.164 digits, and the key for prefix look-up.

E.164 numbers are kept without the plus sign, as digits only (ITU-T E.164, at most 15 digits).
"""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import category

# What people and phones put between digits (RFC 3966 visual separators, and blanks).
_SEPARATORS = str.maketrans("", "", "-.() \t")

# Keys hold this many digits; 11^17 still fits in 63 bits.
KEY_DIGITS = 17
KEY_LIMIT = 11**KEY_DIGITS


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How a source writes numbers.

    ``international`` prefixes (``+``, ``00``, ``011``) are taken off; a number that starts with
    ``trunk`` (``0``) is national and gets ``country``. Without ``country`` a national number
    stays as it is.
    """

    country: str = ""
    trunk: str = ""
    international: tuple[str, ...] = ("+", "00")


def to_e164(dialled: str | None, plan: NumberPlan) -> str | None:
    """Digits of the E.164 number, or None when this is no telephone number (a name, empty)."""
    if not dialled:
        return None
    text = dialled.translate(_SEPARATORS)
    for prefix in plan.international:
        if prefix and text.startswith(prefix) and len(text) > len(prefix):
            return _digits(text[len(prefix) :])
    if plan.country and plan.trunk and text.startswith(plan.trunk) and len(text) > len(plan.trunk):
        return _digits(plan.country + text[len(plan.trunk) :])
    return _digits(text)


def typed(text: str, plan: NumberPlan) -> str | None:
    """Digits of a number, or of its beginning, as a person types or pastes it; else None.

    Takes the prefix ``tel:``, strokes, all kinds of dashes and blanks, and the zero in brackets
    that is left out from abroad: ``+49 (0)30/23125-001``.
    """
    text = text.strip()
    if text[:4].lower() == "tel:":
        text = text[4:]
    if text.startswith(plan.international):
        text = text.replace("(0)", "")
    # Zs: blanks, Pd: dashes, Cf: what copying leaves behind unseen
    kept = (sign for sign in text if sign != "/" and category(sign) not in ("Zs", "Pd", "Cf"))
    return to_e164("".join(kept), plan)


def _digits(text: str) -> str | None:
    return text if text.isascii() and text.isdigit() and len(text) <= 32 else None


def prefix_key(digits: str) -> int:
    """A number's place among all numbers, as one 63-bit integer: digits count 1 to 10 in base 11.

    Zero (no digit) sorts before digit 0, so a short number never equals a longer one, and every
    prefix is one interval of keys: ``prefix_key(p) <= key < prefix_end(p)``.
    """
    key = 0
    for digit in digits[:KEY_DIGITS]:
        key = key * 11 + ord(digit) - 47  # "0" counts 1
    return int(key * 11 ** max(KEY_DIGITS - len(digits), 0))


def prefix_end(prefix: str) -> int:
    """The first key after all numbers that start with the prefix."""
    return int(prefix_key(prefix) + 11 ** (KEY_DIGITS - min(len(prefix), KEY_DIGITS)))
