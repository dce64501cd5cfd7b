"""Writing many rows of one table at once, by the fastest way that each database takes as it is.

SQLite gets one prepared statement for all rows, PostgreSQL ``COPY``, MariaDB one statement of
literals that are made column by column: most columns of a window hold nothing that needs
escaping, and that is seen for all of its rows at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from app.core.database import is_mysql

# Rows of one statement on MariaDB: half a megabyte where rows are as wide as CDRs.
_STATEMENT_ROWS = 1_000
# What must not stand in a literal as it is, with and without NO_BACKSLASH_ESCAPES.
_NOT_IN_LITERAL = re.compile("[\x00\x1a\n\r\"'\\\\]")
# What COPY's text format reads as something else (PostgreSQL, COPY, Text Format).
_NOT_IN_COPY = re.compile(r"[\\\t\n\r]")
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows that all have the keys of the first: text, whole numbers and None only."""
    if not rows:
        return
    names = list(rows[0])
    columns = [[row[name] for row in rows] for name in names]
    dialect = connection.dialect
    quote = dialect.identifier_preparer.quote
    into = f"{quote(table.name)} ({', '.join(quote(table.c[name].name) for name in names)})"
    if is_mysql(connection):
        _mariadb(connection, into, columns)
    elif dialect.name == "postgresql":
        _copy(connection, into, columns)
    else:
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {into} VALUES ({marks})"  # noqa: S608 - names are of our tables
        connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def _mariadb(connection: Connection, into: str, columns: Sequence[list[Any]]) -> None:
    driver: Any = connection.connection.dbapi_connection
    row, changing = _shape(columns, lambda text: driver.escape(text)[1:-1], _NOT_IN_LITERAL)
    texts = [row % values for values in _rows(changing, len(columns[0]))]
    for start in range(0, len(texts), _STATEMENT_ROWS):
        values = ",".join(texts[start : start + _STATEMENT_ROWS])
        connection.exec_driver_sql(
            f"INSERT INTO {into} VALUES {values}",  # noqa: S608 - made of literals above
            execution_options={"no_parameters": True},
        )


def _shape(
    columns: Sequence[list[Any]], escape: Callable[[str], str], unsafe: re.Pattern[str]
) -> tuple[str, list[list[Any]]]:
    """A template for one row, and what changes from row to row.

    A column that is the same in all rows stands in the template itself.
    """
    parts, changing = [], []
    for column in columns:
        first = column[0]
        if column.count(first) == len(column):
            parts.append(_literal(first, escape).replace("%", "%%"))
        elif None in column:
            parts.append("%s")
            changing.append([_literal(value, escape) for value in column])
        elif isinstance(first, str):
            parts.append("'%s'")
            changing.append(_escaped(column, escape, unsafe))
        else:
            parts.append("%d")
            changing.append(column)
    return f"({','.join(parts)})", changing


def _literal(value: Any, escape: Callable[[str], str]) -> str:
    if value is None:
        return "NULL"
    return f"'{escape(value)}'" if isinstance(value, str) else str(int(value))


def _escaped(column: list[str], escape: Callable[[str], str], unsafe: re.Pattern[str]) -> list[str]:
    if not unsafe.search("".join(column)):
        return column
    return [escape(text) if unsafe.search(text) else text for text in column]


def _rows(columns: Sequence[list[Any]], count: int) -> Iterator[tuple[Any, ...]]:
    return zip(*columns, strict=True) if columns else iter([()] * count)


def _copy(connection: Connection, into: str, columns: Sequence[list[Any]]) -> None:
    fields = [_copied(column) for column in columns]
    text = "\n".join(map("\t".join, zip(*fields, strict=True))) + "\n"
    statement = f"COPY {into} FROM STDIN"
    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(text)
    except psycopg.Error as error:
        raise DBAPIError(
            statement, None, error, connection_invalidated=bool(driver.closed)
        ) from error


def _copied(column: list[Any]) -> list[str]:
    first = column[0]
    if isinstance(first, str) and None not in column:
        return _escaped(column, lambda text: text.translate(_COPY_ESCAPES), _NOT_IN_COPY)
    return [
        "\\N"
        if value is None
        else value.translate(_COPY_ESCAPES)
        if isinstance(value, str)
        else str(int(value))
        for value in column
    ]
