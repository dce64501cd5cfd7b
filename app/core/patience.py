"""Reading that gives up: for whoever would rather have no answer than a late one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from sqlalchemy import Connection, Engine, text

from app.core.database import is_mysql, reading

# SQLite asks that often (in steps of its machine) whether to go on.
_STEPS = 2_000


@contextmanager
def hurried(engine: Engine, seconds: float) -> Iterator[Connection]:
    """A connection to read with, on which no statement runs longer than ``seconds``.

    The database itself ends what takes longer; that is an SQLAlchemyError.
    """
    with reading(engine) as connection:
        if connection.dialect.name == "sqlite":
            with _sqlite(connection, seconds):
                yield connection
        elif is_mysql(connection):
            with _mysql(connection, seconds):
                yield connection
        else:
            # SET takes no parameters; LOCAL ends with the transaction.
            limit = text("SELECT set_config('statement_timeout', :limit, true)")
            connection.execute(limit, {"limit": str(int(seconds * 1000))})
            yield connection


@contextmanager
def _sqlite(connection: Connection, seconds: float) -> Iterator[None]:
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    end = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def _mysql(connection: Connection, seconds: float) -> Iterator[None]:
    # MariaDB counts seconds, MySQL milliseconds; both keep it for the session.
    if getattr(connection.dialect, "is_mariadb", False):
        name, value = "max_statement_time", str(seconds)
    else:
        name, value = "max_execution_time", str(int(seconds * 1000))
    connection.exec_driver_sql(f"SET SESSION {name} = {value}")
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.exec_driver_sql(f"SET SESSION {name} = DEFAULT")
