"""A tool's rows as lists show them: filtered, searched, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table, or_, select

from app.opensips.tables import check_version, reflect
from app.provisioning.tools.declaration import Column, Tool
from app.shell.keyset import Page
from app.shell.listing import Asked

# So many values of a column are offered to choose from.
MOST_VALUES = 200


def table_of(connection: Connection, tool: Tool) -> Table:
    """The tool's table; raises SwitchTableError when it is missing or of an unknown version."""
    check_version(connection, tool.table)
    return reflect(connection, tool.table)


def page(
    connection: Connection, tool: Tool, asked: Asked, chosen: Mapping[str, Any], text: str
) -> Page:
    """Rows with the chosen values and the text, in the order that was asked for."""
    table = table_of(connection, tool)
    keys = {name: table.c[name] for name in (*tool.order, tool.key)}
    sorts = {column.name: table.c[column.name] for column in tool.columns if sortable(column)}
    return asked.page(connection, query(table, tool, chosen, text), sorts, **keys)


def query(table: Table, tool: Tool, chosen: Mapping[str, Any], text: str) -> Select[Any]:
    """The rows with the chosen values and the text in one of the columns that are searched."""
    found = select(table)
    for name, value in chosen.items():
        found = found.where(table.c[name] == value)
    searched = [table.c[column.name] for column in tool.columns if column.search]
    if text and searched:
        found = found.where(or_(*(column.icontains(text, autoescape=True) for column in searched)))
    return found


def values_of(connection: Connection, tool: Tool, name: str) -> list[Any]:
    """The values that a column has, in their order; MOST_VALUES and one where there are more."""
    column = table_of(connection, tool).c[name]
    query = select(column).where(column.is_not(None)).distinct().order_by(column)
    return list(connection.scalars(query.limit(MOST_VALUES + 1)))


def sortable(column: Column) -> bool:
    """Whether lists can be sorted by it: only what is never NULL has a place."""
    return column.required or column.kind in ("choice", "flag")
