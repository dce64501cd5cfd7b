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

from app import latecomers, singles
from app.cdr import store
from app.cdr.partitions import Partitions
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.mediation import pending, source, start
from app.mediation.call import MISSED, Row
from app.mediation.correlate import may_be_inside
from app.mediation.payer import load_payers
from app.mediation.reading import read_where, rows_from
from app.mediation.source import Bookmark, Source
from app.rating import engines
from app.rating.engine import RatingEngine
from app.recording import Prepared, prepare, store_calls
from app.retention import seals
from app.window import Window
from app.windows import read_marks

# So often, in seconds, the switch's tables are looked at for columns that are new or gone.
_COLUMNS_S = 60


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
    """Reads one source. Made once per process and source; every step is a transaction."""

    def __init__(
        self,
        dbs: Databases,
        settings: Settings,
        found: Source | None = None,
        tariffs: engines.Current | None = None,
    ) -> None:
        """``found`` is the source, else the first one; ``tariffs`` are shared where given."""
        if found is None:
            with writing(dbs.panel) as connection:
                found = source.ensure_source(connection, settings)
        self.dbs = dbs.of_source(found.name)  # ours, and this source's
        self.settings = settings
        self.partitions = Partitions(dbs.panel)
        self.engine: RatingEngine | None = None
        # how long the last step's transaction took, in seconds
        self.transaction_s = 0.0
        self._tariffs = tariffs or engines.Current(settings, dbs.panel)
        # whether the last step found less than it had asked for
        self.drained = True
        # On SQLite there is nothing to wait for: all work is this process's own.
        self._looks_ahead = dbs.panel.dialect.name != "sqlite"
        self._ahead: Ahead | None = None
        self._met = latecomers.Met(self.dbs.switch)
        self._open(found)

    def _open(self, found: Source) -> None:
        self.readers = source.open_readers(self.dbs.switch, found)
        self.source, self._met.readers = found, self.readers
        self._looked_at = time.monotonic()
        self._ahead = None  # its rows were read as the source was before

    def refresh(self) -> None:
        """Looks for new tariffs, mappings, rules, columns and restarted ids; cheap, every round."""
        with reading(self.dbs.panel) as connection:
            (found,) = source.load_sources(connection, self.source.id)
            engine = self._tariffs.refresh(connection)
        if found != self.source or time.monotonic() - self._looked_at > _COLUMNS_S:
            self._open(found)
        if engine is not self.engine:
            self.engine, self._ahead = engine, None  # its prices are of before
        start.ensure_bookmarks(
            self.dbs.panel, self.dbs.switch, self.source, self.readers, self._is_known
        )

    def _is_known(self, row: Row) -> bool:
        with reading(self.dbs.panel) as connection:
            return (
                pending.is_kept(connection, self.source.id, row)
                or store.has_row(connection, self.source.id, row.call_id, row.name)
                or seals.was_used(connection, self.source, row)
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
        read = window.read
        if read:
            call_ids = window.call_ids
            with reading(self.dbs.panel) as connection:
                mates = pending.load_mates(connection, self.source, self.readers, call_ids)
            mates = [item for item in mates if item.row.name not in window.epochs]
            if mates:
                if window.singles is not None:
                    theirs = {item.row.call_id for item in mates}
                    window.look_closer(window.singles.places_of(theirs))
                window.take(mates)
                window.sort()
                window.keep_rest()
            with reading(self.dbs.panel) as connection:
                joined = latecomers.join(connection, self.source.id, window, self._met)
            if joined or mates:
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
        latecomers.meet(window, self._met)
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
            done = latecomers.sort_overdue(connection, self.source, self.readers, window, overdue)
        if done:
            self._write(window, self._prepare(window))
        with writing(self.dbs.panel) as connection:
            pending.forget_provisional(connection, now - self.settings.open_call_ms)
        return done

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

    def pick_up(self, mark: Bookmark, ids: Sequence[int]) -> int:
        """Mediates rows below a position that nothing was made of; returns how many there are.

        Raises Overtaken when the position has moved since ``mark`` was loaded: somebody may have
        used them.
        """
        reader = next(reader for reader in self.readers if reader.name == mark.table)
        window = Window(self.source.habits)
        with reading(self.dbs.switch) as connection:
            raws = read_where(connection, reader, reader.table.c.id.in_(ids))
        window.add(mark, rows_from(reader, raws, clock.now_ms()), raws, reader.layout)
        window.moves.append((mark, mark.position))
        with reading(self.dbs.panel) as connection:
            call_ids = {row.call_id for row in window.rows}
            window.take(pending.load_mates(connection, self.source, self.readers, call_ids))
            window.sort()
            window.keep_rest()
            latecomers.join(connection, self.source.id, window, self._met)
        self._write(window, self._prepare(window))
        return len(raws)

    def _read(self, marks: Sequence[Bookmark], limit: int) -> Window:
        return read_marks(
            self.dbs.switch,
            self.source,
            self.readers,
            marks,
            limit,
            settling_ms=self.settings.settling_ms,
            singles=singles.takes(self.engine),
        )

    def _prepare(self, window: Window) -> Prepared:
        """The window's CDRs with their prices: all that can be worked out before it is written."""
        alone, now = window.singles, clock.now_ms()
        with reading(self.dbs.panel) as connection:
            payers = load_payers(connection, window.accounts, window.called)
        if alone is not None and window.look_closer(singles.unsettled(payers, alone)):
            window.sort()
        prepared = prepare(
            payers,
            self.engine,
            window.calls,
            source_id=self.source.id,
            epochs=[window.epochs[call.row_names[0]] for call in window.calls],
            now_ms=now,
        )
        if alone:
            prepared.singles = singles.prepare(
                payers, self.engine, alone, source_id=self.source.id, now_ms=now
            )
        return prepared

    def _write(self, window: Window, prepared: Prepared) -> None:
        """Everything of one step in one transaction."""
        self.partitions.ensure(window.begins, clock.now_ms())
        # A lone missed call is remembered: its main row may still come, and takes it over. So is a
        # refused INVITE that may have been one on the way.
        part = {row.name for row in window.rows if row.table == MISSED or may_be_inside(row)}
        provisional = {
            name: cdr
            for cdr in prepared.cdrs
            if part.issuperset(cdr["acc_ids"].split())
            for name in cdr["acc_ids"].split()
        }
        waiting = window.waiting + [row for row in window.rows if row.name in provisional]
        started = time.monotonic()
        with writing(self.dbs.panel) as connection:
            for mark, position in window.moves:
                if not source.save_position(connection, mark, position):
                    raise Overtaken
            if not pending.drop(connection, window.kept):
                raise Overtaken
            store.remove_provisional(connection, {item.cdr for item in window.kept if item.cdr})
            for key, names in window.joined:
                store.add_rows(connection, key, names)
            store_calls(connection, self.source.name, self.engine, prepared)
            pending.keep_waiting(
                connection,
                self.source,
                [(row, *window.kept_as(row)) for row in waiting],
                {name: (cdr["id"], cdr["setup_at"]) for name, cdr in provisional.items()},
            )
            left = [(item, *window.kept_as(item.row)) for item in window.leftovers]
            pending.suspend(connection, self.source, left)
        self.transaction_s = time.monotonic() - started
