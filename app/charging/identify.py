"""Which session a message is about, when the switch sends no charge id. Values only.

A Call-ID can be used again a minute later, messages can be late, doubled or out of order; what
tells two calls of one Call-ID apart is the second of the answer, before it that of the set-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.charging.event import CallEvent
from app.charging.store import Session
from app.core import clock

# How far the set-up that the switch tells can be from when we first heard of the call.
_NEAR = 10 * clock.MINUTE


def started(event: CallEvent, found: Sequence[Session]) -> Session | None:
    """The session that an answer starts, or has started already; None for a new one."""
    if event.charge_id is not None and _by_charge_id(event, found):
        return found[0]
    mine = [one for one in found if _same_run(event, one)]
    return _answered(event, mine) or _waiting(event, mine)


def ended(event: CallEvent, found: Sequence[Session]) -> Session | None:
    """The session that the end of an answered call ends, or has ended already."""
    if event.charge_id is not None and _by_charge_id(event, found):
        return found[0]
    mine = [one for one in found if _same_run(event, one)]
    if event.answered_at is None:
        return next((one for one in mine if one.state == "started"), None)
    return _answered(event, mine) or _waiting(event, mine)


def reported(event: CallEvent, found: Sequence[Session]) -> list[Session]:
    """The sessions of an answered call's CDR: it names no run, so it is about all of them."""
    if event.charge_id is not None and _by_charge_id(event, found):
        return [found[0]]
    same = [one for one in found if one.answered_at == event.answered_at]
    if same:
        return same
    waiting = _waiting(event, found)
    return [waiting] if waiting else []


def unanswered(event: CallEvent, found: Sequence[Session]) -> list[Session]:
    """The sessions of a call that nobody answered."""
    if event.charge_id is not None and _by_charge_id(event, found):
        return [one for one in found if one.state == "authorised"]
    waiting = _waiting(event, found)
    return [waiting] if waiting and waiting.state == "authorised" else []


def _by_charge_id(event: CallEvent, found: Sequence[Session]) -> bool:
    return len(found) == 1 and found[0].charge_id == event.charge_id


def _same_run(event: CallEvent, one: Session) -> bool:
    """``Call-ID|tag`` names a run; a bar can also be part of the Call-ID itself."""
    if one.call_id == event.call_id:
        return not one.tag
    return one.tag in ("", event.tag)


def _answered(event: CallEvent, mine: Iterable[Session]) -> Session | None:
    for one in mine:
        same = one.call_id == event.call_id or one.tag == event.tag
        if same and one.answered_at == event.answered_at:
            return one
    return None


def _waiting(event: CallEvent, mine: Sequence[Session]) -> Session | None:
    """An authorised session of the same set-up, else the newest one near it."""
    open_ones = [one for one in mine if one.state == "authorised" or one.unanswered]
    for one in open_ones:
        if one.setup_at == event.setup_at:
            return one
    told = event.setup_at
    for one in open_ones:
        if one.state == "authorised" and (told is None or abs(one.setup_at - told) <= _NEAR):
            return one
    return None
