"""Quick questions to the switch's tables by their stock columns, without reflecting them."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Engine, RowMapping, Select, Table
from sqlalchemy.exc import DBAPIError

from app.core.patience import hurried
from app.opensips.tables import reflect, stock_metadata


@cache
def stock() -> dict[str, Table]:
    """The stock tables by name."""
    return dict(stock_metadata().tables)


def ask(engine: Engine, name: str, query: Select[Any], seconds: float) -> list[RowMapping]:
    """The rows of a query on the stock table ``name``.

    Raises SwitchTableError when the table is not there.
    """
    try:
        with hurried(engine, seconds) as connection:
            return list(connection.execute(query).mappings())
    except DBAPIError:
        reflect(engine, name)
        raise
