"""Charging sessions in the database: looking up, making, changing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from app.charging.event import CallEvent
from app.charging.tables import session as table
from app.core import clock
from app.core.upsert import insert_once

UNCLOSED = ("authorised", "started", "stopped")
# Sessions of one Call-ID that are looked at, the newest ones: a loop must not slow us down.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Session:
    """One charged call as the database has it; instants and lengths in ms."""

    id: int
    tenant_id: int
    charge_id: str
    system: str
    call_id: str
    tag: str
    account_id: int
    account: str
    destination: str
    state: str
    setup_at: int
    answered_at: int | None
    stopped_at: int | None
    usage_ms: int | None
    granted_ms: int
    disconnect_cause: str
    hold_id: int | None
    cdr_id: int | None
    cdr_setup_at: int | None
    seen_at: int

    @property
    def unanswered(self) -> bool:
        """Closed because nobody answered; if somebody did after all, it opens again."""
        return self.state == "closed" and self.answered_at is None


COLUMNS = [table.c[name] for name in Session.__slots__]


def get(connection: Connection, session_id: int) -> Session:
    """The session of that number, which must exist."""
    row = connection.execute(select(*COLUMNS).where(table.c.id == session_id)).one()
    return Session(**row._mapping)


def candidates(connection: Connection, event: CallEvent, account_id: int) -> list[Session]:
    """The sessions that an event can be about: the one of its charge id, else of its Call-ID."""
    query = select(*COLUMNS).where(table.c.account_id == account_id)
    if event.charge_id is not None:
        row = connection.execute(query.where(table.c.charge_id == event.charge_id)).first()
        found = None if row is None else Session(**row._mapping)
        if found is not None and not (found.tag and event.tag and found.tag != event.tag):
            return [found]
    names = [event.call_id] if event.head is None else [event.call_id, event.head]
    rows = connection.execute(
        query.where(table.c.call_id.in_(names)).order_by(table.c.id.desc()).limit(_MOST)
    )
    return [Session(**row._mapping) for row in rows]


def open_session(
    connection: Connection, event: CallEvent, *, tenant_id: int, account_id: int
) -> Session:
    """The session of a call that has none yet, state ``authorised``; made once."""
    now = clock.now_ms()
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "system": event.system,
        "call_id": event.head if event.head is not None else event.call_id,
        "tag": event.tag,
        "account_id": account_id,
        "account": event.account,
        "destination": event.destination,
        "state": "authorised",
        "setup_at": now if event.setup_at is None else event.setup_at,
        "seen_at": now,
    }
    minted = _mint(account_id, values["call_id"], event.tag, values["setup_at"])
    for charge_id in (event.charge_id, minted):
        if charge_id is None:
            continue
        values["charge_id"] = charge_id
        session_id, _new = insert_once(connection, table, values, ("charge_id",))
        found = get(connection, session_id)
        # A charge id that a script gave to two calls names only the first of them.
        if found.account_id == account_id and found.tag == event.tag:
            return found
    raise LookupError(f"two sessions minted {minted}")


def change(connection: Connection, session: Session, **values: Any) -> Session:
    """The session with these columns changed; whoever calls has its account locked."""
    values["seen_at"] = clock.now_ms()
    connection.execute(update(table).where(table.c.id == session.id).values(**values))
    return get(connection, session.id)


def close(connection: Connection, closing: Sequence[tuple[int, int | None, int | None]]) -> None:
    """Closes sessions: (session id, id and setup instant of the CDR that charged it, or None)."""
    for session_id, cdr_id, cdr_setup_at in closing:
        connection.execute(
            update(table)
            .where(table.c.id == session_id)
            .values(state="closed", cdr_id=cdr_id, cdr_setup_at=cdr_setup_at)
        )


def _mint(account_id: int, call_id: str, tag: str, setup_at: int) -> str:
    """An id of ours, the same whenever the switch says the same: a repetition finds it taken."""
    what = "\0".join((str(account_id), call_id, tag, str(setup_at)))
    return "s." + hashlib.blake2b(what.encode(), digest_size=16).hexdigest()
