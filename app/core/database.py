"""Connections and the table vocabulary that all rooms share.

Two databases may be involved: ours (``panel``) and OpenSIPS's (``switch``); they may be one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pymysql.constants import CLIENT
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
from app.core.source_settings import MAIN_SOURCE

# Under this name a connection keeps what is to be done before it commits.
_LAST = "companion_last"
# Under this name engines keep the setting of how many rows are written (app.core.bulk).
BULK_LOAD = "companion_bulk_load"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# What a plain INTEGER column can be compared with; PostgreSQL refuses larger numbers.
LARGEST_ID = 2**31 - 1
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
    """Our database and OpenSIPS's; the same Engine when both live in one.

    ``others`` are those of further switches, by the name of the source.
    """

    panel: Engine
    switch: Engine
    others: Mapping[str, Engine] = field(default_factory=dict)

    def of_source(self, name: str) -> Databases:
        """Ours and a source's; raises DatabaseUnavailable where no setting names the source."""
        if name == MAIN_SOURCE:
            return Databases(self.panel, self.switch)
        if name not in self.others:
            raise DatabaseUnavailable(
                f"No setting names the database of the source '{name}'.",
                "Name it in PANEL_SOURCES; until then its rows are not read.",
            )
        return Databases(self.panel, self.others[name])


def connect(settings: Settings) -> Databases:
    """Engines for all databases; nothing is opened yet."""
    panel = make_engine(settings.database_url, bulk_load=settings.bulk_load)
    # Among several, one that hangs must not keep the others waiting for long.
    patience = 30 if settings.sources else 120
    switch = panel
    if not settings.one_database:
        switch = make_engine(settings.opensips_database_url, patience_s=patience)
    others = {
        one.name: panel
        if one.url == settings.database_url
        else make_engine(one.url, patience_s=patience)
        for one in settings.sources
    }
    return Databases(panel, switch, others)


def make_engine(url: str, *, bulk_load: str = "auto", patience_s: int = 120) -> Engine:
    """An Engine with our rules: READ COMMITTED, UTC sessions, SQLite in WAL with real BEGINs.

    ``bulk_load``: ``auto``, ``on`` or ``off``, whether many rows go the server's own way for them.
    ``patience_s``: how long a server may be silent before its connection is given up.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            # errors stand in the log: without the numbers and hashes that a statement was given
            hide_parameters=True,
            connect_args={"timeout": 15, "isolation_level": None},
        )
        event.listen(engine, "connect", _sqlite_setup)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    arguments: dict[str, Any] = {"connect_timeout": 5}
    if parsed.get_backend_name() in ("mysql", "mariadb"):
        arguments |= {
            "charset": "utf8mb4",
            "read_timeout": patience_s,
            "write_timeout": patience_s,
            "init_command": "SET time_zone = '+00:00'",
            # SQLAlchemy counts on the first. The second allows app.core.loading; PyMySQL's own
            # local_infile, which opens whatever file a server asks for, stays off.
            "client_flag": CLIENT.FOUND_ROWS | (0 if bulk_load == "off" else CLIENT.LOCAL_FILES),
        }
    else:
        # libpq: a peer that is gone without a word is noticed by the network's own means
        arguments |= {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        arguments["tcp_user_timeout"] = patience_s * 1000
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args=arguments,
        execution_options={BULK_LOAD: bulk_load},
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
            # Kept: a connection that breaks meanwhile cannot be asked for it again.
            info = connection.info
            info[_LAST] = last
            try:
                yield connection
                for act in last:
                    act()
            finally:
                info.pop(_LAST, None)


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
    """The database's URL with its password hidden, and without options that may hold one."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


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
