"""Running the pipeline: chunks that fit the database, rounds for the worker, a run to the end."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func, select

from app import waiting
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.lanes import Lane, backlog_left, live_left
from app.ledger.tables import account
from app.mediation.source import BACKLOG, LIVE, ensure_sources
from app.pipeline import Pipeline
from app.rating import engines
from app.rating.engine import EngineUnavailable
from app.rating.store import book_stamp

# So often, in seconds, the screens are told how far each source is.
_TELL_S = 10


@dataclass(slots=True)
class Runner:
    """The pipelines of all sources with their paces; one per process.

    A source that cannot be read rests and is looked at again beside the others' work; where none
    can be read, the first one's error is raised.
    """

    dbs: Databases
    settings: Settings
    lanes: list[Lane] = field(init=False)
    _stamp: str = ""
    _turn: int = 0
    _told_at: float | None = None

    def __post_init__(self) -> None:
        _suit_python()
        with writing(self.dbs.panel) as connection:
            sources = ensure_sources(connection, self.settings)
        tariffs, alone = engines.Current(self.settings, self.dbs.panel), len(sources) == 1
        self.lanes = [
            Lane(self.dbs, self.settings, found, tariffs, alone=alone) for found in sources
        ]
        for lane in self.lanes:
            lane.do(lambda _pipeline: 0)
        self._insist()

    @property
    def pipeline(self) -> Pipeline:
        """The first source's; raises why that one is not read."""
        lane = self.lanes[0]
        lane.do(lambda _pipeline: 0)
        if lane.pipeline is None:
            raise lane.problem or LookupError(lane.found.name)
        return lane.pipeline

    @property
    def pipelines(self) -> list[Pipeline]:
        """Those of all sources that are read, the first one's first."""
        return [lane.pipeline for lane in self.lanes if lane.pipeline is not None]

    @property
    def problems(self) -> dict[str, Exception]:
        """Why sources are not read, by their names."""
        return {lane.found.name: lane.problem for lane in self.lanes if lane.problem is not None}

    def refresh(self) -> None:
        """Before reading: what has changed, and who answers again."""
        for lane in self.lanes:
            lane.wake()
            lane.do(lane.refresh)
        self._insist()

    def round(self, *, backlog_for_s: float = 0.4, paused: bool = False) -> int:
        """Everything new, some of the backlog, and what waits for a price; returns rows read.

        ``paused`` leaves the backlog alone: what waits for rows of it then waits no longer than
        for any row, and finds them all the same when they come.
        """
        self.refresh()
        read = self._read_live()
        until = time.monotonic() + backlog_for_s
        idle = 0
        while not paused and idle < len(self.lanes) and time.monotonic() < until:
            # Who comes after the last is first the next time, however few steps there is time for.
            step = self.lanes[self._turn % len(self.lanes)].step(BACKLOG)
            self._turn += 1
            idle = 0 if step else idle + 1
            read += step
        for lane in self.lanes:
            if paused or not lane.do(backlog_left):
                lane.do(Pipeline.sweep)
        self.price()
        if self._told_at is None or time.monotonic() - self._told_at > _TELL_S:
            self._tell()
        self._insist()
        return read

    def to_the_end(self, progress: Callable[[int], None]) -> None:
        """Reads everything that there is now; ``progress`` is told of rows as they are read."""
        self.refresh()
        for part in (LIVE, BACKLOG):
            left = list(self.lanes)
            while left:
                for lane in list(left):
                    step = lane.step(part)
                    if step or (part == BACKLOG and lane.do(_has_backlog)):
                        progress(step)
                    else:
                        left.remove(lane)
        for lane in self.lanes:
            while lane.do(Pipeline.sweep):
                pass
        self.price()
        self._tell()
        self._insist()

    def price(self) -> int:
        """Prices what waits; an engine that is down is no failure here."""
        engine = self.lanes[0].tariffs.engine
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
            return waiting.price_waiting(self.dbs.panel, engine, self.lanes[0].found.name)
        except EngineUnavailable:
            return 0

    def backlog_left(self) -> int:
        """Ids between where the backlogs are and where they end, of all sources that are read."""
        return sum(lane.do(backlog_left) for lane in self.lanes)

    def live_left(self) -> int:
        """About how many new rows are still to be read, of all sources that are read."""
        return sum(lane.do(live_left) for lane in self.lanes)

    def _read_live(self) -> int:
        """All that is new, the sources in turn: one that writes without end stops no other."""
        read, left = 0, list(self.lanes)
        while left:
            read += sum(lane.step(LIVE) for lane in left)
            left = [lane for lane in left if not lane.drained]
        return read

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        for lane in self.lanes:
            lane.do(lane.tell)

    def _insist(self) -> None:
        """Where no source can be read, that is raised."""
        errors = [lane.problem for lane in self.lanes]
        if errors[0] is not None and all(errors):
            raise errors[0]


def _has_backlog(pipeline: Pipeline) -> int:
    return len(pipeline.bookmarks(BACKLOG))


def _suit_python() -> None:
    """Tells Python what this process does: a fifth of a step's time is saved by it."""
    # Rows, calls and CDRs are freed as soon as nobody knows them; a search for circles among the
    # hundred thousands of them finds nothing.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    # The thread that writes needs Python only between two waits for the server: it gets it soon.
    sys.setswitchinterval(0.0005)
