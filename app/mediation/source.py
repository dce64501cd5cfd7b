"""Where rows come from: the switch's tables, and how far each has been read, in our database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, func, select

from app.core import clock
from app.core.database import inserted_id
from app.core.numbering import NumberPlan
from app.core.settings import Settings
from app.mediation.call import ACC, MISSED, Row
from app.mediation.columns import Layout, lay_out, map_columns
from app.mediation.normalise import Habits
from app.mediation.position import Position, gaps_from_text, gaps_to_text
from app.mediation.tables import reading_position, source
from app.opensips import tables

LIVE, BACKLOG = "live", "backlog"
# A few gaps are asked for one by one; many are cheaper as one range.
_MANY_GAPS = 50


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
    row = connection.execute(select(source).order_by(source.c.id)).first()
    if row is None:
        new = {
            "name": "opensips",
            "zone": settings.source_zone,
            "country": settings.country,
            "trunk_prefix": settings.trunk_prefix,
            "created_at": clock.now_ms(),
        }
        inserted_id(connection.execute(source.insert(), new))
    return load_sources(connection)[0]


def load_sources(connection: Connection) -> list[Source]:
    """All sources, oldest first."""
    return [
        Source(
            row.id,
            row.tenant_id,
            row.name,
            Habits(row.zone, NumberPlan(row.country, row.trunk_prefix)),
            row.columns,
        )
        for row in connection.execute(select(source).order_by(source.c.id))
    ]


def open_readers(switch: Engine, found: Source) -> list[Reader]:
    """Readers for ``acc`` (which must be there) and ``missed_calls`` (which may be)."""
    with switch.connect() as connection:
        tables.check_version(connection, ACC)
        names = [ACC]
        if tables.has_table(connection, MISSED):
            tables.check_version(connection, MISSED)
            names.append(MISSED)
        reflected = [tables.reflect(connection, name) for name in names]
    return [
        Reader(table, lay_out(table.c.keys(), map_columns(table.c.keys(), found.columns)))
        for table in reflected
    ]


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
