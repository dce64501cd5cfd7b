"""Putting a backup back: into a migrated database that nobody has used, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Engine,
    Integer,
    String,
    Table,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from app.cdr.partitions import Partitions
from app.cdr.tables import PARTITIONED
from app.core import bulk, clock, schema
from app.core.database import is_mysql, reading, writing
from app.identity import audit
from app.jobs import heartbeat
from app.upkeep import archive, shape
from app.upkeep.archive import Header, Manifest, Rows
from app.upkeep.shape import Shape, UpkeepError
from app.upkeep.take import LEFT_OUT, Say

# What processes and settings write by themselves; it gives way.
_NOBODYS = {"heartbeat", "lease", "source"}
_ALIVE_MS = 30 * clock.SECOND
_FAST = (Boolean, Integer, String)


def restore(engine: Engine, secret_key: str | None, file: Path, say: Say) -> Manifest:
    """Checks the whole backup, then puts it back in one transaction; raises CompanionError."""
    try:
        with file.open("rb") as opened:
            days: set[int] = set()
            say("Checking the backup …")
            manifest = archive.read(
                opened, secret_key, lambda header, table, rows: _days(header, table, rows, days)
            )
            known = _fitting(engine, manifest.header)
            Partitions(engine).ensure(days, clock.now_ms())
            opened.seek(0)
            with writing(engine) as connection:
                _ready(connection, known)
                _refuse_used(connection, known)
                _empty(connection, known)
                filler = _Filler(connection, known, manifest, say)
                if archive.read(opened, secret_key, filler.add) != manifest:
                    raise archive.Damaged("it changed while it was read")
                filler.finish()
                _note(connection, manifest, file)
    except OSError as exc:
        raise UpkeepError(f"{file} cannot be read: {exc.strerror or exc}.") from exc
    except DBAPIError as exc:
        cause = str(exc.orig).splitlines()[0][:200]
        raise UpkeepError(f"The database refused: {cause}.", "Nothing was restored.") from exc
    return manifest


def _days(header: Header, table: str, rows: Rows, found: set[int]) -> None:
    if table in PARTITIONED:
        place = header.tables[table].index("setup_at")
        found.update(clock.day_start(row[place]) for row in rows)


def _fitting(engine: Engine, header: Header) -> Shape:
    """The shape of the database, when it is the backup's."""
    with reading(engine) as connection:
        present = schema.revision(connection)
        if present != header.revision:
            raise UpkeepError(
                f"The backup is of schema revision {header.revision}, the database of"
                f" {present or 'none'}.",
                "Bring it there with 'flask init', or 'flask upgrade --back"
                f" {header.revision}' when the backup is older; after it 'flask upgrade'.",
            )
        known = shape.at(header.revision)
        tables = {name: t.c.keys() for name, t in known.tables.items() if name not in LEFT_OUT}
        if header.tables != tables:
            raise archive.Damaged("its tables are not those of its revision")
        _refuse_used(connection, known)
    return known


def _refuse_used(connection: Connection, known: Shape) -> None:
    """Raises UpkeepError when there are rows that somebody made, or a worker runs."""
    for name, table in known.tables.items():
        if name in _NOBODYS:
            continue
        seeds = known.seeds[name]
        rows = connection.execute(select(table).limit(len(seeds) + 1)).all()
        if any(tuple(row) not in seeds for row in rows):
            raise UpkeepError(
                f"The database is in use: its table '{name}' holds rows.",
                "Nothing was changed. Restore into a new database that 'flask init' made ready.",
            )
    for process in ("worker", "charging"):
        if "heartbeat" in known.tables and heartbeat.alive(connection, process, _ALIVE_MS):
            raise UpkeepError(
                f"A {process} runs on this database.", "Stop it, wait half a minute, try again."
            )


def _ready(connection: Connection, known: Shape) -> None:
    """What a server may not do with the rows meanwhile."""
    if is_mysql(connection):
        # Cut no text that is too long, and count up no id that is 0.
        connection.execute(text("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'"))
    elif connection.dialect.name == "postgresql":
        # Nobody writes until this transaction ends.
        for name in known.tables:
            quoted = connection.dialect.identifier_preparer.quote(name)
            connection.exec_driver_sql(f"LOCK TABLE {quoted} IN SHARE ROW EXCLUSIVE MODE")


def _empty(connection: Connection, known: Shape) -> None:
    for table in known.tables.values():
        connection.execute(delete(table))


class _Filler:
    """Puts pieces of tables into the database."""

    def __init__(self, connection: Connection, known: Shape, manifest: Manifest, say: Say) -> None:
        self.connection, self.known, self.manifest, self.say = connection, known, manifest, say
        self.done = dict.fromkeys(manifest.rows, 0)

    def add(self, header: Header, name: str, rows: Rows) -> None:
        """Puts rows of one table in."""
        table, names = self.known.tables[name], header.tables[name]
        records = [dict(zip(names, row, strict=True)) for row in rows]
        try:
            _insert(self.connection, table, records)
        except DBAPIError as exc:
            cause = str(exc.orig).splitlines()[0][:200]
            raise UpkeepError(
                f"The database refused rows of '{name}': {cause}.", "Nothing was restored."
            ) from exc
        self.done[name] += len(rows)
        self.say(f"{name}: {self.done[name]} of {self.manifest.rows[name]} rows")

    def finish(self) -> None:
        """Counts what stands there now, and lets new rows be numbered after it."""
        for name, wanted in self.manifest.rows.items():
            table = self.known.tables[name]
            found = self.connection.scalar(select(func.count()).select_from(table))
            if found != wanted:
                raise UpkeepError(
                    f"The table '{name}' took {found} of {wanted} rows.", "Nothing was restored."
                )
            if self.connection.dialect.name == "postgresql":
                _count_on(self.connection, table)


def _insert(connection: Connection, table: Table, records: list[dict[str, Any]]) -> None:
    if all(isinstance(column.type, _FAST) for column in table.c):
        bulk.insert(connection, table, records)
    else:
        connection.execute(table.insert(), records)


def _count_on(connection: Connection, table: Table) -> None:
    """Sets the sequence behind a PostgreSQL table's id, where it has one."""
    for column in table.primary_key.columns:
        names = {"table": f'"{table.name}"', "column": column.name}
        find = text("SELECT pg_get_serial_sequence(:table, :column)")
        sequence = connection.scalar(find, names)
        highest = connection.scalar(select(func.max(column)))
        if sequence is not None and highest is not None:
            move = text("SELECT setval(CAST(:sequence AS regclass), :value)")
            connection.execute(move, {"sequence": sequence, "value": int(highest)})


def _note(connection: Connection, manifest: Manifest, file: Path) -> None:
    """The restore is the first thing that the restored audit is told."""
    if manifest.header.revision != schema.head():
        return
    detail: Mapping[str, Any] = {
        "file": file.name,
        "made_at": manifest.header.made_at,
        "rows": sum(manifest.rows.values()),
    }
    audit.record(connection, action="database.restore", object="database:panel", detail=detail)
