"""Rows of OpenSIPS's tables as plain values that can be written down and compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Float, RowMapping, Table, func, select

from app.opensips.tables import reflect
from app.provisioning.tools.declaration import Row, Tool


def load(connection: Connection, tool: Tool, row_id: int, *, lock: bool = False) -> Row | None:
    """The whole row, with columns that we do not know; None when it is gone."""
    return fetch(connection, reflect(connection, tool.table), tool.key, row_id, lock=lock)


def load_many(connection: Connection, tool: Tool, ids: Collection[int]) -> list[Row]:
    """The whole rows with these keys, in the order of the keys; those that are gone are missing."""
    table = reflect(connection, tool.table)
    key = table.c[tool.key]
    query = select(table).where(key.in_(ids)).order_by(key)
    return [plain(row) for row in connection.execute(query).mappings()]


def fetch(
    connection: Connection, table: Table, key: str, row_id: int, *, lock: bool = False
) -> Row | None:
    """As ``load``, on a reflected table; ``lock`` keeps others from changing it meanwhile."""
    query = select(table).where(table.c[key] == row_id)
    if lock:
        query = query.with_for_update()
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else plain(found)


def plain(row: RowMapping | Mapping[str, Any]) -> Row:
    """The row with values that JSON knows."""
    return {
        name: value if value is None or isinstance(value, int | str) else str(value)
        for name, value in row.items()
    }


def stored(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of ``plain``: values as the columns' types take them."""
    return {name: _typed(table.c[name], value) for name, value in values.items()}


def _typed(column: Column[Any], value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if isinstance(column.type, DateTime):
        return datetime.fromisoformat(value)
    return float(value) if isinstance(column.type, Float) else value


def fingerprint(seen: Row | Sequence[Row] | None) -> str:
    """A short hash of the values of a row, or of rows: what a form saw when it was opened."""
    text = json.dumps(seen, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def highest_id(connection: Connection, tool: Tool) -> int:
    """The highest id in the table; 0 when it is empty."""
    table = reflect(connection, tool.table)
    return int(connection.scalar(select(func.max(table.c[tool.key]))) or 0)


def completed(
    connection: Connection, tool: Tool, values: Mapping[str, Any], before: Row | None
) -> Row:
    """The row after an edit: what was there, with the tool's columns set to ``values``.

    An empty text is NULL where the column allows it; NULL and an empty text that mean the same
    are left as they were, so that a change shows only what changed.
    """
    table = reflect(connection, tool.table)
    row: Row = dict(before or {})
    row.pop(tool.key, None)
    for column in tool.columns:
        if column.name not in values or column.name not in table.c:
            continue
        value = _stored(table.c[column.name], values[column.name])
        if (
            before is not None
            and not value
            and not before.get(column.name, 0)
            and not (isinstance(value, int))
        ):
            value = before.get(column.name)
        row[column.name] = value
    return row if before is None else {tool.key: before[tool.key], **row}


def _stored(column: Column[Any], value: Any) -> Any:
    if value in ("", None):
        return None if column.nullable else ""
    return value
