"""Running the pipeline: chunks that fit the database, rounds for the worker, a run to the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func, select

from app import waiting
from app.core.database import Databases, reading
from app.core.settings import Settings
from app.ledger.tables import account
from app.mediation.source import BACKLOG, LIVE
from app.pipeline import Overtaken, Pipeline
from app.rating.engine import EngineUnavailable
from app.rating.store import book_stamp

# A writing transaction on SQLite stops every other writer: keep it short.
_SQLITE_S = 0.05
_SERVER_S = 0.5
_LEAST, _MOST = 50, 5_000


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
class Runner:
    """A pipeline with its pace; one per process."""

    dbs: Databases
    settings: Settings
    pipeline: Pipeline = field(init=False)
    paces: dict[str, Pace] = field(init=False)
    _stamp: str = ""

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.dbs, self.settings)
        target = _SQLITE_S if self.dbs.panel.dialect.name == "sqlite" else _SERVER_S
        self.paces = {part: Pace(target) for part in (LIVE, BACKLOG)}

    def round(self, *, backlog_for_s: float = 0.4) -> int:
        """Everything new, some of the backlog, and what waits for a price; returns rows read."""
        self.pipeline.refresh()
        read = self._read_all(LIVE)
        until = time.monotonic() + backlog_for_s
        while time.monotonic() < until:
            step = self._step(BACKLOG)
            if not step:
                break
            read += step
        if not self.backlog_left():
            self.pipeline.sweep()
        self.price()
        return read

    def to_the_end(self, progress: Callable[[int], None]) -> None:
        """Reads everything that there is now; ``progress`` is told of rows as they are read."""
        self.pipeline.refresh()
        for part in (LIVE, BACKLOG):
            while True:
                step = self._step(part)
                if not step and not (part == BACKLOG and self.pipeline.bookmarks(BACKLOG)):
                    break
                progress(step)
        while self.pipeline.sweep():
            pass
        self.price()

    def price(self) -> int:
        """Prices what waits; an engine that is down is no failure here."""
        engine = self.pipeline.engine
        if engine is None:
            return 0
        with reading(self.dbs.panel) as connection:
            newest = connection.scalar(select(func.max(account.c.id)))
            stamp = f"{book_stamp(connection)}/{newest}"
        if stamp != self._stamp:
            if self._stamp:
                waiting.wake(self.dbs.panel)
            self._stamp = stamp
        try:
            return waiting.price_waiting(self.dbs.panel, engine, self.pipeline.source.name)
        except EngineUnavailable:
            return 0

    def backlog_left(self) -> int:
        """Ids between where the backlog is and where it ends."""
        marks = self.pipeline.bookmarks(BACKLOG)
        return sum((mark.until or 0) - mark.position.high for mark in marks)

    def _read_all(self, part: str) -> int:
        read = 0
        while True:
            read += self._step(part)
            if self.pipeline.drained:
                return read

    def _step(self, part: str) -> int:
        pace = self.paces[part]
        try:
            rows = self.pipeline.step(part, pace.limit)
        except Overtaken:
            return 0
        pace.timed(rows, self.pipeline.transaction_s)
        return rows
