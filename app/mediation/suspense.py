"""Suspense as people work through it: by reason, with a way to try again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, func, select

from app.core.words import _l
from app.mediation.call import Trouble
from app.mediation.tables import open_call, suspense

IN_WORDS = {
    Trouble.NO_BYE: (
        _l("Answered, but no BYE was accounted"),
        _l("Let the script account the BYE, or better, set the cdr flag. The length is unknown."),
    ),
    Trouble.NO_INVITE: (
        _l("A BYE without its INVITE"),
        _l("Let the script account the INVITE of these calls; replay when its row has come."),
    ),
    Trouble.NO_FINAL: (
        _l("Only a provisional reply was accounted"),
        _l("The call's own row never came. Take early_media off, or set the cdr and failed flags."),
    ),
    Trouble.FORKED: (
        _l("Another phone answered the same call"),
        _l(
            "Two phones answered one INVITE, and the call of the other one is charged already."
            " See which one lasted; with the cdr flag there is one row for both."
        ),
    ),
    Trouble.NO_CALL_ID: (
        _l("The row has no Call-ID"),
        _l("Nothing can be joined to it: see the script."),
    ),
    Trouble.NO_TIME: (_l("The row has no usable time"), _l("See the switch's clock and database.")),
    Trouble.IN_FUTURE: (
        _l("The row is from the future"),
        _l("The source's time zone is wrong, or a clock is. Correct it, then replay."),
    ),
    Trouble.BAD_CODE: (
        _l("The SIP code is no code"),
        _l("See what writes into acc besides OpenSIPS."),
    ),
    Trouble.BAD_LENGTH: (_l("The length is negative"), _l("See the switch's clock.")),
    Trouble.NOT_A_CALL: (
        _l("Neither INVITE nor BYE"),
        _l("The script accounts other requests too; limit do_accounting to INVITE and BYE."),
    ),
    Trouble.TWO_SESSIONS: (_l("Two charging sessions fit"), _l("Carry charge_id in the script.")),
}


def entries(reason: str | None = None) -> Select[Any]:
    """The query of all entries, or of one reason's; ``entry`` reads its rows."""
    query = select(suspense)
    return query if reason is None else query.where(suspense.c.reason == reason)


def get(connection: Connection, entry_id: int) -> dict[str, Any] | None:
    """One entry, or None."""
    query = select(suspense).where(suspense.c.id == entry_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else entry(row)


def counts(connection: Connection) -> dict[str, int]:
    """Entries by reason."""
    query = select(suspense.c.reason, func.count()).group_by(suspense.c.reason)
    return {reason: count for reason, count in connection.execute(query)}


def ids_of(connection: Connection, reason: str, most: int | None = None) -> list[int]:
    """The ids of a reason's entries, the oldest first, ``most`` at most."""
    query = select(suspense.c.id).where(suspense.c.reason == reason).order_by(suspense.c.id)
    return list(connection.scalars(query.limit(most)))


def open_rows() -> Select[Any]:
    """The query of the rows that wait for the rest of their call."""
    return select(open_call).where(open_call.c.cdr_id.is_(None))


def open_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row that waits, with what was read under ``values``."""
    return {**row, "values": json.loads(row["row"])}


def entry(row: Mapping[Any, Any]) -> dict[str, Any]:
    """An entry with the raw row under ``values``, why it is here and what to do."""
    title, remedy = IN_WORDS.get(row["reason"], (row["reason"], ""))
    return {**row, "values": json.loads(row["row"]), "title": title, "remedy": remedy}
