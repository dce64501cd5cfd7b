"""Is a row still as it was seen? Asked by the writer before it writes, by undo before it tries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.words import _
from app.provisioning.tools.declaration import Row, Tool


def same(current: Row | None, image: Mapping[str, Any] | None) -> bool:
    """Whether the row has the image's values; columns that it does not name do not count."""
    if current is None or image is None:
        return current is None and image is None
    return all(current.get(name) == value for name, value in image.items())


def difference(
    used: Tool, row_id: object, seen: Mapping[str, Any] | None, current: Row | None
) -> str:
    """In one sentence how the row is not as it was seen."""
    if current is None:
        return _(
            "Row %(id)s of %(table)s was deleted meanwhile; nothing was written.",
            id=row_id,
            table=used.table,
        )
    if seen is None:
        return _(
            "Row %(id)s of %(table)s is there again, made by somebody else; nothing was written.",
            id=row_id,
            table=used.table,
        )
    for name, value in seen.items():
        if current.get(name) != value:
            return _(
                "Row %(id)s of %(table)s was changed meanwhile by somebody else: %(label)s is"
                " %(now)s, it was %(then)s. Nothing was written.",
                id=row_id,
                table=used.table,
                label=label(used, name),
                now=repr(current.get(name)),
                then=repr(value),
            )
    return _(
        "Row %(id)s of %(table)s is not as it was; nothing was written.",
        id=row_id,
        table=used.table,
    )


def label(used: Tool, name: str) -> str:
    """What people call the column."""
    column = used.names.get(name)
    return f"“{column.label}”" if column else name
