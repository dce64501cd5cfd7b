"""Connections and the table vocabulary that all rooms share.

Two databases may be involved: ours (``panel``) and OpenSIPS's (``switch``); they may be one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    CursorResult,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import SchemaItem

from app.core.errors import DatabaseUnavailable
from app.core.settings import Settings

# Under this name a connection keeps what is to be done before it commits.
_LAST = "companion_last"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# 64-bit numbers; SQLite only counts up a column that is declared INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")
# Instants: milliseconds of UTC since 1970 (app.core.clock).
Instant = BigInteger
# JSON documents up to 16 MB; MariaDB's TEXT would end at 64 kB.
LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def table(name: str, *items: SchemaItem, **options: Any) -> Table:
    """A table of ours: every one carries ``tenant_id``; text compares as bytes everywhere.

    Call-IDs and tags differ in case (RFC 3261), so MariaDB must not fold them.
    """
    settings: dict[str, Any] = {
        "mysql_engine": "InnoDB",
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_bin",
    }
    return Table(name, metadata, *items, **(settings | options))


def tenant_column() -> Column[int]:
    """The tenant that a row belongs to; tenant 1 is the operator's own house."""
    return Column("tenant_id", Integer, nullable=False, server_default="1")


def identifier(name: str, length: int = 255, **options: Any) -> Column[str]:
    """A column for text that the switch minted: compared byte by byte."""
    return Column(name, String(length), **options)


@dataclass(frozen=True, slots=True)
class Databases:
    """Our database and OpenSIPS's; the same Engine when both live in one."""

    panel: Engine
    switch: Engine


def connect(settings: Settings) -> Databases:
    """Engines for both databases; nothing is opened yet."""
    panel = make_engine(settings.database_url)
    switch = panel if settings.one_database else make_engine(settings.opensips_database_url)
    return Databases(panel, switch)


def make_engine(url: str) -> Engine:
    """An Engine with our rules: READ COMMITTED, UTC sessions, SQLite in WAL with real BEGINs."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": 15, "isolation_level": None})
        event.listen(engine, "connect", _sqlite_setup)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    arguments: dict[str, Any] = {"connect_timeout": 5}
    if parsed.get_backend_name() in ("mysql", "mariadb"):
        arguments |= {
            "charset": "utf8mb4",
            "read_timeout": 120,
            "write_timeout": 120,
            "init_command": "SET time_zone = '+00:00'",
        }
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args=arguments,
    )


def _sqlite_setup(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    # A transaction that will write takes the lock at once: a later upgrade could not wait.
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read with; the transaction is rolled back at the end."""
    with _explained(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction: committed when the block ends, rolled back when it raises."""
    with _explained(engine), engine.connect() as connection:
        connection = connection.execution_options(writing=True)
        with connection.begin():
            last: list[Callable[[], None]] = []
            connection.info[_LAST] = last
            try:
                yield connection
                for act in last:
                    act()
            finally:
                connection.info.pop(_LAST, None)


def at_the_end(connection: Connection, act: Callable[[], None]) -> None:
    """Does something as the last deed of a transaction of ``writing``; elsewhere at once.

    For rows that many transactions need: locked last, they are locked shortly, and nobody who
    holds one waits for another.
    """
    last = connection.info.get(_LAST)
    if last is None:
        act()
    else:
        last.append(act)


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as exc:
        if exc.connection_invalidated or not _was_connected(exc):
            raise unavailable(engine, exc) from exc
        raise


def _was_connected(exc: DBAPIError) -> bool:
    # Errors without a statement happened while connecting.
    return exc.statement is not None


def unavailable(engine: Engine, exc: Exception) -> DatabaseUnavailable:
    """The sentence for a database that does not answer, without its password."""
    cause = str(getattr(exc, "orig", exc)).splitlines()[0][:200]
    return DatabaseUnavailable(
        f"The database {safe_url(engine)} does not answer: {cause}",
        "Check that it runs and that the URL, user and password in the settings are right.",
    )


def safe_url(engine: Engine) -> str:
    """The database's URL with its password hidden."""
    return engine.url.render_as_string(hide_password=True)


def ping(engine: Engine) -> None:
    """Returns when the database answers; raises DatabaseUnavailable when it does not."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as exc:
        raise unavailable(engine, exc) from exc


def inserted_id(result: CursorResult[Any]) -> int:
    """The number that the database gave to the one row just inserted."""
    key = result.inserted_primary_key
    if not key:
        raise LookupError("The database gave the new row no id.")
    return int(key[0])


def is_mysql(bind: Engine | Connection) -> bool:
    """Whether this is MariaDB or MySQL."""
    return bind.dialect.name in ("mysql", "mariadb")
