"""Retention as a job of a worker: at night by itself, or when somebody asks for it."""

from __future__ import annotations

import os
import socket
from typing import Any

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.words import _, _n
from app.jobs import lease, progress, queue
from app.jobs.kinds import Bite, Kind, Work
from app.jobs.progress import Job
from app.retention import decisions, run

NAME = "retention"
_LEASE = "retention_night"
# Between these hours of UTC the night's run begins.
_FROM_HOUR, _TO_HOUR = 1, 6


def ask(connection: Any, operator_id: int | None = None) -> int:
    """Puts a run; returns its number, or that of the run that waits or is under way."""
    for job in progress.running(connection, NAME):
        return job.id
    return queue.put(
        connection, NAME, "Removing old data", {}, total=len(run.STEPS), operator_id=operator_id
    )


def tonight(dbs: Databases) -> int:
    """Puts the night's run once, whoever of the workers comes first; 1 when this one did."""
    now = clock.now_ms()
    hour = now % clock.DAY // clock.HOUR
    if not _FROM_HOUR <= hour < _TO_HOUR:
        return 0
    with reading(dbs.panel) as connection:
        if not decisions.is_decided(connection):
            return 0
    tomorrow = clock.day_start(now) + clock.DAY + _FROM_HOUR * clock.HOUR
    owner = f"{socket.gethostname()}:{os.getpid()}"
    with writing(dbs.panel) as connection:
        if lease.acquire(connection, _LEASE, owner, tomorrow - now) is None:
            return 0
        ask(connection)
    return 1


def bite(work: Work) -> Bite:
    """A second, or a partition, of the step at hand; every step finds out itself what is due."""
    at = int(work.place.get("step", 0))
    step = run.STEPS[at]
    gone = run.bite(work.dbs, step, run.plan(work.dbs))
    detail = dict(work.detail)
    if gone.calls:
        detail[step] = int(detail.get(step, 0)) + gone.calls
    if gone.more:
        return Bite(at, {"step": at}, detail)
    last = at + 1 == len(run.STEPS)
    return Bite(at + 1, None if last else {"step": at + 1}, detail)


def _title(job: Job) -> str:
    return _("Removing old data")


def _result(job: Job) -> list[str]:
    answered = int(job.detail.get(decisions.ANSWERED, 0))
    failed = int(job.detail.get(decisions.FAILED, 0))
    numbers = int(job.detail.get(decisions.NUMBERS, 0))
    found = []
    if answered:
        found.append(_n("One answered call went.", "%(num)s answered calls went.", answered))
    if failed:
        found.append(_n("One unanswered call went.", "%(num)s unanswered calls went.", failed))
    if numbers:
        found.append(_n("One call lost its numbers.", "%(num)s calls lost their numbers.", numbers))
    rows = int(job.detail.get("suspense", 0))
    if rows:
        found.append(
            _n(
                "One row in suspense lost its numbers.",
                "%(num)s rows in suspense lost their numbers.",
                rows,
            )
        )
    return found or [_("Nothing was due.")]


KIND = Kind(NAME, bite, _title, _result, ("retention.index", {}))
