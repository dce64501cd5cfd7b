"""Insert a row at most once: the same on SQLite, MariaDB/MySQL and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError


def insert_once(
    connection: Connection, table: Table, values: Mapping[str, Any], key: tuple[str, ...]
) -> tuple[int, bool]:
    """The row's ``id``, and whether it is new; ``key`` names the columns of a unique constraint.

    A rival that inserts the same key at this moment is waited for; if it commits, its row is
    the answer. ``INSERT IGNORE`` is not used: it would also swallow truncation.
    """
    if connection.dialect.name == "postgresql":
        # An error would end PostgreSQL's transaction; elsewhere it ends only the statement.
        row_id = connection.scalar(
            postgresql.insert(table)
            .values(**values)
            .on_conflict_do_nothing(index_elements=key)
            .returning(table.c.id)
        )
        if row_id is not None:
            return int(row_id), True
        return _existing(connection, table, values, key), False
    try:
        done = connection.execute(insert(table).values(**values))
    except IntegrityError as exc:
        try:
            return _existing(connection, table, values, key), False
        except LookupError:
            raise exc from None
    assert done.inserted_primary_key is not None  # noqa: S101 - every table here counts its ids
    return int(done.inserted_primary_key[0]), True


def _existing(
    connection: Connection, table: Table, values: Mapping[str, Any], key: tuple[str, ...]
) -> int:
    same = and_(*(table.c[name] == values[name] for name in key))
    row_id = connection.scalar(select(table.c.id).where(same))
    if row_id is None:
        raise LookupError(f"{table.name}: no row for {key}")
    return int(row_id)
