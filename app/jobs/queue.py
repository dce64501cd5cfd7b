"""Jobs that wait for a worker: put in, taken by one, moved on, cancelled, taken up again.

The row is its own lease: ``until`` says how long a worker has it, ``token`` rises with each taking
and fences off a worker that slept past its lease. Whoever moves a job renews the lease with the
same statement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, and_, or_, select, update

from app.core import clock
from app.core.database import inserted_id
from app.jobs.kinds import Bite
from app.jobs.progress import RUNNING, WAITING
from app.jobs.tables import job

# Longer than a bite takes; a worker that was killed is followed by another after this.
LEASE_MS = clock.MINUTE
# So often a job may fail or lose its worker without moving.
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """A job in a worker's hands; ``token`` proves it."""

    id: int
    token: int
    kind: str
    task: Mapping[str, Any]
    place: Mapping[str, Any]
    done: int
    total: int
    detail: Mapping[str, Any]
    tries: int
    cancelled: bool


def put(
    connection: Connection,
    kind: str,
    title: str,
    task: Mapping[str, Any],
    *,
    total: int = 0,
    operator_id: int | None = None,
    tenant_id: int = 1,
) -> int:
    """Asks for work; returns the job's id. ``title`` is for those who read the table."""
    now = clock.now_ms()
    row = {
        "tenant_id": tenant_id,
        "kind": kind,
        "title": title[:120],
        "state": WAITING,
        "total": total,
        "task": json.dumps(dict(task)),
        "operator_id": operator_id,
        "created_at": now,
        "updated_at": now,
    }
    return inserted_id(connection.execute(job.insert(), row))


def take(connection: Connection) -> Taken | None:
    """The oldest job that waits or whose worker is gone; None when there is none to be had.

    Commit at once: until then rivals wait.
    """
    now = clock.now_ms()
    free = or_(
        job.c.state == WAITING,
        # Work that others keep in the table (the backlog's bar) has no lease: it is not taken.
        and_(job.c.state == RUNNING, job.c.until <= now),
    )
    query = select(job).where(job.c.state.in_((WAITING, RUNNING)), free).order_by(job.c.id)
    for row in connection.execute(query.limit(10)).mappings().all():
        taken = connection.execute(
            update(job)
            .where(job.c.id == row["id"], job.c.token == row["token"], free)
            .values(
                state=RUNNING,
                token=row["token"] + 1,
                tries=row["tries"] + 1,
                until=now + LEASE_MS,
                updated_at=now,
            )
        )
        if taken.rowcount:
            return _taken(row)
    return None


def move(connection: Connection, taken: Taken, bite: Bite) -> Taken | None:
    """Notes a bite and renews the lease. None: the job is in other hands or has ended; stop."""
    now = clock.now_ms()
    values = {
        "done": bite.done,
        "place": json.dumps(dict(bite.place or {})),
        "detail": json.dumps(dict(bite.detail)),
        "tries": 1,
        "until": now + LEASE_MS,
        "updated_at": now,
    }
    if not _set(connection, taken, values):
        return None
    row = connection.execute(select(job).where(job.c.id == taken.id)).mappings().one()
    return _taken(row, step=0)


def end(
    connection: Connection,
    taken: Taken,
    state: Literal["done", "failed", "cancelled"],
    detail: Mapping[str, Any] | None = None,
    done: int | None = None,
) -> bool:
    """Notes how it ended. False: the job was no longer this worker's."""
    values: dict[str, Any] = {"state": state, "until": None, "updated_at": clock.now_ms()}
    if detail is not None:
        values["detail"] = json.dumps(dict(detail))
    if done is not None:
        values["done"] = done
    return _set(connection, taken, values)


def give_back(
    connection: Connection, taken: Taken, after_ms: int = 0, *, counted: bool = True
) -> None:
    """Lets any worker take it ``after_ms`` from now; not ``counted``, it was no failed try."""
    values: dict[str, Any] = {"until": clock.now_ms() + after_ms}
    if not counted:
        values["tries"] = 0
    _set(connection, taken, values)


def cancel(connection: Connection, job_id: int) -> bool:
    """Stops a job: at once while nobody works on it, else after the bite that is being done.

    False: it had ended already, or is none that a worker takes up.
    """
    now = clock.now_ms()
    idle = or_(job.c.state == WAITING, and_(job.c.state == RUNNING, job.c.until <= now))
    stopped = connection.execute(
        update(job)
        .where(job.c.id == job_id, idle)
        .values(state="cancelled", cancel_at=now, until=None, updated_at=now)
    )
    if stopped.rowcount:
        return True
    asked = connection.execute(
        update(job)
        .where(job.c.id == job_id, job.c.state == RUNNING, job.c.until.is_not(None))
        .values(cancel_at=now)
    )
    return asked.rowcount == 1


def _set(connection: Connection, taken: Taken, values: Mapping[str, Any]) -> bool:
    mine = and_(job.c.id == taken.id, job.c.token == taken.token, job.c.state == RUNNING)
    return connection.execute(update(job).where(mine).values(values)).rowcount == 1


def _taken(row: Mapping[Any, Any], step: int = 1) -> Taken:
    return Taken(
        id=row["id"],
        token=row["token"] + step,
        kind=row["kind"],
        task=json.loads(row["task"] or "{}"),
        place=json.loads(row["place"] or "{}"),
        done=row["done"],
        total=row["total"],
        detail=json.loads(row["detail"] or "{}"),
        tries=row["tries"] + step,
        cancelled=row["cancel_at"] is not None,
    )
