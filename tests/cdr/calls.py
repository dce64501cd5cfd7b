"""CDRs for tests, stored by the only writer."""

from __future__ import annotations

from typing import Any

from app.cdr import store
from app.cdr.partitions import Partitions
from app.core import clock
from app.core.database import Databases, writing


def call(**changed: Any) -> dict[str, Any]:
    """The columns of an answered call of a minute that was not priced yet, but for its id."""
    setup = changed.get("setup_at", clock.now_ms() - clock.HOUR)
    record: dict[str, Any] = {
        "tenant_id": 1,
        "source_id": 1,
        "epoch": 1,
        "setup_at": setup,
        "stored_at": setup + 70_000,
        "call_id": "call-1@example.com",
        "from_tag": "a",
        "to_tag": "b",
        "charge_id": None,
        "caller": "493012345678",
        "callee": "33612345678",
        "dialled": "0033612345678",
        "domain": "example.com",
        "account": "alice",
        "gateway": "gw-1",
        "carrier": "c-1",
        "src_ip": "192.0.2.1",
        "user_agent": "phone",
        **dict.fromkeys(("routed", "asserted", "routing_number", "trunk", "direction"), ""),
        "pdd_ms": None,
        "first_ms": None,
        "final_ms": None,
        "hangup": "",
        "cause": None,
        "attempts": 0,
        "answered_at": setup + 5_000,
        "ended_at": setup + 65_000,
        "duration_ms": 60_000,
        "sip_code": 200,
        "sip_class": 2,
        "sip_reason": "OK",
        "flags": 0,
        "acc_ids": "acc:1",
        "destination": "",
        "unpriced_reason": "no_tariff",
    }
    for side in ("sell", "buy"):
        for name in ("account_id", "amount", "tax", "currency", "version_id", "batch_id"):
            record[f"{side}_{name}"] = None
    record |= {"price": None, "cost": None}
    return record | changed


def failed(**changed: Any) -> dict[str, Any]:
    """A call that was busy."""
    base = call(**changed)
    unanswered = {
        "answered_at": None,
        "ended_at": base["setup_at"],
        "duration_ms": 0,
        "sip_code": 486,
        "sip_class": 4,
        "sip_reason": "Busy Here",
        "unpriced_reason": None,
    }
    return base | unanswered | changed


def put(dbs: Databases, *records: dict[str, Any]) -> list[int]:
    """Stores them, with the partitions that they need; returns their ids."""
    Partitions(dbs.panel).ensure([record["setup_at"] for record in records], clock.now_ms())
    with writing(dbs.panel) as connection:
        first = store.mint_ids(connection, len(records))
        numbered = [record | {"id": first + i} for i, record in enumerate(records)]
        store.insert(connection, numbered)
    return [record["id"] for record in numbered]
