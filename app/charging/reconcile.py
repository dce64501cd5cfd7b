"""Invariant 4 where calls come in: no hold outlives its call's charge, or its grace."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from app.charging.tables import session
from app.core import clock
from app.core.findings import MOST, Finding
from app.core.settings import Settings
from app.ledger.tables import hold

# The reaper comes by every second; what it could not end by then has a reason to be looked at.
_SLACK_MS = clock.MINUTE


def check(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Sessions and their holds agree; nothing is changed."""
    checked = connection.scalar(select(func.count()).select_from(session)) or 0
    unsettled = (
        select(session.c.id, session.c.call_id, hold.c.id.label("hold_id"))
        .join(hold, hold.c.id == session.c.hold_id)
        .where(session.c.state == "closed", hold.c.state != "closed")
        .limit(MOST)
    )
    yield Finding(
        "4.no_hold_outlives_its_call",
        checked,
        [
            f"hold {row.hold_id} is open though session {row.id} ({row.call_id!r}) is closed"
            for row in connection.execute(unsettled)
        ],
    )
    patience = clock.now_ms() - settings.session_grace_ms - _SLACK_MS
    overdue = (
        select(session.c.id, session.c.call_id, hold.c.id.label("hold_id"))
        .join(hold, hold.c.id == session.c.hold_id)
        .where(session.c.state == "stopped", session.c.stopped_at < patience)
        .limit(MOST)
    )
    yield Finding(
        "4.no_hold_waits_beyond_grace",
        checked,
        [
            f"hold {row.hold_id} of session {row.id} ({row.call_id!r}) still waits for its CDR"
            for row in connection.execute(overdue)
        ],
    )
