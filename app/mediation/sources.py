"""Sources as people look after them: what is set, what was met, which columns mean what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select

from app.core.database import LARGEST_ID, Databases
from app.core.errors import InvalidInput, NotFound
from app.core.patience import hurried
from app.core.source_settings import CHARGING_SOURCE, MAIN_SOURCE
from app.core.words import _
from app.identity import audit
from app.mediation.call import ACC
from app.mediation.columns import STOCK, USUAL_NAMES, guess
from app.mediation.tables import reading_position, source, suspense
from app.opensips import tables
from app.shell.zones import find_zone

# What can be set, beside the mapping of columns.
FIELDS = ("zone", "country", "trunk_prefix")
# So long, in seconds, a screen waits for a statement of a source's database.
_PATIENCE_S = 3.0
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Meaning:
    """A meaning, the column that has it now and the one that its name suggests (None: none).

    ``choice`` is what was chosen: a column, "" for none, None for a guess by name. ``sample`` is
    what stands in the newest row.
    """

    name: str
    column: str | None
    guess: str | None
    choice: str | None
    sample: str | None


@dataclass(frozen=True, slots=True)
class Columns:
    """The operator's columns of a source's ``acc`` and their meanings; ``samples`` by column."""

    names: tuple[str, ...]
    samples: Mapping[str, str | None]
    meanings: tuple[Meaning, ...]


def over() -> Select[Any]:
    """The query of all sources that rows come from."""
    return select(source).where(source.c.name != CHARGING_SOURCE)


def get(connection: Connection, source_id: int) -> RowMapping:
    """One source; raises NotFound."""
    wanted = source.c.id == min(source_id, LARGEST_ID)
    row = connection.execute(over().where(wanted)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such source."), _("Look for it in the list."))
    return row


def named(connection: Connection, name: str) -> RowMapping:
    """One source by its name; raises NotFound."""
    row = connection.execute(over().where(source.c.name == name)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such source."), _("Look for it in the list."))
    return row


def problem_of(row: Mapping[Any, Any], dbs: Databases) -> str:
    """Why a source is not read, empty where it is."""
    if row["name"] != MAIN_SOURCE and row["name"] not in dbs.others:
        return _("PANEL_SOURCES names it no more, so its rows are not read.")
    return str(row["problem"])


def versions_of(row: Mapping[Any, Any]) -> list[tuple[str, int]]:
    """The switch's tables that are read, each with its version in the switch's own table."""
    pairs = (part.partition(":") for part in row["versions"].split())
    return [(name, int(number)) for name, _sign, number in pairs]


def moved_at(connection: Connection, source_id: int) -> int | None:
    """When rows of a source were last read."""
    mine = reading_position.c.source_id == source_id
    found = connection.scalar(select(func.max(reading_position.c.updated_at)).where(mine))
    return None if found is None else int(found)


def suspended(connection: Connection, source_id: int) -> int:
    """How many of its rows lie in suspense."""
    query = select(func.count()).select_from(suspense).where(suspense.c.source_id == source_id)
    return connection.scalar(query) or 0


def mapping_of(row: Mapping[Any, Any]) -> dict[str, str]:
    """The chosen columns by meaning; "" is none, what is missing is guessed."""
    found: dict[str, str] = json.loads(row["columns"]) if row["columns"] else {}
    return found


def columns_of(dbs: Databases, row: Mapping[Any, Any]) -> Columns:
    """What stands in the source's database now; raises DatabaseUnavailable, SwitchTableError."""
    with hurried(dbs.of_source(row["name"]).switch, _PATIENCE_S) as connection:
        table = tables.reflect(connection, ACC)
        newest = connection.execute(select(table).order_by(table.c.id.desc()).limit(1))
        values: Mapping[Any, Any] = newest.mappings().first() or {}
    names = tuple(name for name in table.c.keys() if name not in STOCK)
    samples = {name: _short(values.get(name)) for name in names}
    chosen = mapping_of(row)
    meanings = []
    for meaning in USUAL_NAMES:
        guessed, choice = guess(table.c.keys(), meaning), chosen.get(meaning)
        column = choice if choice in names else guessed if choice != "" else None
        sample = samples.get(column) if column else None
        meanings.append(Meaning(meaning, column, guessed, choice, sample))
    return Columns(names, samples, tuple(meanings))


def change(connection: Connection, row: RowMapping, values: Mapping[str, Any]) -> RowMapping:
    """Sets ``zone``, ``country``, ``trunk_prefix`` or ``columns`` (by meaning) and notes it.

    Calls that are stored stay as they are; the worker takes it up with its next round. Raises
    InvalidInput with the field.
    """
    stored: dict[str, str | None] = {
        name: _checked(name, str(values[name])) for name in FIELDS if name in values
    }
    if "columns" in values:
        chosen = _mapping(values["columns"])
        stored["columns"] = json.dumps(chosen, ensure_ascii=False) if chosen else None
    after = {name: value for name, value in stored.items() if value != row[name]}
    if not after:
        return row
    connection.execute(source.update().where(source.c.id == row["id"]).values(after))
    audit.record(
        connection,
        action="source.change",
        object=f"source:{row['name']}",
        before={name: _told(name, row[name]) for name in after},
        after={name: _told(name, value) for name, value in after.items()},
    )
    return get(connection, row["id"])


def _checked(name: str, text: str) -> str:
    text = text.strip()
    if name == "zone":
        return find_zone(text)
    if text and not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise InvalidInput(_("Use up to four digits, or leave it empty."), "", name)
    return text


def _mapping(chosen: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for meaning, column in chosen.items():
        if meaning not in USUAL_NAMES or column in STOCK or len(column) > 128:
            raise InvalidInput(_("A column cannot have that meaning."), "", meaning)
        found[meaning] = column
    return dict(sorted(found.items()))


def _told(name: str, value: Any) -> Any:
    return json.loads(value) if name == "columns" and value else value


def _short(value: Any) -> str | None:
    if value is None:
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
