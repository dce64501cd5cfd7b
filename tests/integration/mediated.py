"""A switch's rows through the panel's own mediation, without a panel around it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, text

from app.core import clock
from app.core.numbering import NumberPlan
from app.mediation.call import Call, Row
from app.mediation.columns import build_row, lay_out, map_columns
from app.mediation.correlate import Sorted, correlate
from app.mediation.normalise import Habits, normalise

_HABITS = Habits("UTC", NumberPlan("", ""))


def mediate(engine: Engine, prefix: str) -> list[Call]:
    """The calls whose Call-IDs begin with ``prefix-``; AssertionError when a row is left over."""
    found = sort_rows(engine, prefix)
    assert not found.waiting, found.waiting
    assert not found.leftovers, found.leftovers
    return calls_of(found)


def sort_rows(engine: Engine, prefix: str) -> Sorted:
    """The rows of these calls, correlated."""
    rows: list[Row] = []
    now = clock.now_ms()
    with engine.connect() as connection:
        for table in ("acc", "missed_calls"):
            query = text(f"SELECT * FROM {table} WHERE callid LIKE :prefix ORDER BY id")
            for found in connection.execute(query, {"prefix": f"{prefix}-%"}).mappings():
                raw: dict[str, Any] = dict(found)
                layout = lay_out(raw, map_columns(raw, None))
                rows.append(build_row(table, layout.from_mapping(raw), layout, now))
    return correlate(rows)


def calls_of(found: Sorted) -> list[Call]:
    """The calls that correlated rows are."""
    calls = [normalise(one, _HABITS) for one in found.calls]
    return [call for call in calls if isinstance(call, Call)]
