"""Pricing what landed unpriced: engines outside this process, accounts and rates that came late.

A batch is written down before an engine is asked, and stays as it is until the engine has
answered it: killed anywhere, the same batch is sent again under the same key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, select

from app import pricing
from app.cdr import events, store
from app.cdr.tables import unpriced
from app.core import clock
from app.core.database import reading, writing
from app.mediation.payer import Payer, Payers, load_payers, nobody_pays
from app.rating.engine import Batch, EngineUnavailable, RatingEngine
from app.rating.tables import batch
from app.rating.tariff import Reason

# How long a call without account, tariff or rate rests before it is tried again unasked.
_REST_MS = 10 * clock.MINUTE
# What forming a batch gives when none of the calls that were due has a payer.
_NOBODY_PAYS = 0
_ENGINE_REST_MS = 3 * clock.SECOND


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch that was written down: its id and key, its CDRs and their payers."""

    id: int
    key: str
    cdrs: Mapping[int, Mapping[str, Any]]
    payers: Mapping[int, Payer]


def price_waiting(panel: Engine, engine: RatingEngine, system: str, limit: int = 1000) -> int:
    """Prices batches that were sent before and new ones that are due; returns calls priced."""
    priced = 0
    for batch_id in _unanswered(panel):
        priced += _ask(panel, engine, system, batch_id)
    while (formed := _form(panel, engine.name, limit)) is not None:
        if formed != _NOBODY_PAYS:
            priced += _ask(panel, engine, system, formed)
    return priced


def wake(panel: Engine) -> None:
    """Makes all resting calls due: accounts or tariffs have changed."""
    now = clock.now_ms()
    with writing(panel) as connection:
        connection.execute(
            unpriced.update()
            .where(unpriced.c.batch_id.is_(None), unpriced.c.try_at > now)
            .values(try_at=now)
        )


def price_now(panel: Engine, engine: RatingEngine, system: str, ids: Sequence[int]) -> int:
    """Prices these CDRs of the queue, due or not, as one batch; returns how many have a price."""
    formed = _form(panel, engine.name, len(ids), ids) if ids else None
    return _ask(panel, engine, system, formed) if formed else 0


def ask_again(connection: Connection, cdr: Mapping[str, Any]) -> None:
    """Puts an answered call without a price, that nobody had to pay, into the queue again."""
    if cdr["answered_at"] is not None and cdr["sell_amount"] is None:
        store.queue_again(connection, cdr, str(Reason.WAITING))


def _unanswered(panel: Engine) -> Sequence[int]:
    with reading(panel) as connection:
        query = select(batch.c.id).where(batch.c.state == "sent").order_by(batch.c.id)
        return connection.scalars(query).all()


def _form(panel: Engine, engine: str, limit: int, ids: Sequence[int] | None = None) -> int | None:
    """Writes down a batch of calls that are due (or these) and have a payer; None: there is none.

    Calls that nobody has to pay leave the queue.
    """
    now = clock.now_ms()
    wanted = unpriced.c.try_at <= now if ids is None else unpriced.c.cdr_id.in_(ids)
    with writing(panel) as connection:
        due = connection.execute(
            select(unpriced.c.cdr_id, unpriced.c.setup_at)
            .where(unpriced.c.batch_id.is_(None), wanted)
            .order_by(unpriced.c.try_at, unpriced.c.cdr_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        if not due:
            return None
        cdrs = store.load(connection, [(row.cdr_id, row.setup_at) for row in due])
        payers = _payers(connection, cdrs)
        # As copies: what is noted on them is written with their price.
        settled = [dict(cdr) for cdr in cdrs]
        unpaid = [cdr for cdr in settled if payers.settle(cdr) is None]
        orphans = [cdr for cdr in unpaid if not nobody_pays(cdr)]
        store.set_free(connection, [cdr for cdr in unpaid if nobody_pays(cdr)])
        _rest(connection, orphans, Reason.NO_ACCOUNT, now + _REST_MS)
        lost = {cdr["id"] for cdr in unpaid}
        ids = [cdr["id"] for cdr in cdrs if cdr["id"] not in lost]
        if not ids:
            return _NOBODY_PAYS
        batch_id = pricing.open_batch(connection, uuid4().hex, engine, len(ids))
        connection.execute(
            unpriced.update().where(unpriced.c.cdr_id.in_(ids)).values(batch_id=batch_id)
        )
        return batch_id


def _ask(panel: Engine, engine: RatingEngine, system: str, batch_id: int) -> int:
    """Sends one batch and books the answer; returns how many calls now have a price."""
    sent = _load(panel, batch_id)
    calls = [pricing.ratable(cdr, key, sent.payers[key]) for key, cdr in sent.cdrs.items()]
    try:
        results = engine.rate(Batch(sent.key, calls)) if calls else []
    except EngineUnavailable:
        now = clock.now_ms()
        with writing(panel) as connection:
            store.set_reasons(
                connection,
                _reasons(sent.cdrs.values(), Reason.ENGINE_DOWN),
                now + _ENGINE_REST_MS,
                keep_batch=True,
            )
        raise
    verdict = pricing.judge(results, sent.payers)
    with writing(panel) as connection:
        if not _close(connection, batch_id):
            return 0  # another worker booked it
        _book(connection, sent, verdict, system)
    return len(verdict.charges)


def _load(panel: Engine, batch_id: int) -> Sent:
    with reading(panel) as connection:
        key = connection.scalar(select(batch.c.key).where(batch.c.id == batch_id))
        members = connection.execute(
            select(unpriced.c.cdr_id, unpriced.c.setup_at)
            .where(unpriced.c.batch_id == batch_id)
            .order_by(unpriced.c.cdr_id)
        )
        cdrs = {cdr["id"]: dict(cdr) for cdr in store.load(connection, map(tuple, members))}
        payers = _payers(connection, cdrs.values())
    found = {key: payers.settle(cdr) for key, cdr in cdrs.items()}
    owed = {cdr_id: payer for cdr_id, payer in found.items() if payer is not None}
    return Sent(batch_id, str(key), {i: cdr for i, cdr in cdrs.items() if i in owed}, owed)


def _payers(connection: Connection, cdrs: Collection[Mapping[str, Any]]) -> Payers:
    return load_payers(
        connection,
        (cdr["account"] for cdr in cdrs),
        ((cdr["callee"], cdr["dialled"]) for cdr in cdrs),
    )


def _close(connection: Connection, batch_id: int) -> bool:
    result = connection.execute(
        batch.update()
        .where(batch.c.id == batch_id, batch.c.state == "sent")
        .values(state="posted", posted_at=clock.now_ms())
    )
    return result.rowcount == 1


def _book(connection: Connection, sent: Sent, verdict: pricing.Verdict, system: str) -> None:
    pricing.post_charges(connection, sent.id, verdict.charges.values())
    charged = []
    for cdr_id, charge in verdict.charges.items():
        charged.append({**sent.cdrs[cdr_id], **pricing.charge_columns(charge, sent.id)})
    store.set_first_charges(
        connection,
        [
            {
                "cdr_id": cdr["id"],
                "cdr_setup_at": cdr["setup_at"],
                "account_id": cdr["sell_account_id"],
                "amount": cdr["sell_amount"],
                "tax": cdr["sell_tax"],
                "currency": cdr["sell_currency"],
                "version_id": cdr["sell_version_id"],
                "batch_id": cdr["sell_batch_id"],
                "price": cdr["price"],
                "destination": cdr["destination"],
                "tenant_id": cdr["tenant_id"],
                "callee": cdr["callee"],
                "trunk": cdr["trunk"],
                "direction": cdr["direction"],
            }
            for cdr in charged
        ],
    )
    pricing.close_holds(connection, system, charged)
    events.priced(connection, charged)
    rest = clock.now_ms() + _REST_MS
    for reason in sorted(set(verdict.reasons.values())):
        unrated = [sent.cdrs[i] for i, why in verdict.reasons.items() if why == reason]
        _rest(connection, unrated, reason, rest)


def _rest(
    connection: Connection, cdrs: Sequence[Mapping[str, Any]], reason: str, try_at: int
) -> None:
    store.set_reasons(connection, _reasons(cdrs, reason), try_at, keep_batch=False)


def _reasons(cdrs: Any, reason: str) -> list[dict[str, Any]]:
    return [
        {"cdr_id": cdr["id"], "cdr_setup_at": cdr["setup_at"], "reason": str(reason)}
        for cdr in cdrs
    ]
