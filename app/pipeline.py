"""The CALLS stream on one page: acc rows → mediation → rating → CDRs, charges, posting.

One step reads a window of rows, sorts them into calls, prices them, and writes CDRs, charges,
posting and the reading position in one transaction: a second worker, a crash or a replay finds
the position moved and rolls back, so every row is used exactly once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from app.cdr import store
from app.cdr.partitions import Partitions
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.mediation import pending, source, start
from app.mediation.call import ACC, MISSED, Leftover, Row, Trouble
from app.mediation.payer import load_payers
from app.mediation.position import advance
from app.mediation.reading import read_window, rows_from
from app.mediation.source import Bookmark, Reader
from app.rating import engines
from app.rating.engine import RatingEngine
from app.rating.store import book_stamp
from app.recording import Prepared, prepare, store_calls
from app.window import Window


class Overtaken(Exception):
    """Another worker wrote first; this step's transaction was rolled back."""


@dataclass(slots=True)
class Ahead:
    """Rows that were read, and what became of them if no row was kept that belongs to them.

    Good only while the bookmarks are still those that it was read from.
    """

    marks: list[Bookmark]
    limit: int
    window: Window
    prepared: Prepared


class Pipeline:
    """Reads one installation's sources. Made once per process; every step is a transaction."""

    def __init__(self, dbs: Databases, settings: Settings) -> None:
        self.dbs = dbs
        self.settings = settings
        self.partitions = Partitions(dbs.panel)
        self.engine: RatingEngine | None = None
        # how long the last step's transaction took, in seconds
        self.transaction_s = 0.0
        self._stamp = ""
        # whether the last step found less than it had asked for
        self.drained = True
        # On SQLite there is nothing to wait for: all work is this process's own.
        self._looks_ahead = dbs.panel.dialect.name != "sqlite"
        self._ahead: Ahead | None = None
        with writing(dbs.panel) as connection:
            self.source = source.ensure_source(connection, settings)
        self.readers = source.open_readers(dbs.switch, self.source)

    def refresh(self) -> None:
        """Looks for new tariffs, new columns and restarted ids; cheap, before every round."""
        with reading(self.dbs.panel) as connection:
            self.source = source.load_sources(connection)[0]
            stamp = book_stamp(connection)
        if self.engine is None or stamp != self._stamp:
            self.engine, self._stamp = engines.make(self.settings, self.dbs.panel), stamp
            self._ahead = None  # its prices are of before
        start.ensure_bookmarks(
            self.dbs.panel, self.dbs.switch, self.source, self.readers, self._is_known
        )

    def _is_known(self, row: Row) -> bool:
        with reading(self.dbs.panel) as connection:
            mates = pending.load_mates(connection, self.source, self.readers, [row.call_id])
            return any(item.row.name == row.name for item in mates) or store.has_row(
                connection, self.source.id, row.call_id, row.name
            )

    def bookmarks(self, part: str) -> list[Bookmark]:
        """Where one part (live or backlog) of each table stands."""
        with reading(self.dbs.panel) as connection:
            marks = source.load_bookmarks(connection, self.source.id)
        return [mark for mark in marks if mark.part == part and not start.is_read(mark)]

    def step(self, part: str, limit: int) -> int:
        """Reads up to ``limit`` rows of each table; returns how many it read.

        Where there is more to read, the next step's rows are read and priced while this step's
        are written: the two wait for different things.
        """
        self.drained = True
        marks = self.bookmarks(part)
        ahead, self._ahead = self._ahead, None
        if ahead is None or ahead.marks != marks:
            ahead = self._look_ahead(marks, limit)
        window, prepared = ahead.window, ahead.prepared
        read = len(window.rows)
        if window.rows:
            with reading(self.dbs.panel) as connection:
                call_ids = {row.call_id for row in window.rows}
                mates = pending.load_mates(connection, self.source, self.readers, call_ids)
            mates = [item for item in mates if item.row.name not in window.epochs]
            if mates:
                window.take(mates)
                window.sort()
                window.keep_rest()
                prepared = self._prepare(window)
        if not window.moves:
            return read
        self.drained = read < ahead.limit
        if self.drained or not self._looks_ahead:
            self._write(window, prepared)
            return read
        moved = {
            mark.id: replace(mark, version=mark.version + 1, position=position)
            for mark, position in window.moves
        }
        with ThreadPoolExecutor(1) as beside:
            coming = beside.submit(
                self._look_ahead, [moved.get(mark.id, mark) for mark in marks], limit
            )
            self._write(window, prepared)
        # What went wrong while looking ahead goes wrong again, and is said, in the next step.
        self._ahead = coming.result() if coming.exception() is None else None
        return read

    def _look_ahead(self, marks: Sequence[Bookmark], limit: int) -> Ahead:
        window = self._read(marks, limit)
        window.sort()
        return Ahead(list(marks), limit, window, self._prepare(window))

    def sweep(self) -> int:
        """Ends the waiting of rows that waited long enough; returns how many."""
        now = clock.now_ms()
        window = Window(self.source.habits)
        with reading(self.dbs.panel) as connection:
            overdue = pending.load_overdue(
                connection,
                self.source,
                self.readers,
                lone_before=now - self.settings.settling_ms,
                call_before=now - self.settings.open_call_ms,
            )
        window.take(overdue)
        for item in overdue:
            if item.row.table != ACC:
                window.alone(item.row)
            else:
                bye = item.row.method == "BYE"
                reason = Trouble.NO_INVITE if bye else Trouble.NO_BYE
                window.leftovers.append(Leftover(item.row, reason))
        if overdue:
            self._write(window, self._prepare(window))
        with writing(self.dbs.panel) as connection:
            pending.forget_provisional(connection, now - self.settings.open_call_ms)
        return len(overdue)

    def replay(self, suspense_ids: Sequence[int]) -> tuple[int, int]:
        """Mediates suspense entries again; returns (rows that are calls now, still suspended)."""
        self.refresh()
        window = Window(self.source.habits)
        with reading(self.dbs.panel) as connection:
            chosen = pending.load_suspense(connection, self.source, self.readers, suspense_ids)
            call_ids = [item.row.call_id for item in chosen]
            mates = pending.load_mates(connection, self.source, self.readers, call_ids)
        names = {item.row.name for item in chosen}
        window.take([*chosen, *(item for item in mates if item.row.name not in names)])
        window.sort()
        window.keep_rest()
        if window.calls:
            self._write(window, self._prepare(window))
        done = names & {item.row.name for item in window.kept}
        return len(done), len(names - done)

    def _read(self, marks: Sequence[Bookmark], limit: int) -> Window:
        window, now = Window(self.source.habits), clock.now_ms()
        readers: dict[str, Reader] = {reader.name: reader for reader in self.readers}
        zone, horizon = self.source.habits.zone, None
        for mark in marks:
            reader = readers.get(mark.table)
            if reader is None:
                continue
            with reading(self.dbs.switch) as connection:
                raws = read_window(connection, reader, mark, limit)
            rows = rows_from(reader, raws, now)
            seen = [(row.id, source.written_at(row, zone, now)) for row in rows]
            # missed_calls is read no further than acc has come: its rows find theirs at once.
            if horizon is not None:
                cut = next((i for i, (_, at) in enumerate(seen) if at > horizon), len(seen))
                raws, rows, seen = raws[:cut], rows[:cut], seen[:cut]
            elif len(raws) >= limit:
                horizon = max(at for _, at in seen)
            position = advance(mark.position, seen, now, self.settings.settling_ms)
            if mark.until is not None and len(raws) < limit and horizon is None:
                position = advance(position, [(mark.until, 0)], now, self.settings.settling_ms)
            if position != mark.position:
                window.moves.append((mark, position))
            window.add(mark, rows, raws, reader.layout)
        return window

    def _prepare(self, window: Window) -> Prepared:
        """The window's CDRs with their prices: all that can be worked out before it is written."""
        with reading(self.dbs.panel) as connection:
            payers = load_payers(connection, {call.account for call in window.calls})
        return prepare(
            payers,
            self.engine,
            window.calls,
            source_id=self.source.id,
            epochs=[window.epochs[call.row_names[0]] for call in window.calls],
            now_ms=clock.now_ms(),
        )

    def _write(self, window: Window, prepared: Prepared) -> None:
        """Everything of one step in one transaction."""
        self.partitions.ensure((call.setup_at for call in window.calls), clock.now_ms())
        # A lone missed call is remembered: its main row may still come, and takes it over.
        lone = [cdr for cdr in prepared.cdrs if _is_lone(cdr["acc_ids"])]
        names = {cdr["acc_ids"] for cdr in lone}
        waiting = window.waiting + [row for row in window.rows if row.name in names]
        started = time.monotonic()
        with writing(self.dbs.panel) as connection:
            for mark, position in window.moves:
                if not source.save_position(connection, mark, position):
                    raise Overtaken
            if not pending.drop(connection, window.kept):
                raise Overtaken
            store.remove_provisional(connection, [item.cdr for item in window.kept if item.cdr])
            store_calls(connection, self.source.name, self.engine, prepared)
            pending.keep_waiting(
                connection,
                self.source,
                [(row, *window.kept_as(row)) for row in waiting],
                {cdr["acc_ids"]: (cdr["id"], cdr["setup_at"]) for cdr in lone},
            )
            left = [(item, *window.kept_as(item.row)) for item in window.leftovers]
            pending.suspend(connection, self.source, left)
        self.transaction_s = time.monotonic() - started


def _is_lone(acc_ids: str) -> bool:
    """Whether a CDR is made of one row of missed_calls."""
    return acc_ids.startswith(f"{MISSED}:") and " " not in acc_ids
