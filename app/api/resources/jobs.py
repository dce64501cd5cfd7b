"""Long work: what runs, what has ended, how."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, choice, maybe, moment, several, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import Conflict
from app.core.words import _
from app.identity import audit
from app.jobs import backlog, kinds, progress, queue
from app.jobs.tables import job as job_table
from app.jobs.wording import STATES, problem

JOB = Shape(
    "Job",
    {
        "id": whole(1),
        "kind": text(64),
        "title": text(500),
        "state": choice(*STATES),
        "done": whole(),
        "total": whole(),
        "percent": maybe(whole(0, 100)),
        "left_ms": maybe(whole()),
        "created_at": moment(),
        "updated_at": moment(),
        "result": several(text(500)),
        "problem": maybe(text(2000)),
    },
    {
        "id": 4,
        "kind": "suspense.replay",
        "title": "Replay of 1,200 suspense entries",
        "state": "running",
        "done": 300,
        "total": 1200,
        "percent": 25,
        "left_ms": 30000,
        "created_at": "2026-11-23T12:00:00.000Z",
        "updated_at": "2026-11-23T12:00:10.000Z",
        "result": ["290 rows are parts of calls now."],
        "problem": None,
    },
)


@operation(
    "GET",
    "/jobs",
    "job.read",
    "List jobs, newest first",
    params=(Param("state", choice(*STATES), "Of one state."),),
    answer=JOB,
    lists=True,
    screens=("jobs.index", "jobs.running"),
)
def index(call: Call) -> Reply:
    """One page of them."""
    query = select(job_table)
    if "state" in call.query:
        query = query.where(job_table.c.state == call.query["state"])
    with reading(databases().panel) as connection:
        found = call.page(connection, query, {"id": job_table.c.id}, descending=True)
    return call.listed(found.rows, found.older, lambda row: _plain(progress.job_of(row)))


@operation("GET", "/jobs/{job_id}", "job.read", "One job", answer=JOB, screens=("jobs.show",))
def one(call: Call) -> dict[str, Any]:
    """How far it is, what came of it."""
    with reading(databases().panel) as connection:
        return _plain(progress.get(connection, call.path["job_id"]))


@operation(
    "POST",
    "/jobs/{job_id}/cancel",
    "job.write",
    "Stop a job after the part that is being done",
    answer=JOB,
    screens=("jobs.cancel",),
)
def cancel(call: Call) -> dict[str, Any]:
    """What is done stays done."""
    number = call.path["job_id"]
    with writing(databases().panel) as connection:
        found = progress.get(connection, number)
        if not queue.cancel(connection, number):
            raise Conflict(
                _("The job has ended already, or cannot be cancelled."),
                _("Its page says how it ended."),
            )
        detail = {"done": found.done}
        audit.record(connection, action="job.cancel", object=f"job:{number}", detail=detail)
    with reading(databases().panel) as connection:
        return _plain(progress.get(connection, number))


@operation(
    "POST",
    "/jobs/{job_id}/pause",
    "job.write",
    "Pause the reading of earlier calls",
    answer=JOB,
    screens=("jobs.pause",),
)
def pause(call: Call) -> dict[str, Any]:
    """New calls are read all the while."""
    with writing(databases().panel) as connection:
        backlog.pause(connection, call.path["job_id"])
        return _plain(progress.get(connection, call.path["job_id"]))


@operation(
    "POST",
    "/jobs/{job_id}/resume",
    "job.write",
    "Go on with the reading of earlier calls",
    answer=JOB,
    screens=("jobs.resume",),
)
def resume(call: Call) -> dict[str, Any]:
    """From where it stood."""
    with writing(databases().panel) as connection:
        backlog.resume(connection, call.path["job_id"])
        return _plain(progress.get(connection, call.path["job_id"]))


def _plain(job: progress.Job) -> dict[str, Any]:
    why = problem(job)
    return {
        "id": job.id,
        "kind": job.kind,
        "title": str(kinds.title(job)),
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "percent": job.percent,
        "left_ms": job.left_ms,
        "created_at": clock.iso(job.created_at),
        "updated_at": clock.iso(job.updated_at),
        "result": [str(line) for line in kinds.result(job)],
        "problem": f"{why.what} {why.remedy}".strip() if why else None,
    }
