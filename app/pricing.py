"""From prices to money: the charges of a batch, its posting, and the holds that they close.

Used by the pipeline for calls that are priced while they are stored, and by ``app.waiting`` for
those that are priced later.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection

from app.charging.settle import SettledCall, any_unclosed, close_for_cdrs
from app.core import clock
from app.core.database import inserted_id
from app.ledger.account import system_account
from app.ledger.posting import Line, post
from app.mediation.payer import Payer
from app.rating.engine import RatableCall, Rated, Result
from app.rating.tables import batch
from app.rating.tariff import Reason

log = logging.getLogger(__name__)


class Charge(NamedTuple):
    """The first sell charge of a call."""

    payer: Payer
    rated: Rated


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a batch: charges, and reasons for the calls without one, by call id."""

    charges: Mapping[int, Charge]
    reasons: Mapping[int, str]


def ratable(cdr: Mapping[str, Any], call_id: int, payer: Payer) -> RatableCall:
    """What an engine is told of a CDR; a callee that is no number stays empty."""
    callee = cdr["callee"]
    return RatableCall(
        id=call_id,
        account_id=payer.account_id,
        account=cdr["account"],
        caller=cdr["caller"],
        number=callee if callee.isascii() and callee.isdigit() else "",
        answered_at=cdr["answered_at"],
        duration_ms=cdr["duration_ms"],
    )


def judge(results: Iterable[Result], payers: Mapping[int, Payer]) -> Verdict:
    """Charges and reasons from an engine's results; a price in a foreign currency is none."""
    charges: dict[int, Charge] = {}
    reasons: dict[int, str] = {}
    for result in results:
        if not isinstance(result, Rated):
            reasons[result.call_id] = str(result.reason)[:32]
        elif result.currency != payers[result.call_id].currency:
            reasons[result.call_id] = str(Reason.CURRENCY)
        else:
            charges[result.call_id] = Charge(payers[result.call_id], result)
    return Verdict(charges, reasons)


def open_batch(
    connection: Connection, key: str, engine: str, calls: int, *, state: str = "sent"
) -> int:
    """Writes a batch down and returns its id; ``posted`` where pricing and posting are one."""
    now = clock.now_ms()
    row = {
        "key": key,
        "engine": engine,
        "state": state,
        "calls": calls,
        "created_at": now,
        "posted_at": now if state == "posted" else None,
    }
    return inserted_id(connection.execute(batch.insert(), row))


def post_charges(connection: Connection, batch_id: int, charges: Iterable[Charge]) -> None:
    """One balanced posting per tenant: each payer owes the sum of his charges in the batch."""
    sums: dict[int, dict[tuple[int, str], int]] = defaultdict(lambda: defaultdict(int))
    revenue: dict[tuple[int, str], int] = defaultdict(int)
    for charge in charges:
        payer, rated = charge.payer, charge.rated
        sums[payer.tenant_id][payer.account_id, rated.currency] -= rated.units
        revenue[payer.tenant_id, rated.currency] += rated.units
    for tenant_id, by_account in sorted(sums.items()):
        lines = [
            Line(account, units, currency) for (account, currency), units in by_account.items()
        ]
        for (owner, currency), units in sorted(revenue.items()):
            if owner == tenant_id:
                ours = system_account(connection, tenant_id, "revenue", currency)
                lines.append(Line(ours, units, currency))
        post(
            connection,
            tenant_id=tenant_id,
            kind="charges",
            reference=f"batch:{batch_id}",
            lines=lines,
        )


def charge_columns(charge: Charge, batch_id: int) -> dict[str, Any]:
    """The CDR's columns for its first sell charge."""
    return {
        "tenant_id": charge.payer.tenant_id,
        "sell_account_id": charge.payer.account_id,
        "sell_amount": charge.rated.units,
        "sell_tax": 0,
        "sell_currency": charge.rated.currency,
        "sell_version_id": charge.rated.version_id,
        "sell_batch_id": batch_id,
        "price": charge.rated.units,
        "destination": charge.rated.destination[:80],
        "unpriced_reason": None,
    }


def close_holds(connection: Connection, system: str, cdrs: Iterable[Mapping[str, Any]]) -> None:
    """Closes the holds of stored calls that have their price, or were never answered."""
    if not any_unclosed(connection):
        return
    settlement = close_for_cdrs(
        connection,
        [
            SettledCall(
                charge_id=cdr["charge_id"],
                system=system,
                call_id=cdr["call_id"],
                account=cdr["account"],
                answered_at=cdr["answered_at"],
                cdr_id=cdr["id"],
                cdr_setup_at=cdr["setup_at"],
                charged_units=cdr["sell_amount"] or 0,
            )
            for cdr in cdrs
            if cdr["unpriced_reason"] is None
        ],
    )
    for call in settlement.doubtful:
        log.warning(
            "two charging sessions fit CDR %s; their holds stay until somebody decides", call.cdr_id
        )
