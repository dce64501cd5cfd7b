"""Rows of ``acc`` and ``missed_calls`` as they stand in the switch's database.

The driver of MariaDB takes a row apart in Python, field by field; where all columns allow it the
server sends a row as one JSON text instead, which is taken apart three times as fast.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    Select,
    String,
    and_,
    cast,
    func,
    null,
    or_,
    select,
    type_coerce,
)

from app.core.database import is_mysql
from app.mediation.call import Row
from app.mediation.columns import Raw, build_row
from app.mediation.position import Position
from app.mediation.source import Bookmark, Reader

# A few gaps are asked for one by one; many are cheaper as one range.
_MANY_GAPS = 50
_decode = json.JSONDecoder(strict=False, parse_float=str).decode


def read_window(
    connection: Connection, reader: Reader, bookmark: Bookmark, limit: int
) -> list[Raw]:
    """The rows of a part that are still to be read, in order of id: late ones, then new ones."""
    position, ids = bookmark.position, reader.table.c.id
    rows: list[Raw] = []
    if position.gaps:
        late = read_where(connection, reader, _in_gaps(ids, position))
        rows += [row for row in late if position.wants(int(row[0]))]
    ahead = ids > position.high
    if bookmark.until is not None:
        ahead = and_(ahead, ids <= bookmark.until)
    return rows + read_where(connection, reader, ahead, limit)


def read_where(
    connection: Connection,
    reader: Reader,
    condition: ColumnElement[bool],
    limit: int | None = None,
) -> list[Raw]:
    """The rows that a condition is true of, in order of id, as ``reader.layout`` has them."""
    ids = reader.table.c.id

    def narrowed(query: Select[Any]) -> Select[Any]:
        return query.where(condition).order_by(ids).limit(limit)

    if is_mysql(connection) and all(_as_json(column.type) for column in reader.table.c):
        found = connection.scalars(narrowed(select(func.json_array(*_columns(reader, cast)))))
        rows = _parsed(found.all(), len(reader.layout.names))
        if rows is not None:
            return rows
    plain = connection.execute(narrowed(select(*_columns(reader, type_coerce))))
    return list(map(tuple, plain.all()))


def rows_from(reader: Reader, raws: Sequence[Raw], now_ms: int) -> list[Row]:
    """Rows as values, with their columns' meaning."""
    name, layout = reader.name, reader.layout
    return [build_row(name, raw, layout, now_ms) for raw in raws]


def _columns(reader: Reader, as_text: Any) -> list[ColumnElement[Any]]:
    """The layout's columns; times as text, since SQLite's and MariaDB's may hold what is no date.

    PostgreSQL's driver gives datetimes all the same, and so does MariaDB's where nothing is cast.
    """
    found: list[ColumnElement[Any]] = []
    for place, name in enumerate(reader.layout.names):
        if name in reader.layout.missing:
            found.append(null().label(f"missing_{place}"))
        elif isinstance(reader.table.c[name].type, DateTime) or name in ("time", "created"):
            found.append(as_text(reader.table.c[name], String).label(f"column_{place}"))
        else:
            found.append(reader.table.c[name])
    return found


def _as_json(kind: Any) -> bool:
    """Whether a column of that type reads the same from JSON."""
    plain = isinstance(kind, String | Integer | Numeric | DateTime)
    return plain and not isinstance(kind, LargeBinary)


def _parsed(texts: Sequence[Any], width: int) -> list[Raw] | None:
    """The rows; None where the server wrote what is no JSON, or not of all columns."""
    try:
        rows: list[Raw] = [_decode(text) for text in texts]
    except ValueError:
        return None
    return rows if all(len(row) == width for row in rows) else None


def _in_gaps(ids: Any, position: Position) -> Any:
    if len(position.gaps) > _MANY_GAPS:
        return and_(ids >= position.gaps[0].first, ids <= position.gaps[-1].last)
    return or_(*(ids.between(gap.first, gap.last) for gap in position.gaps))
