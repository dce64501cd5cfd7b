"""OpenSIPS's tables as OpenSIPS writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
                whole = sqlite.DATETIME(truncate_microseconds=True)
                column.type = DateTime().with_variant(whole, "sqlite")
    return tables


TABLES = _as_opensips_writes()
ACCOUNTING = {"acc": TABLES["acc"], "missed_calls": TABLES["missed_calls"]}


def insert(connection: Connection, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows as the driver of that database would: unset text is NULL on MariaDB, ''
    on PostgreSQL and SQLite (db_postgres, db_sqlite)."""
    for start in range(0, len(rows), _CHUNK):
        chunk: Iterable[dict[str, Any]] = rows[start : start + _CHUNK]
        if name in ACCOUNTING and connection.dialect.name in ("sqlite", "postgresql"):
            chunk = [
                {key: "" if value is None else value for key, value in row.items()}
                for row in chunk
            ]
        connection.execute(TABLES[name].insert(), list(chunk))
