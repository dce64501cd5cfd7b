"""Storing calls: CDRs, charges, posting and closed holds, in the caller's transaction.

What can be worked out before the transaction is (``prepare``); the transaction itself only
writes (``store_calls``), so that it is short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, select

from app import pricing, singles
from app.cdr import events, record, store
from app.cdr.partitions import Partitions
from app.charging.settle import find_session_cdrs
from app.charging.store import Session
from app.charging.tables import session as session_table
from app.core import clock
from app.core.database import Databases, inserted_id, reading, writing
from app.core.numbering import NumberPlan, to_e164
from app.core.settings import Settings
from app.core.source_settings import CHARGING_SOURCE
from app.mediation.call import Call, Flag
from app.mediation.payer import Payer, Payers, load_payers, nobody_pays
from app.mediation.tables import source
from app.rating import engines
from app.rating.engine import Batch, RatingEngine
from app.rating.tariff import Reason


@dataclass(slots=True)
class Prepared:
    """Calls with their CDR records and first charges, the three in the same order."""

    calls: list[Call]
    cdrs: list[dict[str, Any]]
    charges: Mapping[int, pricing.Charge]
    singles: singles.Priced | None = None


def prepare(
    payers: Payers,
    engine: RatingEngine | None,
    calls: Sequence[Call],
    *,
    source_id: int,
    epochs: Sequence[int],
    now_ms: int,
) -> Prepared:
    """CDRs for calls, priced where the engine is an inline one; others say why they are not."""
    cdrs = [
        record.build(call, source_id=source_id, epoch=epoch, now_ms=now_ms)
        for call, epoch in zip(calls, epochs, strict=True)
    ]
    return Prepared(list(calls), cdrs, _price(payers, engine, cdrs))


def store_calls(
    connection: Connection, system: str, engine: RatingEngine | None, prepared: Prepared
) -> None:
    """Writes prepared calls; one that charging has made a CDR of only adds its rows to it.

    The ids are taken first: their lock also keeps the reaper from making a CDR of one of these
    calls at the same moment.
    """
    alone = prepared.singles or singles.Priced()
    if not (prepared.calls or len(alone)):
        return
    first = store.mint_ids(connection, len(prepared.calls) + len(alone))
    made = {id(call): key for call, key in find_session_cdrs(connection, prepared.calls)}
    fresh: list[dict[str, Any]] = []
    tries: list[dict[str, Any]] = []
    charges: list[tuple[dict[str, Any], pricing.Charge]] = []
    for index, (call, cdr) in enumerate(zip(prepared.calls, prepared.cdrs, strict=True)):
        cdr["id"] = first + index
        if id(call) in made:
            store.add_first_rows(connection, record.Key(True, *made[id(call)]), cdr)
            continue
        fresh.append(cdr)
        if call.tries:
            tries += record.tries(call, cdr)
        if index in prepared.charges:
            charges.append((cdr, prepared.charges[index]))
    if len(alone):
        singles.join_sessions(connection, alone)
    batch_id = None
    count = len(charges) + alone.charged
    if count and engine is not None:
        batch_id = pricing.open_batch(connection, uuid4().hex, engine.name, count, state="posted")
        owed = [*(charge for _, charge in charges), *alone.charges()]
        pricing.post_charges(connection, batch_id, owed)
        for cdr, charge in charges:
            cdr.update(pricing.charge_columns(charge, batch_id))
    store.insert(connection, fresh, tries)
    if len(alone):
        singles.write(connection, alone, first_id=first + len(prepared.calls), batch_id=batch_id)
    pricing.close_holds(connection, system, chain(fresh, alone.records()))
    events.ended(connection, fresh)
    events.priced(connection, [cdr for cdr, _ in charges])


def _price(
    payers: Payers, engine: RatingEngine | None, cdrs: Sequence[dict[str, Any]]
) -> Mapping[int, pricing.Charge]:
    """First charges by place in the list; CDRs without one get their tenant and reason."""
    owed: dict[int, Payer] = {}
    for index, cdr in enumerate(cdrs):
        payer = payers.settle(cdr)
        if cdr["answered_at"] is None:
            continue
        if payer is None:
            # An incoming call is no debt that waits for its debtor.
            cdr["unpriced_reason"] = None if nobody_pays(cdr) else str(Reason.NO_ACCOUNT)
        elif engine is None or not engine.inline:
            cdr["unpriced_reason"] = str(Reason.WAITING)
        else:
            owed[index] = payer
    if not owed or engine is None:
        return {}
    asked = [pricing.ratable(cdrs[index], index, payer) for index, payer in owed.items()]
    # The engine is pure: its batch needs a name only once it is stored.
    verdict = pricing.judge(engine.rate(Batch("", asked)), owed)
    for index, reason in verdict.reasons.items():
        cdrs[index]["unpriced_reason"] = reason
    return verdict.charges


def store_session_cdr(dbs: Databases, settings: Settings, one: Session) -> bool:
    """Makes a CDR of a stopped session whose rows never came; False when they did meanwhile."""
    now = clock.now_ms()
    call = _session_call(settings, one)
    engine = engines.make(settings, dbs.panel)
    Partitions(dbs.panel).ensure([call.setup_at], now)
    with reading(dbs.panel) as connection:
        payers = load_payers(connection, [call.account], [(call.callee, call.dialled)])
    with writing(dbs.panel) as connection:
        source_id = _charging_source(connection)
        prepared = prepare(payers, engine, [call], source_id=source_id, epochs=[1], now_ms=now)
        # Taking an id locks out the pipeline, which may be storing this very call.
        store.mint_ids(connection, 1)
        still = select(session_table.c.state, session_table.c.cdr_id).where(
            session_table.c.id == one.id
        )
        if connection.execute(still).one() != ("stopped", None):
            return False
        store_calls(connection, one.system, engine, prepared)
        cdr = prepared.cdrs[0]
        connection.execute(
            session_table.update()
            .where(session_table.c.id == one.id)
            .values(cdr_id=cdr["id"], cdr_setup_at=cdr["setup_at"])
        )
    return True


def _charging_source(connection: Connection) -> int:
    found = connection.scalar(select(source.c.id).where(source.c.name == CHARGING_SOURCE))
    if found is not None:
        return int(found)
    new = {"name": CHARGING_SOURCE, "zone": "UTC", "created_at": clock.now_ms()}
    return inserted_id(connection.execute(source.insert(), new))


def _session_call(settings: Settings, one: Session) -> Call:
    plan = NumberPlan(settings.country, settings.trunk_prefix)
    number = to_e164(one.destination, plan) or ""
    answered = one.answered_at if one.answered_at is not None else one.setup_at
    length = one.usage_ms or 0
    return Call(
        call_id=one.call_id,
        from_tag="",
        to_tag="",
        charge_id=one.charge_id,
        caller=one.account.partition("@")[0][:64],
        callee=(number or one.destination)[:64],
        number=number,
        dialled=one.destination[:128],
        domain=one.account.partition("@")[2][:128],
        account=one.account,
        gateway="",
        carrier="",
        src_ip="",
        user_agent="",
        setup_at=one.setup_at,
        answered_at=answered,
        ended_at=answered + length,
        duration_ms=length,
        sip_code=200,
        sip_reason="",
        flags=Flag.NO_SWITCH_ROW | Flag.WHOLE_SECONDS,
        row_names=(),
    )
