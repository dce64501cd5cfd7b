"""Where rows come from: the switch's tables, and how far each has been read, in our database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select

from app.core import clock
from app.core.database import inserted_id, reading
from app.core.numbering import NumberPlan
from app.core.settings import Settings
from app.core.source_settings import CHARGING_SOURCE, MAIN_SOURCE
from app.mediation.call import ACC, MISSED, Row
from app.mediation.columns import Layout, lay_out, map_columns
from app.mediation.normalise import Habits
from app.mediation.number_rules import Rule, Rules, ordered
from app.mediation.position import Position, gaps_from_text, gaps_to_text
from app.mediation.tables import number_rule, reading_position, source
from app.opensips import tables

LIVE, BACKLOG = "live", "backlog"


@dataclass(frozen=True, slots=True)
class Source:
    """One place that rows come from."""

    id: int
    tenant_id: int
    name: str
    habits: Habits
    columns: str | None


@dataclass(frozen=True, slots=True)
class Reader:
    """One of a source's tables as it stands, with what its columns mean."""

    table: Table
    layout: Layout
    # as the switch's table of versions has it
    version: int = 0

    @property
    def name(self) -> str:
        return self.table.name


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A stored position: where one part of one table has been read to."""

    id: int
    table: str
    part: str
    epoch: int
    until: int | None
    version: int
    position: Position


def ensure_source(connection: Connection, settings: Settings) -> Source:
    """The first source, made from the settings when there is none yet."""
    return ensure_sources(connection, settings)[0]


def ensure_sources(connection: Connection, settings: Settings) -> list[Source]:
    """The sources that the settings name, the first one first, made when they are missing."""
    wanted = [MAIN_SOURCE, *(one.name for one in settings.sources)]
    there = set(connection.scalars(select(source.c.name)))
    for name in wanted:
        if name not in there:
            new = {
                "name": name,
                "zone": settings.source_zone,
                "country": settings.country,
                "trunk_prefix": settings.trunk_prefix,
                "created_at": clock.now_ms(),
            }
            inserted_id(connection.execute(source.insert(), new))
    return [one for one in load_sources(connection) if one.name in wanted]


def load_sources(connection: Connection, source_id: int | None = None) -> list[Source]:
    """All sources with a database, or one; the first one first, then as they were made."""
    rules: dict[int, list[Rule]] = {}
    for row in connection.execute(select(number_rule).order_by(number_rule.c.place)).mappings():
        rules.setdefault(row["source_id"], []).append(rule_of(row))
    query = select(source).where(source.c.name != CHARGING_SOURCE)
    if source_id is not None:
        query = query.where(source.c.id == source_id)
    return [
        Source(
            row.id,
            row.tenant_id,
            row.name,
            Habits(
                row.zone,
                NumberPlan(row.country, row.trunk_prefix),
                Rules(ordered(rules.get(row.id, ()))),
            ),
            row.columns,
        )
        for row in connection.execute(query.order_by(source.c.name != MAIN_SOURCE, source.c.id))
    ]


def rule_of(row: Mapping[Any, Any]) -> Rule:
    """A stored rule for numbers as a value."""
    return Rule(*(row[name] for name in Rule._fields))


def open_readers(switch: Engine, found: Source) -> list[Reader]:
    """Readers for ``acc`` (which must be there) and ``missed_calls`` (which may be)."""
    with reading(switch) as connection:
        versions = {ACC: tables.check_version(connection, ACC)}
        if tables.has_table(connection, MISSED):
            versions[MISSED] = tables.check_version(connection, MISSED)
        reflected = [tables.reflect(connection, name) for name in versions]
    return [
        Reader(
            table,
            lay_out(table.c.keys(), map_columns(table.c.keys(), found.columns)),
            versions[table.name],
        )
        for table in reflected
    ]


def note_sound(
    connection: Connection, source_id: int, versions: Mapping[str, int], waiting: int
) -> None:
    """Notes for the screens what of a source is read, and about how many rows are still to be."""
    connection.execute(
        source.update()
        .where(source.c.id == source_id)
        .values(
            looked_at=clock.now_ms(),
            versions=" ".join(f"{name}:{number}" for name, number in versions.items())[:64],
            waiting=waiting,
            problem="",
        )
    )


def note_problem(connection: Connection, source_id: int, sentence: str) -> None:
    """Notes for the screens why a source is not read."""
    values = {"looked_at": clock.now_ms(), "problem": sentence[:255]}
    connection.execute(source.update().where(source.c.id == source_id).values(values))


def written_at(row: Row, zone: str, now_ms: int) -> int:
    """About when the switch wrote the row: the end of its call."""
    if row.time is None:
        return now_ms
    return clock.wall_to_candidates(row.time, zone)[0] + row.ms_duration


def load_bookmarks(connection: Connection, source_id: int) -> list[Bookmark]:
    """The stored positions of a source's newest epoch, live ones first."""
    query = select(reading_position).where(reading_position.c.source_id == source_id)
    rows = connection.execute(query).all()
    newest = {
        row.table_name: max(r.epoch for r in rows if r.table_name == row.table_name) for row in rows
    }
    marks = [
        Bookmark(
            row.id,
            row.table_name,
            row.part,
            row.epoch,
            row.until_id,
            row.version,
            Position(row.settled_id, row.high_id, gaps_from_text(row.gaps), row.skipped_ids),
        )
        for row in rows
        if row.epoch == newest[row.table_name]
    ]
    return sorted(marks, key=lambda mark: (mark.part != LIVE, mark.table))


def save_position(connection: Connection, mark: Bookmark, position: Position) -> bool:
    """Moves a bookmark if nobody else has; False means: roll back, another reader was faster."""
    result = connection.execute(
        reading_position.update()
        .where(reading_position.c.id == mark.id, reading_position.c.version == mark.version)
        .values(
            settled_id=position.settled,
            high_id=position.high,
            gaps=gaps_to_text(position.gaps),
            skipped_ids=position.skipped,
            version=mark.version + 1,
            updated_at=clock.now_ms(),
        )
    )
    return result.rowcount == 1


def new_bookmark(
    connection: Connection,
    found: Source,
    table: str,
    *,
    part: str,
    epoch: int,
    start: int,
    until: int | None = None,
) -> None:
    """Stores a position at which reading begins: after the id ``start``."""
    connection.execute(
        reading_position.insert(),
        {
            "tenant_id": found.tenant_id,
            "source_id": found.id,
            "table_name": table,
            "part": part,
            "epoch": epoch,
            "until_id": until,
            "settled_id": start,
            "high_id": start,
            "gaps": "[]",
            "updated_at": clock.now_ms(),
        },
    )


def id_range(connection: Connection, reader: Reader) -> tuple[int, int] | None:
    """The lowest and highest id in the table, None when it is empty."""
    ids = reader.table.c.id
    row = connection.execute(select(func.min(ids), func.max(ids))).one()
    return None if row[0] is None else (int(row[0]), int(row[1]))
