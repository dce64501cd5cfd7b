"""Taking a backup: one consistent moment of our database, rows streamed into one private file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, Table, select
from sqlalchemy.exc import DBAPIError

from app.cdr.partitions import Partitions
from app.cdr.tables import PARTITIONED
from app.core import clock, schema
from app.core.database import is_mysql, reading
from app.upkeep import shape
from app.upkeep.archive import Header, Manifest, Writer
from app.upkeep.shape import UpkeepError

# Sessions stay out: one that was ended after the backup must not come back with it.
LEFT_OUT = {"operator_session", "portal_session", "api_use"}
# Rows that the database sends at a time.
_FETCH = 2_000
_TELL_S = 5.0

Say = Callable[[str], None]


def backup(
    engine: Engine, secret_key: str, file: Path, say: Say, *, replace: bool = False
) -> Manifest:
    """Writes the backup to ``file``, which is there only when it is whole; raises UpkeepError."""
    if file.exists() and not replace:
        raise UpkeepError(f"{file} is there already.", "Name another file, or use --replace.")
    _room_for_days(engine)
    try:
        with _draft(file) as draft, _snapshot(engine) as connection:
            return _write(connection, draft, secret_key, say)
    except DBAPIError as exc:
        cause = str(exc.orig).splitlines()[0][:200]
        raise UpkeepError(f"The database refused: {cause}.", "No backup was written.") from exc
    except OSError as exc:
        raise UpkeepError(
            f"{file} cannot be written: {exc.strerror or exc}.", "No backup was written."
        ) from exc


def _write(connection: Connection, draft: IO[bytes], secret_key: str, say: Say) -> Manifest:
    revision = schema.revision(connection)
    if revision is None:
        raise UpkeepError("The database holds no tables of ours.", "Check PANEL_DATABASE_URL.")
    tables = {
        name: table for name, table in shape.at(revision).tables.items() if name not in LEFT_OUT
    }
    header = Header(
        revision,
        connection.dialect.name,
        str(clock.iso(clock.now_ms())),
        {name: table.c.keys() for name, table in tables.items()},
    )
    writer = Writer(draft, header, secret_key)
    try:
        for number, (name, table) in enumerate(tables.items(), 1):
            _table(writer, name, _rows(connection, table), say)
            say(f"{number}/{len(tables)} {name}: {writer.held[name].rows} rows")
        return writer.finish()
    except BaseException:
        writer.abandon()
        raise


def _table(writer: Writer, name: str, rows: Iterator[tuple[object, ...]], say: Say) -> None:
    told = time.monotonic()
    for done in writer.table(name, rows):
        if time.monotonic() - told > _TELL_S:
            told = time.monotonic()
            say(f"{name}: {done} rows so far")


def _rows(connection: Connection, table: Table) -> Iterator[tuple[object, ...]]:
    query = select(table)
    if table.name not in PARTITIONED:
        # the order in which they are put back fastest; many partitions would be sorted first
        query = query.order_by(*table.primary_key.columns)
    options = {"stream_results": True, "yield_per": _FETCH}
    for rows in connection.execute(query, execution_options=options).partitions():
        yield from map(tuple, rows)


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one moment, whatever is committed meanwhile; nobody waits for it."""
    if engine.dialect.name == "sqlite":
        # In WAL a transaction keeps seeing what its first statement saw.
        with reading(engine) as connection:
            yield connection
        return
    with reading(engine.execution_options(isolation_level="REPEATABLE READ")) as connection:
        connection.exec_driver_sql(
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
            if is_mysql(connection)
            else "SET TRANSACTION READ ONLY"
        )
        yield connection


def _room_for_days(engine: Engine) -> None:
    """Makes the partitions of the next days first.

    A worker that wanted one meanwhile would wait for the backup's end, and others for the worker.
    """
    with reading(engine) as connection:
        if schema.revision(connection) != schema.head():
            return
    now = clock.now_ms()
    try:
        Partitions(engine).ensure([now + 4 * clock.DAY], now)
    except DBAPIError:
        pass  # a user who may only read takes backups too


@contextmanager
def _draft(file: Path) -> Iterator[IO[bytes]]:
    """A file under a temporary name, for its owner alone; under its own name once it is whole."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
