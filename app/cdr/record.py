"""A call as a CDR record. Pure."""

from __future__ import annotations

from typing import Any

from app.mediation.call import Call


def build(call: Call, *, source_id: int, epoch: int, now_ms: int) -> dict[str, Any]:
    """The CDR's columns without id and charge; tenant 1 until a payer is known."""
    return {
        "id": 0,
        "setup_at": call.setup_at,
        "tenant_id": 1,
        "source_id": source_id,
        "epoch": epoch,
        "stored_at": now_ms,
        "call_id": call.call_id[:255],
        "from_tag": call.from_tag[:255],
        "to_tag": call.to_tag[:255],
        "charge_id": call.charge_id[:64] if call.charge_id else None,
        "caller": call.caller,
        "callee": call.callee,
        "dialled": call.dialled,
        "domain": call.domain,
        "account": call.account,
        "gateway": call.gateway,
        "carrier": call.carrier,
        "src_ip": call.src_ip,
        "user_agent": call.user_agent,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "duration_ms": call.duration_ms,
        "sip_code": call.sip_code,
        "sip_class": call.sip_code // 100,
        "sip_reason": call.sip_reason,
        "flags": int(call.flags),
        "acc_ids": " ".join(call.row_names),
        "destination": "",
        "unpriced_reason": None,
        "sell_account_id": None,
        "sell_amount": None,
        "sell_tax": None,
        "sell_currency": None,
        "sell_version_id": None,
        "sell_batch_id": None,
        "price": None,
    }
