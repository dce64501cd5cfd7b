"""The CALLS stream on one page: acc rows → mediation → rating → CDRs, charges, posting.

One step reads a window of rows, sorts them into calls, prices them, and writes CDRs, charges,
posting and the reading position in one transaction: a second worker, a crash or a replay finds
the position moved and rolls back, so every row is used exactly once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from app import pricing
from app.cdr import record, store
from app.cdr.partitions import Partitions
from app.charging.settle import find_session_cdrs
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.mediation import pending, source, start
from app.mediation.call import Call, Correlated, Leftover, Row, Trouble
from app.mediation.correlate import correlate
from app.mediation.normalise import normalise
from app.mediation.payer import Payer, Payers, load_payers
from app.mediation.pending import Kept
from app.mediation.position import advance
from app.mediation.source import Bookmark
from app.rating import engines
from app.rating.engine import Batch, RatingEngine
from app.rating.store import book_stamp
from app.rating.tariff import Reason


class Overtaken(Exception):
    """Another worker wrote first; this step's transaction was rolled back."""


@dataclass(slots=True)
class Window:
    """What one step works on: rows, where each came from, and the calls made of them."""

    rows: list[Row] = field(default_factory=list)
    raws: dict[str, tuple[int, Mapping[Any, Any]]] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    moves: list[tuple[Bookmark, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    read: int = 0


class Pipeline:
    """Reads one installation's sources. Made once per process; every step is a transaction."""

    def __init__(self, dbs: Databases, settings: Settings) -> None:
        self.dbs = dbs
        self.settings = settings
        self.partitions = Partitions(dbs.panel)
        self.engine: RatingEngine | None = None
        self._stamp = ""
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
        """Reads up to ``limit`` rows of each table; returns how many it read."""
        window = self._read(self.bookmarks(part), limit)
        if window.moves:
            self._sort(window)
            self._write(window)
        return window.read

    def sweep(self) -> int:
        """Ends the waiting of rows that waited long enough; returns how many."""
        now = clock.now_ms()
        window = Window()
        with reading(self.dbs.panel) as connection:
            overdue = pending.load_overdue(
                connection,
                self.source,
                self.readers,
                lone_before=now - self.settings.settling_ms,
                call_before=now - self.settings.open_call_ms,
            )
        self._take(window, overdue)
        for item in overdue:
            if item.row.table != "acc":
                self._normalise_lone(window, item.row)
            else:
                bye = item.row.method == "BYE"
                reason = Trouble.NO_INVITE if bye else Trouble.NO_BYE
                window.leftovers.append(Leftover(item.row, reason))
        if overdue:
            self._write(window)
        with writing(self.dbs.panel) as connection:
            pending.forget_provisional(connection, now - self.settings.open_call_ms)
        return len(overdue)

    def replay(self, suspense_ids: Sequence[int]) -> tuple[int, int]:
        """Mediates suspense entries again; returns (rows that are calls now, still suspended)."""
        window = Window()
        with reading(self.dbs.panel) as connection:
            chosen = pending.load_suspense(connection, self.source, self.readers, suspense_ids)
            mates = pending.load_mates(
                connection, self.source, self.readers, (item.row.call_id for item in chosen)
            )
        known = {(item.table.name, item.id) for item in chosen}
        self._take(window, [*chosen, *(m for m in mates if (m.table.name, m.id) not in known)])
        self._sort(window, with_mates=False)
        # A row that still waits for another stays in suspense for the reason that it had.
        still = {row.name for row in window.waiting}
        still |= {left.row.name for left in window.leftovers}
        window.kept = [item for item in window.kept if item.row.name not in still]
        window.waiting, window.leftovers = [], []
        if window.calls:
            self._write(window)
        return len(window.kept), len([item for item in chosen if item.row.name in still])

    def _read(self, marks: Sequence[Bookmark], limit: int) -> Window:
        window, now = Window(), clock.now_ms()
        readers = {reader.name: reader for reader in self.readers}
        for mark in marks:
            reader = readers.get(mark.table)
            if reader is None:
                continue
            with reading(self.dbs.switch) as connection:
                raws = source.read_raw(connection, reader, mark, limit)
            rows = source.rows_from(reader, raws, now)
            zone = self.source.habits.zone
            seen = [(row.id, source.written_at(row, zone, now)) for row in rows]
            position = advance(mark.position, seen, now, self.settings.settling_ms)
            if mark.until is not None and len(raws) < limit:
                position = advance(position, [(mark.until, 0)], now, self.settings.settling_ms)
            if position != mark.position:
                window.moves.append((mark, position))
            window.rows += rows
            window.read += len(rows)
            for row, raw in zip(rows, raws, strict=True):
                window.raws[row.name] = (mark.epoch, raw)
        return window

    def _take(self, window: Window, kept: Sequence[Kept]) -> None:
        window.kept += kept
        for item in kept:
            window.rows.append(item.row)
            window.raws[item.row.name] = (item.epoch, item.raw)

    def _sort(self, window: Window, *, with_mates: bool = True) -> None:
        """Rows to calls: correlate with what waits, then normalise."""
        fresh = {row.name for row in window.rows}
        if with_mates and window.rows:
            with reading(self.dbs.panel) as connection:
                call_ids = {row.call_id for row in window.rows}
                mates = pending.load_mates(connection, self.source, self.readers, call_ids)
            self._take(window, [item for item in mates if item.row.name not in fresh])
        outcome = correlate(window.rows)
        window.leftovers += outcome.leftovers
        for found in outcome.calls:
            call = normalise(found, self.source.habits)
            if isinstance(call, Leftover):
                rows = found.rows
                window.leftovers += [Leftover(row, call.reason, call.detail) for row in rows]
            else:
                window.calls.append(call)
        window.waiting += outcome.waiting
        if with_mates:
            # What waited and still waits stays where it is.
            idle = {row.name for row in window.waiting} | {x.row.name for x in window.leftovers}
            window.kept = [item for item in window.kept if item.row.name not in idle]
            window.waiting = [row for row in window.waiting if row.name in fresh]
            window.leftovers = [left for left in window.leftovers if left.row.name in fresh]

    def _normalise_lone(self, window: Window, row: Row) -> None:
        call = normalise(Correlated(row), self.source.habits)
        if isinstance(call, Leftover):
            window.leftovers.append(call)
        else:
            window.calls.append(call)

    def _write(self, window: Window) -> None:
        now = clock.now_ms()
        self.partitions.ensure((call.setup_at for call in window.calls), now)
        with writing(self.dbs.panel) as connection:
            for mark, position in window.moves:
                if not source.save_position(connection, mark, position):
                    raise Overtaken
            if not pending.drop(connection, window.kept):
                raise Overtaken
            cdrs = self._store(connection, window, now)
            lone = {
                cdr["acc_ids"]: (cdr["id"], cdr["setup_at"])
                for cdr in cdrs
                if cdr["acc_ids"].startswith("missed_calls:") and " " not in cdr["acc_ids"]
            }
            # A lone missed call is remembered: its main row may still come, and takes it over.
            by_name = {row.name: row for row in window.rows}
            waiting = window.waiting + [by_name[name] for name in lone]
            pending.keep_waiting(
                connection, self.source, [(r, *window.raws[r.name]) for r in waiting], lone
            )
            left = [(item, *window.raws[item.row.name]) for item in window.leftovers]
            pending.suspend(connection, self.source, left)

    def _store(self, connection: Connection, window: Window, now: int) -> list[dict[str, Any]]:
        store.remove_provisional(connection, [item.cdr for item in window.kept if item.cdr])
        calls = self._attach(connection, window.calls)
        if not calls:
            return []
        first = store.mint_ids(connection, len(calls))
        cdrs = [
            record.build(
                call,
                cdr_id=first + index,
                source_id=self.source.id,
                epoch=window.raws[call.row_names[0]][0],
                now_ms=now,
            )
            for index, call in enumerate(calls)
        ]
        self._price(connection, cdrs)
        store.insert(connection, cdrs)
        pricing.close_holds(connection, self.source.name, cdrs)
        return cdrs

    def _attach(self, connection: Connection, calls: Sequence[Call]) -> list[Call]:
        """Calls that charging has made a CDR of already only add their rows to it."""
        made = find_session_cdrs(connection, calls)
        for call, (cdr_id, setup_at) in made:
            store.attach_rows(connection, cdr_id, setup_at, " ".join(call.row_names))
        taken = {id(call) for call, _ in made}
        return [call for call in calls if id(call) not in taken]

    def _price(self, connection: Connection, cdrs: Sequence[dict[str, Any]]) -> None:
        """First charges for CDRs about to be stored; without them, the reason."""
        payers = load_payers(connection, (cdr["account"] for cdr in cdrs))
        owed: dict[int, Payer] = {}
        for index, cdr in enumerate(cdrs):
            payer = self._own(payers, cdr)
            if cdr["answered_at"] is None:
                continue
            if payer is None:
                cdr["unpriced_reason"] = str(Reason.NO_ACCOUNT)
            elif self.engine is None or not self.engine.inline:
                cdr["unpriced_reason"] = str(Reason.WAITING)
            else:
                owed[index] = payer
        if not owed or self.engine is None:
            return
        asked = [pricing.ratable(cdrs[index], index, payer) for index, payer in owed.items()]
        key = uuid4().hex
        verdict = pricing.judge(self.engine.rate(Batch(key, asked)), owed)
        for index, reason in verdict.reasons.items():
            cdrs[index]["unpriced_reason"] = reason
        if verdict.charges:
            batch_id = pricing.open_batch(
                connection, key, self.engine.name, len(verdict.charges), state="posted"
            )
            pricing.post_charges(connection, batch_id, verdict.charges.values())
            for index, charge in verdict.charges.items():
                cdrs[index].update(pricing.charge_columns(charge, batch_id))

    @staticmethod
    def _own(payers: Payers, cdr: dict[str, Any]) -> Payer | None:
        payer = payers.find(cdr["account"], cdr["domain"])
        if payer is None:
            cdr["tenant_id"] = payers.tenant_of(cdr["account"], cdr["domain"])
        else:
            cdr["tenant_id"] = payer.tenant_id
        return payer
