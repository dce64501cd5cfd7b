"""One source among several: its pipeline, its pace, and what becomes of it when it is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.core.database import Databases, ping, reading, writing
from app.core.errors import CompanionError
from app.core.settings import Settings
from app.mediation.source import (
    BACKLOG,
    LIVE,
    Source,
    id_range,
    load_sources,
    note_problem,
    note_sound,
)
from app.mediation.tables import suspense
from app.pipeline import Overtaken, Pipeline
from app.rating import engines

log = logging.getLogger(__name__)

# A writing transaction on SQLite stops every other writer: keep it short.
_SQLITE_S = 0.05
_SERVER_S = 0.5
_LEAST, _MOST = 50, 5_000
# A source that is away is asked again after so many seconds, doubled each time.
_FIRST_S, _LAST_S = 1.0, 60.0


@dataclass(slots=True)
class Pace:
    """How many rows one step takes, so that its transaction lasts about as long as it may."""

    target_s: float
    limit: int = 500

    def timed(self, rows: int, seconds: float) -> None:
        """Learns from a step that was full enough to tell."""
        if rows < self.limit // 2 or seconds <= 0:
            return
        fitting = int(rows * self.target_s / seconds)
        self.limit = max(_LEAST, min(_MOST, self.limit * 2, fitting))


@dataclass(slots=True)
class Lane:
    """One source's pipeline in a process; none while its database cannot be read.

    ``alone``: there is no other source, so what goes wrong is raised.
    """

    dbs: Databases
    settings: Settings
    found: Source
    tariffs: engines.Current
    alone: bool
    pipeline: Pipeline | None = None
    problem: Exception | None = None
    paces: dict[str, Pace] = field(init=False)
    _pause_s: float = _FIRST_S
    _again_at: float = 0.0
    _asking: threading.Thread | None = None
    _answers: bool = False

    def __post_init__(self) -> None:
        target = _SQLITE_S if self.dbs.panel.dialect.name == "sqlite" else _SERVER_S
        self.paces = {part: Pace(target) for part in (LIVE, BACKLOG)}

    def do(self, deed: Callable[[Pipeline], int]) -> int:
        """What a deed gives; 0 where the source rests, or goes to rest since it went wrong."""
        if self.problem is not None:
            return 0
        try:
            if self.pipeline is None:
                self.pipeline = Pipeline(self.dbs, self.settings, self.found, self.tariffs)
            return deed(self.pipeline)
        except Overtaken:
            return 0
        except Exception as error:
            ping(self.dbs.panel)  # where ours is away nobody can go on
            self._rest(error)
            if self.alone:
                raise
            return 0

    def refresh(self, pipeline: Pipeline) -> int:
        """Before every round: what has changed."""
        pipeline.refresh()
        self._pause_s = _FIRST_S
        return 0

    def step(self, part: str) -> int:
        """One step of a part; how many rows it read."""

        def one(pipeline: Pipeline) -> int:
            pace = self.paces[part]
            rows = pipeline.step(part, pace.limit)
            pace.timed(rows, pipeline.transaction_s)
            return rows

        return self.do(one)

    @property
    def drained(self) -> bool:
        """Whether there is nothing to be read at once."""
        return self.problem is not None or self.pipeline is None or self.pipeline.drained

    def wake(self) -> None:
        """Asks a source that rests, in a thread, whether it answers; then it is read again."""
        if self.problem is None:
            return
        if self._asking is None:
            if time.monotonic() >= self._again_at:
                self._asking = threading.Thread(target=self._ask, daemon=True)
                self._asking.start()
        elif not self._asking.is_alive():
            self._asking = None
            if self._answers:
                self.problem = None
            else:
                self._wait()

    def tell(self, pipeline: Pipeline) -> int:
        """Notes for the screens what is read and how much waits."""
        waiting = live_left(pipeline) + backlog_left(pipeline)
        versions = {reader.name: reader.version for reader in pipeline.readers}
        with writing(self.dbs.panel) as connection:
            note_sound(connection, self.found.id, versions, waiting)
        return waiting

    def _ask(self) -> None:
        self._answers = False
        try:
            ping(self.dbs.of_source(self.found.name).switch)
        except CompanionError:
            return
        self._answers = True

    def _rest(self, error: Exception) -> None:
        # Whoever is alone is tried again by whoever was told.
        self.problem, self.pipeline = None if self.alone else error, None
        self._wait()
        sentence = _in_words(error)
        if isinstance(error, CompanionError | DBAPIError):
            log.error("source %s is not read: %s", self.found.name, sentence)
        else:
            log.error("source %s is not read", self.found.name, exc_info=error)
        with writing(self.dbs.panel) as connection:
            note_problem(connection, self.found.id, sentence)

    def _wait(self) -> None:
        self._again_at = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2, _LAST_S)


def backlog_left(pipeline: Pipeline) -> int:
    """Ids between where the backlog is and where it ends."""
    return sum((mark.until or 0) - mark.position.high for mark in pipeline.bookmarks(BACKLOG))


def live_left(pipeline: Pipeline) -> int:
    """About how many rows of the live part are still to be read."""
    left = 0
    highs = {mark.table: mark.position.high for mark in pipeline.bookmarks(LIVE)}
    with reading(pipeline.dbs.switch) as connection:
        for reader in pipeline.readers:
            span = id_range(connection, reader)
            left += max(span[1] - highs.get(reader.name, 0), 0) if span else 0
    return left


def replay(dbs: Databases, settings: Settings, ids: Sequence[int]) -> tuple[int, int]:
    """Mediates suspense entries again, each by its source's rules: (used now, still suspended).

    Entries of a source that is away stay; where all are away, the error is raised.
    """
    with reading(dbs.panel) as connection:
        sources = load_sources(connection)
        query = select(suspense.c.id, suspense.c.source_id).where(suspense.c.id.in_(list(ids)))
        of = {entry: source_id for entry, source_id in connection.execute(query)}
    tariffs = engines.Current(settings, dbs.panel)
    # Entries of a source that there is no more stay.
    known = {found.id for found in sources}
    used, still = 0, sum(source_id not in known for source_id in of.values())
    errors: list[CompanionError] = []
    tried = 0
    for found in sources:
        mine = [entry for entry in ids if of.get(entry) == found.id]
        if not mine:
            continue
        tried += 1
        try:
            done, left = Pipeline(dbs, settings, found, tariffs).replay(mine)
        except CompanionError as error:
            ping(dbs.panel)
            log.warning("suspense of source %s stays: %s", found.name, error)
            errors.append(error)
            done, left = 0, len(mine)
        used, still = used + done, still + left
    if errors and len(errors) == tried:
        raise errors[0]
    return used, still


def _in_words(error: Exception) -> str:
    if isinstance(error, CompanionError):
        return str(error)
    if isinstance(error, DBAPIError):
        return str(error.orig).splitlines()[0]
    return f"{type(error).__name__}: see the worker's log."
