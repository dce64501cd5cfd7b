"""CDRs for other programs: one plain object each, times in UTC, money as decimal text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core import clock, money


def plain(cdr: Mapping[str, Any]) -> dict[str, Any]:
    """What ``flask cdr export --format jsonl`` prints for a CDR; ids are text."""
    currency = cdr["sell_currency"]
    return {
        "id": str(cdr["id"]),
        "call_id": cdr["call_id"],
        "caller": cdr["caller"],
        "callee": cdr["callee"],
        "dialled": cdr["dialled"],
        "domain": cdr["domain"],
        "account": cdr["account"],
        "gateway": cdr["gateway"],
        "carrier": cdr["carrier"],
        "routed": cdr["routed"],
        "asserted": cdr["asserted"],
        "routing_number": cdr["routing_number"],
        "trunk": cdr["trunk"],
        "src_ip": cdr["src_ip"],
        "user_agent": cdr["user_agent"],
        "setup_at": clock.iso(cdr["setup_at"]),
        "answered_at": clock.iso(cdr["answered_at"]),
        "ended_at": clock.iso(cdr["ended_at"]),
        "duration_ms": cdr["duration_ms"],
        "sip_code": cdr["sip_code"],
        "sip_reason": cdr["sip_reason"],
        "pdd_ms": cdr["pdd_ms"],
        "hangup": cdr["hangup"],
        "cause": cdr["cause"],
        "attempts": cdr["attempts"],
        "status": "answered" if cdr["answered_at"] is not None else "failed",
        "destination": cdr["destination"],
        "price": money.to_text(cdr["price"], currency),
        "cost": money.to_text(cdr["cost"], cdr["buy_currency"]),
        "currency": currency,
        "unpriced_reason": cdr["unpriced_reason"],
        "source": cdr["source_id"],
        "acc_ids": str(cdr["acc_ids"]).split(),
        "charge_id": cdr["charge_id"],
        "flags": cdr["flags"],
    }
