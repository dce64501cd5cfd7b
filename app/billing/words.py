"""What the ledger's words are called on a screen."""

from __future__ import annotations

from typing import Any

from app.core.words import _l

MODES: dict[str, Any] = {
    "prepaid": _l("prepaid"),
    "postpaid": _l("postpaid"),
    "system": _l("our own"),
}
KINDS: dict[str, Any] = {
    "customer": _l("customer"),
    "reseller": _l("reseller"),
    "carrier": _l("carrier"),
    "revenue": _l("revenue"),
    "cash": _l("cash"),
    "adjustment": _l("adjustments"),
}
POSTED: dict[str, Any] = {
    "charges": _l("charges of calls"),
    "topup": _l("top-up"),
    "adjustment": _l("adjustment"),
    "transfer": _l("transfer"),
}
