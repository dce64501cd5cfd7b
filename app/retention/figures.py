"""How much there is of each kind of data, since when, and what the next run would remove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from app.cdr.tables import answered, failed, unpriced
from app.core import clock
from app.mediation.call import Flag
from app.retention import drop
from app.retention.decisions import ANSWERED, FAILED, KINDS, NUMBERS, Decision, cutoff

# Counting stops here: "more than".
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Figures:
    """One kind: calls there (at most MOST + 1), the oldest's set-up time, calls and partitions
    that are due, calls that are due but have to stay since they wait for a price."""

    kind: str
    there: int
    since: int | None
    due: int
    parts: int
    waiting: int
    until: int | None


def of(connection: Connection, decision: Decision, now_ms: int | None = None) -> Figures:
    """The figures of a kind under a decision, which need not be the one that is stored."""
    until = cutoff(decision, clock.now_ms() if now_ms is None else now_ms)
    tables = {ANSWERED: (answered,), FAILED: (failed,), NUMBERS: (answered, failed)}[decision.kind]
    removed = int(Flag.NUMBERS_REMOVED)
    there = due = parts = 0
    oldest: list[int] = []
    for table in tables:
        limits = [table.c.flags.op("&")(removed) == 0] if decision.kind == NUMBERS else []
        there += _count(connection, table, limits)
        found = connection.scalar(select(func.min(table.c.setup_at)))
        oldest += [] if found is None else [int(found)]
        if until is None:
            continue
        edge = until
        if decision.kind != NUMBERS and connection.dialect.name != "sqlite":
            ready = drop.due_parts(connection, table, until)
            parts += len(ready)
            edge = max((part.high for part in ready), default=0)
        due += _count(connection, table, [*limits, table.c.setup_at < edge])
    waiting = 0
    if until is not None and decision.kind != FAILED:
        query = select(func.count()).select_from(unpriced).where(unpriced.c.setup_at < until)
        waiting = connection.scalar(query) or 0
    return Figures(decision.kind, there, min(oldest, default=None), due, parts, waiting, until)


def all_of(connection: Connection, decisions: dict[str, Decision]) -> list[Figures]:
    """The figures of all kinds, in their order."""
    return [of(connection, decisions[kind]) for kind in KINDS]


def _count(connection: Connection, table: Table, limits: list[Any]) -> int:
    some = select(table.c.id).where(*limits).limit(MOST + 1).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0
