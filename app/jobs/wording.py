"""What people read about jobs: states, how they ended, what to do when they failed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.core.errors import CompanionError
from app.core.words import _, _l
from app.identity import operators
from app.jobs import kinds
from app.jobs.progress import Job

# state → (word, tone)
STATES = {
    "waiting": (_l("waiting"), "quiet"),
    "running": (_l("running"), "info"),
    "paused": (_l("paused"), "warn"),
    "done": (_l("done"), "ok"),
    "failed": (_l("failed"), "bad"),
    "cancelled": (_l("cancelled"), "quiet"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a job failed, and what to do."""

    what: str
    remedy: str


def announcement(job: Job) -> str:
    """One sentence for those who watched it run."""
    title = kinds.title(job)
    if job.state == "failed":
        return _("Failed: %(job)s. Its page says why.", job=title)
    if job.state == "cancelled":
        return _("Cancelled: %(job)s.", job=title)
    return _("Done: %(job)s.", job=title)


def problem(job: Job) -> Problem | None:
    """Why it failed; None when it did not."""
    if job.state != "failed":
        return None
    found = job.detail.get("problem") or {}
    if found.get("message"):
        return Problem(found["message"], found.get("remedy", ""))
    if found.get("why") == "unknown":
        return Problem(
            _("This worker does not know how to do this kind of job."),
            _("See that all workers run the same version, then start it again."),
        )
    if found.get("why") == "stuck":
        return Problem(
            _("Its worker stopped five times without getting any further."),
            _("Look into the worker's log, then start it again; what is done stays done."),
        )
    return Problem(
        _("It failed five times at the same place."),
        _("The worker's log has the details. Start it again when the cause is gone."),
    )


def starter_of(connection: Connection, job: Job) -> str | None:
    """The login of whoever started it; None for what the house does by itself."""
    if job.operator_id is None:
        return None
    try:
        return str(operators.get(connection, job.operator_id)["login"])
    except CompanionError:
        return None
