"""Writing many rows of one table at once, by the fastest way that each database allows.

SQLite gets one prepared statement for all rows. PostgreSQL gets ``COPY`` and MariaDB
``LOAD DATA LOCAL INFILE``, which name no file: the bytes are made here. Where that is switched
off (``PANEL_BULK_LOAD``) or not allowed, both get statements of literals.

Rows are made column by column: most columns of a window hold nothing that needs escaping, the
same in all rows, or what the table says by default, and that is seen for all rows at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Column, Connection, Table
from sqlalchemy.exc import DBAPIError

from app.core import loading
from app.core.database import is_mysql

# Rows of one statement: half a megabyte where rows are as wide as CDRs.
_STATEMENT_ROWS = 1_000
_SLASHES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class _Spelling:
    """How values are written; ``unsafe`` finds the text that must not stand as it is."""

    null: str
    opening: str
    closing: str
    between: str
    unsafe: re.Pattern[str]
    escape: Callable[[str], str]

    def value(self, value: Any) -> str:
        """One value: text, a whole number or None."""
        if value is None:
            return self.null
        if isinstance(value, str):
            return f"{self.opening}{self.escape(value)}{self.closing}"
        return str(int(value))

    def texts(self, column: list[str]) -> list[str]:
        """A column of texts, without their quotes."""
        if not self.unsafe.search("".join(column)):
            return column
        return [self.escape(text) if self.unsafe.search(text) else text for text in column]


# The text format of COPY, which LOAD DATA reads as well (PostgreSQL, COPY, Text Format).
_LINES = _Spelling(
    "\\N", "", "", "\t", re.compile(r"[\\\t\n\r]"), lambda text: text.translate(_SLASHES)
)
# Read the same whether standard_conforming_strings is on or off.
_POSTGRESQL = _Spelling(
    "NULL",
    "E'",
    "'",
    ",",
    re.compile(r"['\\]"),
    lambda text: text.replace("\\", "\\\\").replace("'", "''"),
)


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the keys of the first: text, whole numbers and None only."""
    if rows:
        insert_columns(connection, table, {name: [row[name] for row in rows] for name in rows[0]})


def insert_columns(connection: Connection, table: Table, given: Mapping[str, list[Any]]) -> None:
    """As ``insert``, the rows as columns by name, all of one length."""
    count = len(next(iter(given.values())))
    if not count:
        return
    quote = connection.dialect.identifier_preparer.quote
    names, columns = _telling(table, given)
    into, listed = quote(table.name), ", ".join(quote(table.c[name].name) for name in names)
    if is_mysql(connection):
        if loading.is_allowed(connection):
            data = "\n".join(_written(columns, _LINES)) + "\n"
            loading.load(connection, into, listed, data.encode(), count)
        else:
            driver: Any = connection.connection.dbapi_connection
            _literals(connection, f"{into} ({listed})", columns, _mariadb(driver))
    elif connection.dialect.name == "postgresql":
        if loading.is_allowed(connection):
            _copy(connection, f"{into} ({listed})", columns)
        else:
            _literals(connection, f"{into} ({listed})", columns, _POSTGRESQL)
    else:
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {into} ({listed}) VALUES ({marks})"  # noqa: S608 - our names
        connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def _telling(table: Table, given: Mapping[str, list[Any]]) -> tuple[list[str], list[list[Any]]]:
    """Names and values of the columns that say more than the table says by default."""
    names, columns = [], []
    for name, column in given.items():
        if not (_is_default(table.c[name], column[0]) and _all_same(column)):
            names.append(name)
            columns.append(column)
    return names, columns


def _is_default(column: Column[Any], value: Any) -> bool:
    default = getattr(column.server_default, "arg", None)
    if column.server_default is None:
        return value is None
    return isinstance(default, str) and value is not None and str(value) == default


def _all_same(column: list[Any]) -> bool:
    return column[-1] == column[0] and column.count(column[0]) == len(column)


def _mariadb(driver: Any) -> _Spelling:
    # The driver knows whether the server reads backslashes as they are.
    unsafe = re.compile("[\x00\x1a\n\r\"'\\\\]")
    return _Spelling("NULL", "'", "'", ",", unsafe, lambda text: driver.escape(text)[1:-1])


def _literals(
    connection: Connection, into: str, columns: Sequence[list[Any]], spelling: _Spelling
) -> None:
    texts = list(_written(columns, spelling))
    for start in range(0, len(texts), _STATEMENT_ROWS):
        values = "),(".join(texts[start : start + _STATEMENT_ROWS])
        connection.exec_driver_sql(
            f"INSERT INTO {into} VALUES ({values})",  # noqa: S608 - made of literals above
            execution_options={"no_parameters": True},
        )


def _written(columns: Sequence[list[Any]], spelling: _Spelling) -> Iterator[str]:
    """Each row as text: a template with what changes from row to row.

    A column that is the same in all rows stands in the template itself.
    """
    parts, changing = [], []
    for column in columns:
        first = column[0]
        if _all_same(column):
            parts.append(spelling.value(first).replace("%", "%%"))
        elif None in column:
            parts.append("%s")
            changing.append([spelling.value(value) for value in column])
        elif isinstance(first, str):
            parts.append(f"{spelling.opening}%s{spelling.closing}")
            changing.append(spelling.texts(column))
        else:
            parts.append("%d")
            changing.append(column)
    row = spelling.between.join(parts)
    count = len(columns[0])
    return (row % values for values in (zip(*changing, strict=True) if changing else [()] * count))


def _copy(connection: Connection, into: str, columns: Sequence[list[Any]]) -> None:
    statement = f"COPY {into} FROM STDIN"
    driver: Any = connection.connection.dbapi_connection
    data = "\n".join(_written(columns, _LINES)) + "\n"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(data)
    except psycopg.Error as error:
        raise DBAPIError(
            statement, None, error, connection_invalidated=bool(driver.closed)
        ) from error
