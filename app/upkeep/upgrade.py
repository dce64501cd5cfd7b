"""Bringing our tables to another revision: looked at first, saved, migrated, verified."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from app.core import clock, schema
from app.core.database import Databases, is_mysql, reading
from app.core.errors import CompanionError
from app.jobs import heartbeat
from app.upkeep import take
from app.upkeep.shape import UpkeepError
from app.upkeep.take import Say

_ALIVE_MS = 30 * clock.SECOND
# Compressed rows take less than the tables and indexes that they come from.
_LEAST_FREE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Look:
    """What was found before anything is done: where the tables are, and what stands against it."""

    present: str | None
    pending: list[tuple[str, str]]
    findings: list[str]
    problems: list[str]


def look(dbs: Databases, folder: Path | None) -> Look:
    """Looks, and changes nothing; ``folder`` is where a backup would go. DatabaseUnavailable."""
    with reading(dbs.panel) as connection:
        present = schema.revision(connection)
        problems = _busy(connection)
        size = _size(connection)
    findings = [f"The database answers; its tables take {size // 1024} kB."]
    if present is not None and not schema.knows(present):
        problems.append(
            f"The tables are of revision {present}, which this version does not know: it is older"
            " than the one that made them."
        )
        return Look(present, [], findings, problems)
    if folder is not None and present is not None:
        _space("a backup", folder, size, findings, problems)
    file = dbs.panel.url.database
    if dbs.panel.dialect.name == "sqlite" and file:
        _space("the database's file", Path(file).parent, size, findings, problems)
    elif present is not None:
        findings.append("The space on the database's server cannot be seen from here.")
    return Look(present, schema.pending(present), findings, problems)


def move(dbs: Databases, secret_key: str, to: str, backup: Path | None, say: Say) -> None:
    """Saves to ``backup`` where there is one, then migrates up or down to a revision.

    Raises UpkeepError with the name of the backup when a migration fails.
    """
    with reading(dbs.panel) as connection:
        present = schema.revision(connection)
    if present == to:
        return
    if backup is not None:
        say(f"Saving to {backup} …")
        take.backup(dbs.panel, secret_key, backup, say)
    down = present is not None and to not in {name for name, _ in schema.pending(present)}
    say(f"From revision {present or 'none'} {'back to' if down else 'to'} {to} …")
    try:
        (schema.downgrade if down else schema.upgrade)(dbs.panel, to)
    except (DBAPIError, CompanionError) as exc:
        raise UpkeepError(
            f"The migration failed: {_cause(exc)}",
            f"What was before is in {backup}: restore it with the version of before."
            if backup is not None
            else "There is no backup of this run.",
        ) from exc


def _busy(connection: Connection) -> list[str]:
    problems = []
    if schema.busy(connection):
        problems.append("Another process changes the tables just now.")
    if inspect(connection).has_table("heartbeat"):
        problems += [
            f"A {process} runs: stop the processes first (a killed one is forgotten in 30 seconds)."
            for process in ("worker", "charging")
            if heartbeat.alive(connection, process, _ALIVE_MS)
        ]
    return problems


def _size(connection: Connection) -> int:
    """Bytes that the database takes."""
    if connection.dialect.name == "sqlite":
        query = text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    elif is_mysql(connection):
        query = text(
            "SELECT SUM(data_length + index_length) FROM information_schema.tables"
            " WHERE table_schema = DATABASE()"
        )
    else:
        return int(connection.scalar(select(func.pg_database_size(func.current_database()))) or 0)
    return int(connection.scalar(query) or 0)


def _space(what: str, folder: Path, size: int, findings: list[str], problems: list[str]) -> None:
    wanted = max(size, _LEAST_FREE)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    sentence = f"{folder} has {free // 1024} kB free for {what}; {wanted // 1024} kB are wanted."
    (findings if free >= wanted else problems).append(sentence)


def _cause(exc: Exception) -> str:
    return str(getattr(exc, "orig", None) or exc).splitlines()[0][:300]
