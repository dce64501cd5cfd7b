"""Dialogs and rows of ``acc`` that disagree: calls that vanished without a row, and calls that
are live though their row says that they ended.

The switch's table ``dialog`` (module dialog, db_mode 1 or 2) and the nodes' memory
(``app.mediation.node_dialogs``) are looked at once a minute by one worker; who does not answer
says nothing, and nobody is missed because of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select
from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.database import Databases, ping, reading, writing
from app.core.errors import DatabaseUnavailable, SwitchTableError
from app.core.settings import Settings
from app.core.source_settings import MAIN_SOURCE
from app.core.words import _l
from app.identity import audit
from app.jobs import lease
from app.mediation import node_dialogs
from app.mediation.call import ACC
from app.mediation.node_dialogs import ANSWERED, Key
from app.mediation.reading import read_where, rows_from
from app.mediation.source import Source, load_sources, open_readers, written_at
from app.mediation.tables import dialog_seen
from app.opensips import tables
from app.provisioning.nodes import wanted

log = logging.getLogger(__name__)

LIVE, VANISHED, LASTING = "live", "vanished", "lasting"
IN_WORDS = {
    VANISHED: (
        _l("Ended without a row"),
        _l(
            "The switch was killed or restarted, or its row could not be written: see its log."
            " Nothing was charged; charge it by hand where it is worth it, then acknowledge."
        ),
    ),
    LASTING: (
        _l("Live though its call ended"),
        _l("The dialog was not ended with its call. End it on the switch, then acknowledge."),
    ),
}
_EVERY_MS = 55 * clock.SECOND
# More dialogs than this are not looked at: what is not read whole cannot tell who is missing.
_MOST = 20_000
_CHUNK = 500
# What was acknowledged is forgotten after this.
_KEPT_MS = 90 * clock.DAY


def watch_due(dbs: Databases, settings: Settings) -> int:
    """Looks once a minute, whichever worker comes first; returns how many dialogs are live."""
    with writing(dbs.panel) as connection:
        # The lease is not given back: its end is when the next look is due.
        if lease.acquire(connection, "dialogs", "worker", _EVERY_MS) is None:
            return 0
    return watch(dbs, settings)


def watch(dbs: Databases, settings: Settings) -> int:
    """Notes who is there at each source, and what became of those that no longer are."""
    with reading(dbs.panel) as connection:
        sources = load_sources(connection)
    named = {MAIN_SOURCE, *dbs.others}
    live = 0
    for found in sources:
        if found.name not in named:
            continue
        try:
            others = [one for one in sources if one is not found and one.name in named]
            live += _watch(dbs.of_source(found.name), settings, found, others)
        except (DatabaseUnavailable, SwitchTableError) as error:
            ping(dbs.panel)  # where ours is away, it is not about this source
            log.info("The dialogs of %s are not watched: %s", found.name, error)
    return live


def _watch(dbs: Databases, settings: Settings, found: Source, others: Sequence[Source]) -> int:
    """One source; the nodes of the settings are those of the first one."""
    stored = _stored(dbs)
    names = {(row["callid"], row["from_tag"]) for row in (stored or {}).values()}
    nodes = wanted(settings) if found.name == MAIN_SOURCE else ()
    held = node_dialogs.ask(nodes, settings.mi_timeout, names)
    # Who told everything: only of those somebody can be missing.
    whole = held.whole | ({""} if stored is not None else set())
    if not whole:
        return 0
    live: dict[Key, Mapping[str, Any]] = {**held.dialogs, **(stored or {})}
    watched = {"", *(one.name for one in nodes)}
    now = clock.now_ms()
    settled = now - settings.settling_ms
    there = names | {(row["callid"], row["from_tag"]) for row in held.dialogs.values()}
    with reading(dbs.panel) as connection:
        known = _known(connection, found.id)
    asked = [row for key, row in known.items() if key in live or row["seen_at"] < settled]
    ends = _ends(dbs.switch, found, asked)
    by_node = [row for row in asked if row["node"]]
    for other in others if by_node else ():
        # Which source a node's rows go to, nobody says: they are looked for in all.
        ends |= _ends(dbs.of_source(other.name).switch, other, by_node)
    with writing(dbs.panel) as connection:
        _note(connection, found, live, known, now, there)
        for key, row in known.items():
            name = (row["call_id"], row["from_tag"])
            if key in live:
                # In db_mode 2 a dialog stays in the table a little longer than its call lasts.
                if row["state"] != LASTING and 0 < ends.get(name, 0) < settled:
                    _set(connection, row["id"], LASTING)
            elif name in ends or (row["state"] == LIVE and row["node"] not in watched):
                connection.execute(dialog_seen.delete().where(dialog_seen.c.id == row["id"]))
            elif (
                row["seen_at"] < settled
                and row["state"] != VANISHED
                and row["node"] in whole
                and name not in there
            ):
                _set(connection, row["id"], VANISHED)
    return len(live)


def _stored(dbs: Databases) -> dict[Key, Mapping[str, Any]] | None:
    """The table's answered dialogs; None where it is not there or cannot be read whole."""
    try:
        if not tables.has_table(dbs.switch, "dialog"):
            return None
        with reading(dbs.switch) as connection:
            return _live(connection)
    except DBAPIError as exc:
        # No right to read it, mostly; a database that is away is told by who needs it.
        log.info("The table of dialogs cannot be read: %s", exc.orig)
        return None


def entries() -> Select[Any]:
    """The query of what nobody has acknowledged yet."""
    return select(dialog_seen).where(
        dialog_seen.c.state.in_((VANISHED, LASTING)), dialog_seen.c.acknowledged_at.is_(None)
    )


def count(connection: Connection) -> int:
    """How many there are."""
    return connection.scalar(select(func.count()).select_from(entries().subquery())) or 0


def entry(row: Mapping[Any, Any]) -> dict[str, Any]:
    """An entry with what it is, what to do, and how long it was seen at least."""
    title, remedy = IN_WORDS[row["state"]]
    length = max(row["seen_at"] - row["start_at"], 0)
    return {**row, "title": title, "remedy": remedy, "length": length}


def acknowledge(connection: Connection, ids: Sequence[int]) -> int:
    """Takes entries off the list, and notes it; returns how many were on it."""
    now, done = clock.now_ms(), 0
    for row_id in sorted(set(ids)):
        open_ones = entries().where(dialog_seen.c.id == row_id)
        row = connection.execute(open_ones).mappings().first()
        if row is None:
            continue
        mine = dialog_seen.c.id == row_id
        connection.execute(dialog_seen.update().where(mine).values(acknowledged_at=now))
        audit.record(
            connection,
            action="vanished.acknowledged",
            object=f"dialog:{row_id}",
            detail={"call_id": row["call_id"], "state": row["state"]},
        )
        done += 1
    return done


def _live(connection: Connection) -> dict[Key, Mapping[str, Any]] | None:
    """Answered dialogs by their key; None where there are too many to be read whole."""
    dialog = tables.reflect(connection, "dialog").c
    query = select(
        dialog.dlg_id,
        dialog.callid,
        dialog.from_tag,
        dialog.from_uri,
        dialog.to_uri,
        dialog.start_time,
    ).where(dialog.state.in_(ANSWERED))
    rows = connection.execute(query.limit(_MOST + 1)).mappings().all()
    if len(rows) > _MOST:
        return None
    return {(int(row["dlg_id"]), int(row["start_time"]) * clock.SECOND): dict(row) for row in rows}


def _known(connection: Connection, source_id: int) -> dict[Key, Mapping[str, Any]]:
    query = select(dialog_seen).where(
        dialog_seen.c.source_id == source_id,
        dialog_seen.c.acknowledged_at.is_(None),
        dialog_seen.c.call_id != "",  # else retention has cut it
    )
    rows = connection.execute(query.limit(2 * _MOST)).mappings()
    return {(row["dlg_id"], row["start_at"]): dict(row) for row in rows}


def _ends(
    switch: Engine, found: Source, asked: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, str], int]:
    """When calls that have a row of ``acc`` ended, by Call-ID and From tag; 0: the row does not
    tell, since no cdr flag wrote it."""
    wanted = sorted({row["call_id"] for row in asked})
    if not wanted:
        return {}
    reader = next(one for one in open_readers(switch, found) if one.name == ACC)
    ends: dict[tuple[str, str], int] = {}
    with reading(switch) as connection:
        for begin in range(0, len(wanted), _CHUNK):
            mine = reader.table.c.callid.in_(wanted[begin : begin + _CHUNK])
            for row in rows_from(reader, read_where(connection, reader, mine), 0):
                if row.method != "INVITE":
                    continue
                end = written_at(row, found.habits.zone, 0) if row.by_dialog else 0
                name = (row.call_id, row.from_tag)
                ends[name] = max(ends.get(name, 0), end)
    return ends


def _note(
    connection: Connection,
    found: Source,
    live: Mapping[Key, Mapping[str, Any]],
    known: Mapping[Key, Mapping[str, Any]],
    now: int,
    names: set[tuple[str, str]],
) -> None:
    """New dialogs, and when those that are there (``names``: Call-ID, From tag) were seen last."""
    noted = {(row["call_id"], row["from_tag"]) for row in known.values() if row["node"]}
    there = [
        row["id"]
        for key, row in known.items()
        if key in live or (row["call_id"], row["from_tag"]) in names
    ]
    for begin in range(0, len(there), _CHUNK):
        some = dialog_seen.c.id.in_(there[begin : begin + _CHUNK])
        connection.execute(dialog_seen.update().where(some).values(seen_at=now))
    new = [
        {
            "tenant_id": found.tenant_id,
            "source_id": found.id,
            "dlg_id": key[0],
            "call_id": row["callid"],
            "from_tag": row["from_tag"],
            "caller": _user(row["from_uri"]),
            "callee": _user(row["to_uri"]),
            "start_at": key[1],
            "seen_at": now,
            "state": LIVE,
            "node": row.get("node", ""),
        }
        for key, row in live.items()
        if key not in known and (row["callid"], row["from_tag"]) not in noted
    ]
    acknowledged = select(dialog_seen.c.dlg_id, dialog_seen.c.start_at).where(
        dialog_seen.c.source_id == found.id,
        dialog_seen.c.acknowledged_at.is_not(None) | (dialog_seen.c.call_id == ""),
    )
    done = {tuple(row) for row in connection.execute(acknowledged)} if new else set()
    new = [row for row in new if (row["dlg_id"], row["start_at"]) not in done]
    if new:
        connection.execute(dialog_seen.insert(), new)
    old = (dialog_seen.c.acknowledged_at < now - _KEPT_MS) & (dialog_seen.c.state == VANISHED)
    connection.execute(dialog_seen.delete().where(old))


def _set(connection: Connection, row_id: int, state: str) -> None:
    connection.execute(dialog_seen.update().where(dialog_seen.c.id == row_id).values(state=state))


def _user(uri: str) -> str:
    """What stands before the host of a SIP address."""
    return uri.partition(":")[2].partition("@")[0] or uri
