"""What the databases say at the moment of a scrape: soon, or not at all, never as an error."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Connection, Select, column, func, select, table

from app.cdr import figures
from app.charging.tables import session as charging_session
from app.core import clock
from app.core.database import Databases
from app.core.patience import hurried
from app.core.source_settings import MAIN_SOURCE
from app.jobs.progress import RUNNING, WAITING
from app.jobs.tables import heartbeat, job
from app.mediation.position import Gap
from app.mediation.source import BACKLOG, LIVE, Bookmark, load_bookmarks
from app.mediation.suspense import counts
from app.mediation.tables import reading_position, source
from app.provisioning.pusher import UNFINISHED
from app.provisioning.tables import push

# A scrape may take so long altogether, a statement a part of it.
PATIENCE_S = 3.0
_STATEMENT_S = 1.0
_HELD = ("authorised", "started", "stopped")

# A table, the highest id that was read of it, and when (ms).
_Mark = tuple[str, int, int]
Reading = Callable[[Connection], Iterator[GaugeMetricFamily]]


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"companion_{name}", text, labels=labels)


def _by_state(
    found: GaugeMetricFamily, counted: dict[str, int], states: Sequence[str]
) -> GaugeMetricFamily:
    for state in states:
        found.add_metric([state], counted.get(state, 0))
    return found


def _suspense(connection: Connection) -> Iterator[GaugeMetricFamily]:
    found = _gauge("suspense_entries", "Rows of acc that are no calls yet.", "reason")
    for reason, count in sorted(counts(connection).items()):
        found.add_metric([reason], count)
    yield found


def _unpriced(connection: Connection) -> Iterator[GaugeMetricFamily]:
    found = _gauge("unpriced_calls", "Answered calls that wait for a price.")
    found.add_metric([], figures.unpriced_count(connection))
    yield found


def _work(connection: Connection) -> Iterator[GaugeMetricFamily]:
    for name, text, state, states in (
        ("jobs", "Long work that is not over.", job.c.state, (WAITING, RUNNING)),
        ("pushes_waiting", "Changes that a node has not proved.", push.c.state, UNFINISHED),
        ("charging_sessions", "Prepaid calls held.", charging_session.c.state, _HELD),
    ):
        query = select(state, func.count()).where(state.in_(states)).group_by(state)
        counted = {word: count for word, count in connection.execute(query)}
        yield _by_state(_gauge(name, text, "state"), counted, states)


def _beats(connection: Connection) -> Iterator[GaugeMetricFamily]:
    found = _gauge("heartbeat_age_seconds", "Since a process last gave a sign of life.", "process")
    newest: dict[str, int] = {}
    for name, at in connection.execute(select(heartbeat.c.process, heartbeat.c.at)):
        kind = name.partition(":")[0]
        newest[kind] = max(newest.get(kind, 0), at)
    for kind, at in sorted(newest.items()):
        found.add_metric([kind], max(0, clock.now_ms() - at) / 1000)
    yield found


def _bookmarks(connection: Connection, first: int | None = None) -> list[Bookmark]:
    """The positions of all sources, or of the ``first`` so many."""
    ids = select(source.c.id).order_by(source.c.name != MAIN_SOURCE, source.c.id)
    sources = connection.scalars(ids.limit(first)).all()
    return [mark for one in sources for mark in load_bookmarks(connection, one)]


def _reading(connection: Connection) -> Iterator[GaugeMetricFamily]:
    backlog = _gauge("pipeline_backlog_rows", "Ids of old rows still to be read.", "table")
    waits = _gauge("pipeline_gap_age_seconds", "Since the oldest missing id is awaited.", "table")
    left: dict[str, int] = {}
    gaps: dict[str, list[Gap]] = {}
    for mark in _bookmarks(connection):
        gaps.setdefault(mark.table, []).extend(mark.position.gaps)
        rest = (mark.until or 0) - mark.position.high if mark.part == BACKLOG else 0
        left[mark.table] = left.get(mark.table, 0) + max(0, rest)
    for name in sorted(left):
        backlog.add_metric([name], left[name])
        since = min((gap.since for gap in gaps[name]), default=None)
        waits.add_metric([name], 0 if since is None else max(0, clock.now_ms() - since) / 1000)
    yield from (backlog, waits)


def _live(connection: Connection) -> list[_Mark]:
    """Where live reading of each table of the first source is, its newest epoch."""
    marks = {mark.id: mark for mark in _bookmarks(connection, 1) if mark.part == LIVE}
    moved = select(reading_position.c.id, reading_position.c.updated_at)
    rows = connection.execute(moved.where(reading_position.c.id.in_(marks)))
    return [(marks[one].table, marks[one].position.high, at) for one, at in rows]


def _sources(connection: Connection) -> Iterator[GaugeMetricFamily]:
    """What the worker noted of each source that it has met."""
    up = _gauge("source_up", "1 while the worker reads the source.", "source")
    waits = _gauge("source_waiting_rows", "Ids of the source still to be read.", "source")
    query = select(source.c.name, source.c.problem, source.c.waiting)
    for name, problem, waiting in connection.execute(query.where(source.c.looked_at.is_not(None))):
        up.add_metric([name], int(not problem))
        waits.add_metric([name], waiting or 0)
    yield from (up, waits)


# Ours, the cheap ones first: what comes after the time limit is left out.
OURS: tuple[Reading, ...] = (_beats, _work, _sources, _unpriced, _reading, _suspense)


class Gauges:
    """Asks both databases, in a thread of its own; one that hangs does not hang the scrape."""

    def __init__(self, find: Callable[[], Databases]) -> None:
        self.find = find
        self._busy = threading.Lock()

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registering asks no database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What is known within PATIENCE_S; ``companion_database_up`` 0 where nothing is."""
        found: list[GaugeMetricFamily] = []
        up: list[str] = []
        # While an earlier question still hangs, another one would only hang beside it.
        if self._busy.acquire(blocking=False):
            thread = threading.Thread(target=self._ask, args=(self.find(), found, up), daemon=True)
            thread.start()
            thread.join(PATIENCE_S)
        yield from list(found)
        answers = _gauge("database_up", "1 when the database answers.", "database")
        for name in ("panel", "switch"):
            answers.add_metric([name], int(name in up))
        yield answers
        yield _build()

    def _ask(self, dbs: Databases, found: list[GaugeMetricFamily], up: list[str]) -> None:
        marks: list[_Mark] = []
        try:
            with hurried(dbs.panel, _STATEMENT_S) as connection:
                marks = _live(connection)
                up.append("panel")
            for read in OURS:
                self._read(dbs, read, found)
        except Exception:  # noqa: BLE001, S110 - database_up says it; a scrape never fails
            pass
        try:
            self._ask_switch(dbs, marks, found)
            up.append("switch")
        except Exception:  # noqa: BLE001, S110 - likewise
            pass
        finally:
            self._busy.release()

    def _read(self, dbs: Databases, read: Reading, found: list[GaugeMetricFamily]) -> None:
        # Each by itself: PostgreSQL ends the transaction with the first statement that fails.
        try:
            with hurried(dbs.panel, _STATEMENT_S) as connection:
                found.extend(read(connection))
        except Exception:  # noqa: BLE001, S110 - one gauge less
            pass

    def _ask_switch(
        self, dbs: Databases, marks: list[_Mark], found: list[GaugeMetricFamily]
    ) -> None:
        lag = _gauge("pipeline_lag_rows", "New rows that were not read yet.", "table")
        stalled = _gauge(
            "pipeline_stalled_seconds", "Since reading moved while new rows wait.", "table"
        )
        with hurried(dbs.switch, _STATEMENT_S) as connection:
            connection.scalar(select(1))
            for name, high, moved_at in marks:
                newest: Select[Any] = select(func.max(column("id"))).select_from(table(name))
                rows = max(0, (connection.scalar(newest) or 0) - high)
                lag.add_metric([name], rows)
                since = max(0, clock.now_ms() - moved_at) / 1000
                stalled.add_metric([name], since if rows else 0)
        found.extend((lag, stalled))


@cache
def _versions() -> tuple[str, ...]:
    return (platform.python_version(), version("flask"), version("sqlalchemy"))


def _build() -> GaugeMetricFamily:
    found = _gauge("build_info", "What the panel runs on.", "python", "flask", "sqlalchemy")
    found.add_metric(_versions(), 1)
    return found
