"""May this call go, and for how long; what it holds while it lasts. Nothing is debited here.

Every service takes the connection of its caller's transaction, and may be called again with the
same event, or in another order than the call had: the outcome is the same. ``Who charges`` in
the design: only the pipeline does; until then the hold counts against the balance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from app.charging import identify, store
from app.charging.event import CallEvent, Grant, Refused, Step
from app.charging.store import Session
from app.core import clock
from app.core.numbering import NumberPlan, to_e164
from app.core.settings import Settings
from app.ledger import account as accounts
from app.ledger import hold
from app.mediation.payer import Payer, load_payers
from app.rating.reference import affordable_ms, price
from app.rating.tariff import Match, TariffBook

# Never "unlimited": the module reads -1 as a refusal, and a lost BYE must not cost for ever.
LONGEST_MS = 10_800 * clock.SECOND


@dataclass(frozen=True, slots=True)
class Policy:
    """How numbers are dialled, and by how much a call may outlive its grant (ms)."""

    plan: NumberPlan
    guard_ms: int
    longest_ms: int = LONGEST_MS

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """The policy that the settings ask for."""
        return cls(NumberPlan(settings.country, settings.trunk_prefix), settings.overrun_guard_ms)


class NoRate(Refused):
    """The book that was asked has no rate for the call."""


def handle(connection: Connection, book: TariffBook, policy: Policy, event: CallEvent) -> Grant:
    """Whatever the event is; the grant is 0 where none is asked for. Raises Refused."""
    return _SERVICES[event.step](connection, book, policy, event)


def authorise(connection: Connection, book: TariffBook, policy: Policy, event: CallEvent) -> Grant:
    """The whole affordable time over what is available, less the guard; nothing is held."""
    payer = _payer(connection, event)
    account = accounts.get(connection, payer.account_id)
    at = clock.now_ms() if event.setup_at is None else event.setup_at
    match = _rate(book, policy, payer, event.destination, at)
    granted = _grant(match, account.available, policy, policy.longest_ms)
    if granted:
        session = store.open_session(
            connection, event, tenant_id=payer.tenant_id, account_id=payer.account_id
        )
        if session.state == "authorised" and session.granted_ms != granted:
            store.change(connection, session, granted_ms=granted)
    return Grant(granted)


def start(connection: Connection, book: TariffBook, policy: Policy, event: CallEvent) -> Grant:
    """Holds the price of what was granted, or of what is still affordable if that is less."""
    payer = _payer(connection, event)
    account = accounts.lock(connection, payer.account_id)
    found = store.candidates(connection, event, payer.account_id)
    session = identify.started(event, found)
    if session and session.state != "authorised" and not session.unanswered:
        return Grant(session.granted_ms)
    answered = clock.now_ms() if event.answered_at is None else event.answered_at
    destination = event.destination or (session.destination if session else "")
    match = _rate(book, policy, payer, destination, answered)
    known = session.granted_ms if session else 0
    granted = _grant(match, account.available, policy, known or policy.longest_ms)
    session = session or store.open_session(
        connection, event, tenant_id=payer.tenant_id, account_id=payer.account_id
    )
    hold_id = None
    if granted:
        amount = price(match, granted + policy.guard_ms).units
        hold_id = _place(connection, session, min(amount, account.available))
    store.change(
        connection,
        session,
        state="started",
        tag=_tag(event, session),
        destination=destination,
        answered_at=answered,
        granted_ms=granted,
        hold_id=hold_id,
        dialog_id=event.dialog_id,
        dialog_entry=event.dialog_entry,
    )
    return Grant(granted)


def stop(connection: Connection, book: TariffBook, policy: Policy, event: CallEvent) -> Grant:
    """The call ended: its hold shrinks to the price of the time used, and waits for the CDR."""
    payer = _payer(connection, event)
    accounts.lock(connection, payer.account_id)
    found = store.candidates(connection, event, payer.account_id)
    session = identify.ended(event, found)
    if session is None:
        # Its start never came. It is kept all the same: if no CDR comes either, this is one.
        session = store.open_session(
            connection, event, tenant_id=payer.tenant_id, account_id=payer.account_id
        )
    _end(connection, book, policy, event, session)
    return Grant(0)


def cdr(connection: Connection, book: TariffBook, policy: Policy, event: CallEvent) -> Grant:
    """What the switch says in the end: releases what nobody answered, else stands for a stop."""
    payer = _payer(connection, event)
    accounts.lock(connection, payer.account_id)
    found = store.candidates(connection, event, payer.account_id)
    if event.answered_at is None:
        for session in identify.unanswered(event, found):
            if session.hold_id is not None:
                hold.release(connection, session.hold_id)
            store.change(connection, session, state="closed", disconnect_cause=event.cause)
        return Grant(0)
    ending = identify.reported(event, found) or [
        store.open_session(
            connection, event, tenant_id=payer.tenant_id, account_id=payer.account_id
        )
    ]
    for session in ending:
        _end(connection, book, policy, event, session)
    return Grant(0)


Service = Callable[[Connection, TariffBook, Policy, CallEvent], Grant]
_SERVICES: dict[Step, Service] = {
    Step.AUTHORISE: authorise,
    Step.START: start,
    Step.STOP: stop,
    Step.CDR: cdr,
}


def _payer(connection: Connection, event: CallEvent) -> Payer:
    payer = load_payers(connection, [event.account]).find(event.account, event.domain)
    if payer is None:
        raise Refused("ACCOUNT_NOT_FOUND", f"There is no account '{event.account}'.")
    return payer


def _rate(book: TariffBook, policy: Policy, payer: Payer, dialled: str, at: int) -> Match:
    number = to_e164(dialled, policy.plan)
    match = book.match(payer.account_id, number, at) if number else None
    if match is None or match.currency != payer.currency:
        raise NoRate("NO_RATE", f"The account has no rate for '{dialled}'.")
    return match


def _grant(match: Match, units: int, policy: Policy, longest_ms: int) -> int:
    """Whole seconds, in ms, that ``units`` pay for even if the call overruns by the guard."""
    room = affordable_ms(match, units, longest_ms + policy.guard_ms) - policy.guard_ms
    return max(room, 0) // clock.SECOND * clock.SECOND


def _tag(event: CallEvent, session: Session) -> str:
    """The run that the session is now; a bar that is part of the Call-ID names none."""
    return session.tag if session.call_id == event.call_id else session.tag or event.tag


def _place(connection: Connection, session: Session, amount: int) -> int | None:
    """The id of the session's hold; None where there is nothing to hold."""
    if amount <= 0:
        return None
    reference = f"session:{session.id}"
    placed = hold.place(
        connection, account_id=session.account_id, amount=amount, reference=reference
    )
    return placed.id


def _end(
    connection: Connection, book: TariffBook, policy: Policy, event: CallEvent, session: Session
) -> None:
    if session.state == "closed" and not session.unanswered:
        return
    destination = session.destination or event.destination
    now = clock.now_ms()
    if session.state == "stopped":
        if destination == session.destination and not event.cause:
            return
        answered, used = session.answered_at, session.usage_ms
    else:
        answered = event.answered_at if session.answered_at is None else session.answered_at
        used = event.usage_ms
    answered = now - (used or 0) if answered is None else answered
    used = max(now - answered, 0) if used is None else used
    number = to_e164(destination, policy.plan)
    match = book.match(session.account_id, number, answered) if number else None
    store.change(
        connection,
        session,
        state="stopped",
        tag=_tag(event, session),
        destination=destination,
        answered_at=answered,
        # When we heard of it: the grace of the reaper counts from here.
        stopped_at=now if session.stopped_at is None else session.stopped_at,
        usage_ms=used,
        disconnect_cause=event.cause or session.disconnect_cause,
        hold_id=_stop_hold(connection, session, price(match, used).units if match else None),
    )


def _stop_hold(connection: Connection, session: Session, cost: int | None) -> int | None:
    """The hold at what the call costs, never more than it was: the CDR tells the overrun."""
    hold_id = session.hold_id
    if hold_id is None:
        if not cost:
            return None
        available = accounts.get(connection, session.account_id).available
        hold_id = _place(connection, session, min(cost, available))
        if hold_id is None:
            return None
    held = hold.stop(connection, hold_id)
    if cost is not None and cost < held.amount:
        hold.resize(connection, hold_id, cost)
    return hold_id
