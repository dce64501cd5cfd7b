"""What is told of calls to those who asked to hear of them: that they ended, what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from app.core import clock, money, outbox

_TEXTS = ("call_id", "caller", "callee", "domain", "account", "gateway", "carrier")


def ended(connection: Connection, cdrs: Iterable[Mapping[str, Any]]) -> None:
    """Says ``call.ended`` of CDRs that this transaction stores."""
    outbox.write(connection, "call.ended", cdrs, _tenant, _call)


def priced(connection: Connection, cdrs: Iterable[Mapping[str, Any]]) -> None:
    """Says ``call.priced`` of CDRs that get their first charge in this transaction."""
    outbox.write(connection, "call.priced", cdrs, _tenant, _price)


def _tenant(cdr: Mapping[str, Any]) -> int:
    return int(cdr["tenant_id"])


def _call(cdr: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": cdr["id"],
        **{name: cdr[name] for name in _TEXTS},
        "setup_at": clock.iso(cdr["setup_at"]),
        "answered_at": clock.iso(cdr["answered_at"]),
        "ended_at": clock.iso(cdr["ended_at"]),
        "duration_ms": cdr["duration_ms"],
        "sip_code": cdr["sip_code"],
        "sip_reason": cdr["sip_reason"],
    }


def _price(cdr: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": cdr["id"],
        "call_id": cdr["call_id"],
        "account": cdr["account"],
        "callee": cdr["callee"],
        "destination": cdr["destination"],
        "answered_at": clock.iso(cdr["answered_at"]),
        "duration_ms": cdr["duration_ms"],
        # decimal text: money is no float
        "amount": money.to_text(cdr["sell_amount"], cdr["sell_currency"]),
        "currency": cdr["sell_currency"],
    }
