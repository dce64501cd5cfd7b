"""``flask worker``: the pipeline, pushes, webhooks and clean-up, for ever; several may run."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import click
from flask.cli import with_appcontext

from app.charging import reaper
from app.cli.friendly import FriendlyCommand
from app.core import clock, context
from app.core.database import Databases, writing
from app.core.errors import CompanionError
from app.core.settings import Settings
from app.jobs import heartbeat, lease, runner
from app.jobs.backlog import BacklogBar
from app.mediation import compare_job, vanished
from app.provisioning import health, pusher
from app.recording import store_session_cdr
from app.retention import job as night
from app.rounds import Runner
from app.webhooks.deliverer import Deliverer

log = logging.getLogger(__name__)

_PAUSE_S = 0.5
_NODES_S = 10
_LEASE_MS = 12_000


@click.command("worker", cls=FriendlyCommand)
@with_appcontext
def command() -> None:
    """Mediate, price, push, tell and clean up until told to stop."""
    stop = threading.Event()

    def finish(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    dbs, settings = context.databases(), context.settings()
    calls, webhooks = _Calls(dbs, settings), Deliverer(dbs, settings)
    threads = [
        threading.Thread(target=_loop, args=(stop, name, turn), name=name)
        for name, turn in (
            ("calls", calls.turn),
            ("pushes", lambda: pusher.run_due(dbs, settings)),
            ("jobs", lambda: _job(dbs, settings, stop.is_set)),
            ("webhooks", webhooks.turn),
            ("sessions", lambda: reaper.run(dbs, settings, store_session_cdr)),
        )
    ]
    for name, turn in (
        ("nodes", lambda: health.look(dbs, settings)),
        ("retention", lambda: night.tonight(dbs)),
        ("dialogs", lambda: vanished.watch_due(dbs, settings)),
    ):
        threads.append(threading.Thread(target=_every, args=(stop, name, turn), name=name))
    for thread in threads:
        thread.start()
    # One beat for all: a loop that hangs in the database hangs this beat too.
    while True:
        _guarded("heartbeat", lambda: _beat(dbs))
        if stop.wait(2):
            break
    for thread in threads:
        thread.join(timeout=10)
    calls.leave()
    _guarded("webhooks", webhooks.leave)
    _guarded("heartbeat", lambda: _leave(dbs))


def _job(dbs: Databases, settings: Settings, stopping: Callable[[], bool]) -> int:
    """The next job; at night one that compares the switch's rows with what was used."""
    with writing(dbs.panel) as connection:
        compare_job.start_if_due(connection, clock.now_ms())
    return runner.run_next(dbs, settings, stopping)


def _leave(dbs: Databases) -> None:
    # Who upgrades need not wait; other workers beat again in a moment.
    with writing(dbs.panel) as connection:
        heartbeat.forget(connection, "worker")


def _beat(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        heartbeat.beat(connection, "worker")


def _every(stop: threading.Event, name: str, turn: Callable[[], int]) -> None:
    """A turn every few seconds, whatever it finds."""
    while True:
        _guarded(name, turn)
        if stop.wait(_NODES_S):
            return


def _loop(stop: threading.Event, name: str, turn: Callable[[], int]) -> None:
    failures = 0
    while not stop.is_set():
        done = _guarded(name, turn)
        failures = failures + 1 if done is None else 0
        if not done:
            stop.wait(min(_PAUSE_S * 2**failures, 15))


def _guarded(name: str, turn: Callable[[], int | None]) -> int | None:
    """One turn; what goes wrong is logged and tried again, the worker lives on."""
    try:
        return turn() or 0
    except CompanionError as exc:
        log.error("%s: %s", name, exc)
    except Exception:
        log.exception("%s failed and will be tried again", name)
    return None


class _Calls:
    """The pipeline's turn, under a lease: one worker mediates, the others stand by.

    The lease only saves work; that nothing is used twice is the reading position's doing.
    """

    def __init__(self, dbs: Databases, settings: Settings) -> None:
        self.dbs = dbs
        self.settings = settings
        self.owner = f"{socket.gethostname()}:{os.getpid()}"
        self.runner: Runner | None = None
        self.bar = BacklogBar(dbs)
        self.token: int | None = None
        self.renew_at = 0

    def turn(self) -> int:
        """Reads what there is; 0 when there was nothing, or another worker has the lease."""
        if not self._mine():
            return 0
        try:
            self.runner = self.runner or Runner(self.dbs, self.settings)
            read = self.runner.round(paused=self.bar.is_paused())
        except Exception:
            # A database that was away may come back with other columns: start afresh.
            self.runner = None
            raise
        self.bar.show(self.runner.backlog_left())
        return read

    def leave(self) -> None:
        """Gives the lease back, so that another worker need not wait for its end."""
        if self.token is not None:
            with writing(self.dbs.panel) as connection:
                lease.release(connection, "calls", self.token)

    def _mine(self) -> bool:
        now = clock.now_ms()
        if self.token is not None and now < self.renew_at:
            return True
        with writing(self.dbs.panel) as connection:
            if self.token is not None and lease.renew(connection, "calls", self.token, _LEASE_MS):
                self.renew_at = now + _LEASE_MS // 3
                return True
            self.token = lease.acquire(connection, "calls", self.owner, _LEASE_MS)
        self.renew_at = now + _LEASE_MS // 3
        return self.token is not None
