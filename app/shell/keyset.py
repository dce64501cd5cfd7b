"""Pages of a list by the place of their last row: as fast on page 10,000 as on the first.

Conditions are written expanded, ``a <= x AND (a < x OR b < y)``: row values are not walked by
index in MariaDB.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_

from app.core.errors import InvalidInput
from app.core.words import _

# Longer texts are in no column that lists are sorted by.
_LONGEST = 1024
Value = int | str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the values of its last row by which the list is sorted."""

    values: tuple[Value, ...]
    backwards: bool = False

    def __str__(self) -> str:
        packed = json.dumps(self.values, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")

    @classmethod
    def parse(cls, text: str, backwards: bool = False) -> Place:
        """The place of a text from an address; InvalidInput when it is none."""
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            values = json.loads(packed)
        except (binascii.Error, ValueError, RecursionError) as exc:
            raise no_place() from exc
        if not isinstance(values, list) or not all(map(_is_value, values)):
            raise no_place()
        return cls(tuple(values), backwards)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as they are shown, and the places where the neighbours go on; None where it ends.

    ``note`` is a sentence that stands beside the pager.
    """

    rows: Sequence[Any]
    older: str | None = None
    newer: str | None = None
    note: str = ""


def no_place() -> InvalidInput:
    """What is said of a cursor that was not made here."""
    return InvalidInput(
        _("This is no place in the list."), _("Start from its first page."), "after"
    )


def page(
    connection: Connection,
    query: Select[Any],
    keys: Mapping[str, ColumnElement[Any]],
    *,
    descending: bool,
    place: Place | None,
    limit: int,
) -> Page:
    """One page of a query sorted by ``keys``: name in the row → column that is never NULL.

    The last key must be unique. ``limit`` rows at most; one more is read to see whether it ends.
    """
    columns = list(keys.values())
    backwards = place is not None and place.backwards
    falling = descending != backwards
    if place is not None:
        _check(place, columns)
        query = query.where(beyond(columns, place.values, falling))
    order = [column.desc() if falling else column.asc() for column in columns]
    rows = [
        dict(row) for row in connection.execute(query.order_by(*order).limit(limit + 1)).mappings()
    ]
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()
    if not rows:
        return Page([])
    first, last = (str(Place(tuple(row[name] for name in keys))) for row in (rows[0], rows[-1]))
    older = last if more or backwards else None
    newer = first if (more if backwards else place is not None) else None
    return Page(rows, older, newer)


def beyond(
    columns: Sequence[ColumnElement[Any]], values: Sequence[Value], falling: bool
) -> ColumnElement[bool]:
    """The condition for rows after a place, in the order of the columns."""
    column, value = columns[0], values[0]
    after = column < value if falling else column > value
    if len(columns) == 1:
        return after
    bound = column <= value if falling else column >= value
    return and_(bound, or_(after, beyond(columns[1:], values[1:], falling)))


def _is_value(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) < 2**63
    if not isinstance(value, str) or len(value) > _LONGEST or "\x00" in value:
        return False
    # JSON can name halves of surrogate pairs; no database takes those.
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _check(place: Place, columns: Sequence[ColumnElement[Any]]) -> None:
    kinds = [column.type.python_type for column in columns]
    if len(kinds) != len(place.values) or not all(
        isinstance(value, int) == issubclass(kind, int)
        for value, kind in zip(place.values, kinds, strict=True)
    ):
        raise no_place()
