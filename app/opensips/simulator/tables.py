"""OpenSIPS's tables as OpenSIPS writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, DateTime, Table
from sqlalchemy.dialects import sqlite

from app.opensips.tables import stock_metadata

_CHUNK = 4_000


def _as_opensips_writes() -> dict[str, Table]:
    tables = dict(stock_metadata().tables)
    for table in tables.values():
        for column in table.columns:
            if isinstance(column.type, DateTime):
                # db_sqlite stores text without a fraction of a second.
                whole = sqlite.DATETIME(truncate_microseconds=True)  # type: ignore[no-untyped-call]
                column.type = DateTime().with_variant(whole, "sqlite")
    return tables


TABLES = _as_opensips_writes()
ACCOUNTING = {"acc": TABLES["acc"], "missed_calls": TABLES["missed_calls"]}


def insert(connection: Connection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows as OpenSIPS would; all rows have the same columns."""
    if name in ACCOUNTING and rows:
        _insert_many(connection, name, rows)
    elif rows:
        connection.execute(TABLES[name].insert(), list(rows))


def _insert_many(connection: Connection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Hands rows to the driver directly: a history has 300,000 of them.

    Unset text is NULL on MariaDB, '' on PostgreSQL and SQLite (db_postgres, db_sqlite).
    """
    columns = list(rows[0])
    statement = TABLES[name].insert().inline()
    compiled = statement.compile(dialect=connection.dialect, column_keys=columns)
    unset = None if connection.dialect.name in ("mysql", "mariadb") else ""
    text_times = connection.dialect.name == "sqlite"

    def value(row: dict[str, Any], column: str) -> Any:
        found = row[column]
        if found is None:
            return unset
        return str(found) if text_times and column in ("time", "created") else found

    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        parameters: Any
        if compiled.positional:
            order = compiled.positiontup or columns
            parameters = [tuple([value(row, column) for column in order]) for row in chunk]
        else:
            parameters = [{column: value(row, column) for column in columns} for row in chunk]
        connection.exec_driver_sql(str(compiled), parameters)
