"""The gateways that a call was tried at, the last one included. For the house's eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.cdr import store


@dataclass(frozen=True, slots=True)
class Step:
    """One gateway. Milliseconds count from its INVITE to its first provisional and final answer;
    None: unknown, or (``final_ms``) it never answered. ``at`` is the final answer's moment."""

    n: int
    gateway: str
    carrier: str
    at: int
    sip_code: int
    sip_reason: str
    first_ms: int | None
    final_ms: int | None
    cause: int | None


def steps(connection: Connection, cdr: Mapping[str, Any]) -> list[Step]:
    """Those that did not take the call, in order, then the one that stands on its CDR."""
    before = [
        Step(**{name: row[name] for name in Step.__slots__})
        for row in store.tries_of(connection, cdr["id"], cdr["setup_at"])
    ]
    if not before and not cdr["gateway"]:
        return []
    answered = cdr["answered_at"]
    last = Step(
        max(cdr["attempts"], len(before) + 1),
        cdr["gateway"],
        cdr["carrier"],
        cdr["ended_at"] if answered is None else answered,
        cdr["sip_code"],
        cdr["sip_reason"],
        # A gateway that was tried first and alone has the call's delay.
        cdr["first_ms"] if before or cdr["attempts"] > 1 else cdr["pdd_ms"],
        cdr["final_ms"],
        cdr["cause"],
    )
    return [*before, last]
