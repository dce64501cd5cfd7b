"""Suspense as people work through it: by reason, with a way to try again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from app.mediation.call import Trouble
from app.mediation.tables import open_call, suspense

IN_WORDS = {
    Trouble.NO_BYE: (
        "Answered, but no BYE was accounted",
        "Let the script account the BYE, or better, set the cdr flag. The length is unknown.",
    ),
    Trouble.NO_INVITE: (
        "A BYE without its INVITE",
        "Let the script account the INVITE of these calls; replay when its row has come.",
    ),
    Trouble.NO_CALL_ID: ("The row has no Call-ID", "Nothing can be joined to it: see the script."),
    Trouble.NO_TIME: ("The row has no usable time", "See the switch's clock and database."),
    Trouble.IN_FUTURE: (
        "The row is from the future",
        "The source's time zone is wrong, or a clock is. Correct it, then replay.",
    ),
    Trouble.BAD_CODE: ("The SIP code is no code", "See what writes into acc besides OpenSIPS."),
    Trouble.BAD_LENGTH: ("The length is negative", "See the switch's clock."),
    Trouble.NOT_A_CALL: (
        "Neither INVITE nor BYE",
        "The script accounts other requests too; limit do_accounting to INVITE and BYE.",
    ),
    Trouble.TWO_SESSIONS: ("Two charging sessions fit", "Carry charge_id in the script."),
}


def browse(
    connection: Connection,
    reason: str | None = None,
    after_id: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Entries, newest first, with the raw row under ``values``."""
    query = select(suspense).order_by(suspense.c.id.desc()).limit(limit)
    if reason is not None:
        query = query.where(suspense.c.reason == reason)
    if after_id is not None:
        query = query.where(suspense.c.id < after_id)
    return [_entry(row) for row in connection.execute(query).mappings()]


def get(connection: Connection, entry_id: int) -> dict[str, Any] | None:
    """One entry, or None."""
    query = select(suspense).where(suspense.c.id == entry_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _entry(row)


def counts(connection: Connection) -> dict[str, int]:
    """Entries by reason."""
    query = select(suspense.c.reason, func.count()).group_by(suspense.c.reason)
    return {reason: count for reason, count in connection.execute(query)}


def ids_of(connection: Connection, reason: str) -> list[int]:
    """The ids of all entries of a reason."""
    query = select(suspense.c.id).where(suspense.c.reason == reason).order_by(suspense.c.id)
    return list(connection.scalars(query))


def open_calls(
    connection: Connection, after_id: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Rows that wait for the rest of their call, newest first."""
    query = select(open_call).where(open_call.c.cdr_id.is_(None))
    if after_id is not None:
        query = query.where(open_call.c.id < after_id)
    rows = connection.execute(query.order_by(open_call.c.id.desc()).limit(limit)).mappings()
    return [{**row, "values": json.loads(row["row"])} for row in rows]


def _entry(row: Mapping[Any, Any]) -> dict[str, Any]:
    title, remedy = IN_WORDS.get(row["reason"], (row["reason"], ""))
    return {**row, "values": json.loads(row["row"]), "title": title, "remedy": remedy}
