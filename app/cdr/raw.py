"""The switch's own rows of a CDR, as they stand in its tables now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.core.database import Databases, reading
from app.core.source_settings import CHARGING_SOURCE, MAIN_SOURCE
from app.mediation.call import ACC, MISSED
from app.mediation.tables import source
from app.opensips import tables


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of ``acc`` or ``missed_calls``; ``values`` is None when it is not there any more."""

    table: str
    id: int
    values: Mapping[str, str | None] | None


def rows(dbs: Databases, cdr: Mapping[str, Any]) -> list[RawRow]:
    """The rows that a CDR is made of, in its order."""
    names = str(cdr["acc_ids"]).split()
    if not names:
        return []
    with reading(dbs.panel) as connection:
        query = select(source.c.name).where(source.c.id == cdr["source_id"])
        name = connection.scalar(query) or MAIN_SOURCE
    # A session's CDR named no source while there was only one.
    where = dbs.of_source(MAIN_SOURCE if name == CHARGING_SOURCE else name)
    found = []
    with reading(where.switch) as connection:
        for name in names:
            table_name, _, row_id = name.partition(":")
            if table_name not in (ACC, MISSED):
                continue
            table = tables.reflect(connection, table_name)
            wanted = (table.c.id == int(row_id)) & (table.c.callid == cdr["call_id"])
            row = connection.execute(select(table).where(wanted)).mappings().first()
            values = None if row is None else {key: _text(row[key]) for key in row}
            found.append(RawRow(table_name, int(row_id), values))
    return found


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
