"""Ends what the switch forgot to end: sessions without a CDR, an answer or a stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, select

from app.cdr.tables import answered as cdr
from app.charging import settle, store
from app.charging.settle import SettledCall
from app.charging.store import COLUMNS, Session
from app.charging.tables import session as table
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.ledger import account as accounts
from app.ledger import hold

log = logging.getLogger(__name__)

# Nobody rings for longer; an authorisation this old was for a call that never came about.
UNANSWERED_MS = 10 * clock.MINUTE
# A call that lasts longer than a day is reported, not ended: nobody told us that it is over.
ENDLESS_MS = 24 * clock.HOUR
_PAGE = 200
# A CDR's set-up is at most this long before the session's: ringing, and clocks that differ.
_EARLIER_MS = clock.HOUR

StoreCdr = Callable[[Databases, Settings, Session], Any]
_reported: set[int] = set()


def run(dbs: Databases, settings: Settings, store_cdr: StoreCdr) -> int:
    """Looks after overdue sessions; returns how many it ended.

    ``store_cdr`` (``app.recording.store_session_cdr``) makes a CDR of a stopped session that has
    none and closes it if it could be priced, in one transaction.
    """
    now = clock.now_ms()
    ended = 0
    overdue = (table.c.state == "stopped") & (table.c.stopped_at <= now - settings.session_grace_ms)
    for one in _pages(dbs, overdue):
        ended += _give_cdr(dbs, settings, one, store_cdr)
    silent = (table.c.state == "authorised") & (table.c.seen_at <= now - UNANSWERED_MS)
    for one in _pages(dbs, silent):
        ended += _forget(dbs, one)
    _report_endless(dbs, now)
    return ended


def _pages(dbs: Databases, which: ColumnElement[bool]) -> Iterator[Session]:
    last = 0
    while True:
        query = select(*COLUMNS).where(which, table.c.id > last).order_by(table.c.id).limit(_PAGE)
        with reading(dbs.panel) as connection:
            found = [Session(**row._mapping) for row in connection.execute(query)]
        yield from found
        if len(found) < _PAGE:
            return
        last = found[-1].id


def _give_cdr(dbs: Databases, settings: Settings, one: Session, store_cdr: StoreCdr) -> bool:
    known = _find_cdrs(dbs, one)
    if not known:
        store_cdr(dbs, settings, one)
    elif len(known) > 1:
        log.warning("session %s has %s possible CDRs; its hold stays", one.id, len(known))
    elif known[0][1]:
        with writing(dbs.panel) as connection:
            settle.close_for_cdrs(connection, [known[0][0]])
    # Else its CDR waits for a price, and closes the session when it gets one.
    with reading(dbs.panel) as connection:
        return store.get(connection, one.id).state == "closed"


def _find_cdrs(dbs: Databases, one: Session) -> list[tuple[SettledCall, bool]]:
    """CDRs of the session's call that are there already, and whether each has its price."""
    answered_at = one.answered_at if one.answered_at is not None else one.setup_at
    query = select(
        cdr.c.id, cdr.c.setup_at, cdr.c.charge_id, cdr.c.account, cdr.c.answered_at,
        cdr.c.sell_amount, cdr.c.unpriced_reason,
    ).where(
        cdr.c.call_id == one.call_id,
        cdr.c.setup_at >= min(one.setup_at, answered_at) - _EARLIER_MS,
        cdr.c.setup_at <= answered_at + clock.MINUTE,
    )  # fmt: skip
    with reading(dbs.panel) as connection:
        rows = connection.execute(query).all()
    return [
        (
            SettledCall(
                # Not the session's own: two sessions that fit one CDR must both be seen.
                charge_id=row.charge_id,
                system="",
                call_id=one.call_id,
                account=one.account,
                answered_at=row.answered_at,
                cdr_id=row.id,
                cdr_setup_at=row.setup_at,
                charged_units=row.sell_amount or 0,
            ),
            row.unpriced_reason is None,
        )
        for row in rows
        if row.charge_id == one.charge_id
        or (row.account == one.account and settle.near(row.answered_at, answered_at))
    ]


def _forget(dbs: Databases, one: Session) -> bool:
    with writing(dbs.panel) as connection:
        accounts.lock(connection, one.account_id)
        current = store.get(connection, one.id)
        if current.state != "authorised" or current.seen_at != one.seen_at:
            return False
        if current.hold_id is not None:
            hold.release(connection, current.hold_id)
        store.close(connection, [(current.id, None, None)])
    return True


def _report_endless(dbs: Databases, now: int) -> None:
    endless = (table.c.state == "started") & (table.c.answered_at <= now - ENDLESS_MS)
    found = {one.id: one for one in _pages(dbs, endless)}
    for session_id in found.keys() - _reported:
        one = found[session_id]
        log.warning("call %r of %r has lasted for more than a day", one.call_id, one.account)
    _reported.clear()
    _reported.update(found)
