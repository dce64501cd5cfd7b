"""A call as a CDR record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.mediation.call import Call
from app.mediation.singles import clipped

_UNPRICED: Mapping[str, Any] = {
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


class Key(NamedTuple):
    """Where a CDR stands: among the answered ones or not, its number and its day."""

    is_answered: bool
    id: int
    setup_at: int


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
        "routed": call.routed[:64],
        "asserted": call.asserted[:64],
        "routing_number": call.routing_number[:32],
        "trunk": call.trunk[:64],
        "direction": call.direction,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "duration_ms": call.duration_ms,
        "sip_code": call.sip_code,
        "sip_class": call.sip_code // 100,
        "sip_reason": call.sip_reason,
        "pdd_ms": call.pdd_ms,
        "hangup": call.hangup,
        "cause": call.cause,
        "attempts": call.attempts,
        "first_ms": call.first_ms,
        "final_ms": call.final_ms,
        "flags": int(call.flags),
        "acc_ids": " ".join(call.row_names),
        **_UNPRICED,
    }


def build_columns(
    singles: Mapping[str, list[Any]], *, source_id: int, epoch: int, now_ms: int
) -> dict[str, list[Any]]:
    """The CDRs of calls of one row each (``app.mediation.singles``), as ``build`` has them."""
    count = len(singles["id"])
    given = {name: column for name, column in singles.items() if name != "written_at"}
    same = {
        "tenant_id": 1,
        "source_id": source_id,
        "epoch": epoch,
        "stored_at": now_ms,
        "direction": "",
        "flags": 0,
        **_UNPRICED,
    }
    return {
        **given,
        **{name: clipped(singles[name], 255) for name in ("call_id", "from_tag", "to_tag")},
        "charge_id": [text[:64] if text else None for text in singles["charge_id"]],
        "sip_class": [code // 100 for code in singles["sip_code"]],
        "acc_ids": [f"acc:{number}" for number in singles["id"]],
        **{name: [value] * count for name, value in same.items()},
    }


def tries(call: Call, cdr: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the gateways that did not take the call whose CDR has its id by now."""
    return [
        {
            "cdr_id": cdr["id"],
            "setup_at": cdr["setup_at"],
            "n": number,
            "tenant_id": cdr["tenant_id"],
            "gateway": one.gateway[:64],
            "carrier": one.carrier[:64],
            "at": one.at,
            "sip_code": one.sip_code,
            "sip_reason": one.sip_reason[:128],
            "first_ms": one.first_ms,
            "final_ms": one.final_ms,
            "cause": one.cause,
        }
        for number, one in enumerate(call.tries, 1)
    ]
