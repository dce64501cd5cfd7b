"""The demo switch at work: calls come in, ring, are answered, end; rows appear as they do."""

from __future__ import annotations

import logging
from random import Random
from typing import Any

from sqlalchemy import Engine, delete
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.database import writing
from app.core.errors import CompanionError
from app.opensips.simulator import shape
from app.opensips.simulator.call import Call, draw_retail, draw_wholesale
from app.opensips.simulator.cast import Cast
from app.opensips.simulator.dialogs import (
    CONFIRMED,
    DELETED,
    EARLY,
    LINGER_MS,
    Dialogs,
    LiveCall,
    dialog_row,
)
from app.opensips.simulator.provision import locations
from app.opensips.simulator.rows import wall, written
from app.opensips.simulator.tables import TABLES, insert

_log = logging.getLogger(__name__)
# Means over the week, calls a second; the busiest hour has about twice as many.
RETAIL_PACE, WHOLESALE_PACE = 0.20, 0.15
# A screen must move at night too: this share of the mean comes at any hour.
_NIGHT = 0.15
# How far back a starting switch looks for calls that would still be going on.
_WARM_MS = 15 * clock.MINUTE
_REGISTER_MS = 30 * clock.MINUTE
_MAX_BATCH = 25


class Traffic:
    """Makes calls and writes them; ``step`` is called a few times a second."""

    def __init__(self, engine: Engine, cast: Cast, dialogs: Dialogs, pace: float = 1.0) -> None:
        self.engine, self.cast, self.dialogs, self.pace = engine, cast, dialogs, pace
        self.rng = Random(clock.now_ms())
        self._poor = {who.account for who in cast.subscribers if who.poor}
        self._unwritten: list[tuple[str, dict[str, Any] | int]] = []
        self._next = {"retail": 0, "wholesale": 0}
        self._registered_ms = 0

    def start(self) -> None:
        """Drops what a killed switch left in ``dialog`` and takes up calls that are under way."""
        now = clock.now_ms()
        with writing(self.engine) as connection:
            connection.execute(delete(TABLES["dialog"]))
        at = now - _WARM_MS
        while at < now:
            at += clock.SECOND
            for kind in self._next:
                if self.rng.random() < self._rate(kind, at):
                    call = self._draw(kind, at)
                    if call.end_ms > now and not (call.failed and call.failed[0].at_ms <= now):
                        self.begin(call)
        self._next = {kind: now + self._pause(kind, now) for kind in self._next}
        self.step(now)

    def step(self, now_ms: int) -> None:
        """Everything that is due: at most a few rows in one short transaction each."""
        for kind, at in self._next.items():
            # A machine that slept does not catch up.
            at = max(at, now_ms - clock.MINUTE)
            while at <= now_ms:
                self.begin(self._draw(kind, at))
                at += self._pause(kind, at)
            self._next[kind] = at
        if now_ms - self._registered_ms > _REGISTER_MS:
            self._register(now_ms)
        for live, what in self.dialogs.due(now_ms):
            self._happen(live, what, now_ms)
        self._write()

    def stop(self) -> None:
        """Hangs up: every call under way gets its CDR, no row stays in ``dialog``."""
        now = clock.now_ms()
        for live in self.dialogs.all():
            self.dialogs.end_now(live, now)
        for live, what in self.dialogs.due(now):
            self._happen(live, what, now)
        self._write()

    def begin(self, call: Call) -> LiveCall:
        """A call comes in; its further fate is planned."""
        live = self.dialogs.add(call)
        plan = self.dialogs.plan
        plan(live, call.setup_ms + 120, "ring")
        for attempt in call.failed:
            plan(live, attempt.at_ms, "attempt")
        if call.answered:
            plan(live, call.final_ms, "answer")
        plan(live, call.end_ms, "end")
        return live

    def _happen(self, live: LiveCall, what: str, now_ms: int) -> None:
        with self.dialogs.lock:
            if what == "forget":
                self.dialogs.forget(live)
            elif live.state == DELETED or (what == "end" and live.call.end_ms > now_ms):
                return
            elif what == "ring":
                live.state = EARLY
            elif what == "attempt":
                self._account(live, live.call.failed[0].at_ms)
            elif what == "answer" and live.call.answered:
                live.state = CONFIRMED
                self._unwritten.append(("dialog", dialog_row(live)))
            elif what == "end":
                self._end(live, now_ms)

    def _end(self, live: LiveCall, now_ms: int) -> None:
        if live.state == CONFIRMED:
            self._unwritten.append(("end dialog", live.db_id))
        else:
            self.dialogs.failed += 1
        live.state = DELETED
        self._account(live, live.call.end_ms)
        self.dialogs.plan(live, now_ms + LINGER_MS, "forget")

    def _account(self, live: LiveCall, at_ms: int) -> None:
        """Queues the rows that the call leaves at this instant."""
        for at, table, row in written(live.call, self.dialogs.zone):
            if at == at_ms:
                self._unwritten.append((table, row))

    def _write(self) -> None:
        """Writes what is queued; what a busy database refuses is tried again at the next step."""
        while self._unwritten:
            batch = self._unwritten[:_MAX_BATCH]
            try:
                with writing(self.engine) as connection:
                    for table, what in batch:
                        if isinstance(what, int):
                            dialog = TABLES["dialog"]
                            connection.execute(delete(dialog).where(dialog.c.dlg_id == what))
                        else:
                            insert(connection, table, [what])
            except (SQLAlchemyError, CompanionError) as exc:
                _log.warning("demo switch: rows wait, the database refused them: %s", exc)
                return
            del self._unwritten[: len(batch)]

    def _register(self, now_ms: int) -> None:
        """Phones register anew: their contacts get a later expiry."""
        self._registered_ms = now_ms
        rows = locations(self.cast, self.dialogs.zone, now_ms)
        try:
            with writing(self.engine) as connection:
                connection.execute(delete(TABLES["location"]))
                insert(connection, "location", rows)
        except (SQLAlchemyError, CompanionError) as exc:
            _log.warning("demo switch: registrations were not written: %s", exc)

    def _draw(self, kind: str, at_ms: int) -> Call:
        while True:
            draw = draw_retail if kind == "retail" else draw_wholesale
            call = draw(self.rng, self.cast, at_ms)
            # Who has no money left does not call.
            if call.account not in self._poor:
                return call

    def _rate(self, kind: str, at_ms: int) -> float:
        local = wall(at_ms, self.dialogs.zone)
        mean, busy = (
            (RETAIL_PACE, shape.retail(local))
            if kind == "retail"
            else (WHOLESALE_PACE, shape.wholesale(local))
        )
        return mean * (_NIGHT + (1 - _NIGHT) * busy) * self.pace

    def _pause(self, kind: str, at_ms: int) -> int:
        return 1 + int(self.rng.expovariate(self._rate(kind, at_ms)) * 1000)
