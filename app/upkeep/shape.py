"""Which tables and rows a database of ours has at a revision, before anybody used it.

Known by making one: an empty SQLite database in memory is migrated to that revision and looked at.
So a backup may be taken before an upgrade too, when the code already knows the tables of after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    select,
)

from app.core import schema
from app.core.database import make_engine, metadata, reading
from app.core.errors import CompanionError

_KINDS = (Boolean, Date, DateTime, Integer, LargeBinary, Numeric, String)


class UpkeepError(CompanionError):
    """A backup, restore or upgrade cannot be done; nothing was changed unless it says so."""

    code = "upkeep"


@dataclass(frozen=True, slots=True)
class Shape:
    """The tables at a revision, in the order of their names, and the rows they begin with."""

    revision: str
    tables: dict[str, Table]
    seeds: dict[str, set[tuple[Any, ...]]]


def at(revision: str) -> Shape:
    """The shape at that revision; raises UpkeepError when this version does not know it."""
    if not schema.knows(revision):
        raise UpkeepError(
            f"This version does not know the schema revision {revision}.",
            "Use the version of OpenSIPS Companion that made it, or a newer one.",
        )
    engine = make_engine("sqlite://")
    try:
        schema.upgrade(engine, revision)
        with reading(engine) as connection:
            found = MetaData()
            found.reflect(connection)
            tables = {
                name: _typed(table)
                for name, table in sorted(found.tables.items())
                if name != "alembic_version"
            }
            seeds = {
                name: {tuple(row) for row in connection.execute(select(table))}
                for name, table in tables.items()
            }
    finally:
        engine.dispose()
    return Shape(revision, tables, seeds)


def _typed(table: Table) -> Table:
    """The table with the types that the code knows its columns by, where it knows them."""
    known = metadata.tables.get(table.name)
    for column in table.c:
        if known is not None and column.name in known.c:
            column.type = known.c[column.name].type
        if not isinstance(column.type, _KINDS):
            raise UpkeepError(f"{table.name}.{column.name} is of a kind that no backup can keep.")
    return table
