"""Who is alive: each process writes a beat, ``/readyz`` and the start page read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.jobs.tables import heartbeat

# A process that was silent for this long is not coming back under its name.
_FORGET_MS = clock.DAY


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of a process: when (instant, ms) and what it said."""

    process: str
    at: int
    detail: Mapping[str, Any]


def beat(connection: Connection, process: str, detail: Mapping[str, Any] | None = None) -> None:
    """Writes that ``process`` is alive now.

    Name a process ``worker:HOST:PID`` where several of a kind may run; its kind is the first part.
    """
    now = clock.now_ms()
    values = {"at": now, "detail": json.dumps(dict(detail or {}))}
    query = update(heartbeat).where(heartbeat.c.process == process).values(values)
    if connection.execute(query).rowcount:
        return
    kind = process.partition(":")[0]
    connection.execute(delete(heartbeat).where(_of(kind), heartbeat.c.at < now - _FORGET_MS))
    try:
        with connection.begin_nested():
            connection.execute(heartbeat.insert().values(process=process, tenant_id=1, **values))
    except IntegrityError:
        connection.execute(query)


def forget(connection: Connection, process: str) -> None:
    """Takes a process off the list: it stops in good order."""
    connection.execute(delete(heartbeat).where(heartbeat.c.process == process))


def last(connection: Connection, process: str) -> Beat | None:
    """The newest beat of a process, or of any process of that kind."""
    query = select(heartbeat).where(_of(process)).order_by(heartbeat.c.at.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Beat(row.process, row.at, json.loads(row.detail or "{}"))


def alive(connection: Connection, process: str, within_ms: int) -> bool:
    """Whether the process, or one of that kind, has beaten within the last ``within_ms``."""
    found = last(connection, process)
    return found is not None and found.at >= clock.now_ms() - within_ms


def _of(process: str) -> ColumnElement[bool]:
    name = heartbeat.c.process
    return or_(name == process, name.startswith(f"{process}:", autoescape=True))
