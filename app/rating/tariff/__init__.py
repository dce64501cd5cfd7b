"""The tariff model: what there is to know before a call can be priced, as immutable values."""

from __future__ import annotations

from app.rating.tariff.book import Match, Policy, TariffBook, Tax, Timeline, Version
from app.rating.tariff.rate import Origins, Rate
from app.rating.tariff.reason import Reason
from app.rating.tariff.terms import Band, LengthRounding, Price, Rounding, Slot, Tier
from app.rating.tariff.timing import ALWAYS, Timing

__all__ = [
    "ALWAYS",
    "Band",
    "LengthRounding",
    "Match",
    "Origins",
    "Policy",
    "Price",
    "Rate",
    "Reason",
    "Rounding",
    "Slot",
    "TariffBook",
    "Tax",
    "Tier",
    "Timeline",
    "Timing",
    "Version",
]
