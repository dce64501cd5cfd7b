"""Long work in rows: what runs, how far it is, how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Select, select, update

from app.core import clock
from app.core.database import inserted_id
from app.core.errors import NotFound
from app.core.words import _
from app.jobs.tables import job

WAITING, RUNNING, PAUSED = "waiting", "running", "paused"
OPEN = (WAITING, RUNNING, PAUSED)
State = Literal["done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of long work; ``total`` 0 means that its size is not known."""

    id: int
    kind: str
    title: str
    state: str
    done: int
    total: int
    detail: Mapping[str, Any]
    created_at: int
    updated_at: int
    operator_id: int | None = None
    cancel_at: int | None = None
    task: Mapping[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state not in OPEN

    @property
    def stopping(self) -> bool:
        """Whether somebody cancelled it and its worker has not stopped yet."""
        return self.cancel_at is not None and not self.over

    @property
    def percent(self) -> int | None:
        """0 to 100, rounded down so that 100 means all; None while the size is not known."""
        return min(self.done * 100 // self.total, 100) if self.total > 0 else None

    @property
    def left_ms(self) -> int | None:
        """How long the rest takes at the pace so far; None while that cannot be told.

        ``pace`` in the detail is where the job stood a while ago, for those that last for hours.
        """
        since, before = self.detail.get("pace") or (self.created_at, 0)
        spent, moved = self.updated_at - since, self.done - before
        if self.state != RUNNING or moved <= 0 or self.total <= 0 or spent <= 0:
            return None
        return int(spent * max(self.total - self.done, 0) // moved)


def start(
    connection: Connection, kind: str, title: str, total: int = 0, *, tenant_id: int = 1
) -> int:
    """Notes that work begins; returns the job's id."""
    now = clock.now_ms()
    row = {
        "tenant_id": tenant_id,
        "kind": kind,
        "title": title[:120],
        "state": RUNNING,
        "total": total,
        "created_at": now,
        "updated_at": now,
    }
    return inserted_id(connection.execute(job.insert(), row))


def advance(
    connection: Connection,
    job_id: int,
    done: int,
    total: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> bool:
    """Notes how much is done in all. False: the job is not running (cancelled, say): stop."""
    values: dict[str, Any] = {"done": done, "updated_at": clock.now_ms()}
    if total is not None:
        values["total"] = total
    if detail is not None:
        values["detail"] = json.dumps(dict(detail))
    return _update(connection, job_id, values)


def finish(
    connection: Connection,
    job_id: int,
    state: State = "done",
    detail: Mapping[str, Any] | None = None,
) -> bool:
    """Notes how the work ended. False: it had ended already."""
    values: dict[str, Any] = {"state": state, "updated_at": clock.now_ms()}
    if detail is not None:
        values["detail"] = json.dumps(dict(detail))
    return _update(connection, job_id, values)


def _update(connection: Connection, job_id: int, values: Mapping[str, Any]) -> bool:
    query = update(job).where(job.c.id == job_id, job.c.state == RUNNING).values(values)
    return connection.execute(query).rowcount == 1


def get(connection: Connection, job_id: int) -> Job:
    """The job; raises NotFound."""
    row = connection.execute(select(job).where(job.c.id == job_id)).mappings().first()
    if row is None:
        raise NotFound(
            _("There is no job %(id)s.", id=job_id), _("The list of jobs shows those that exist.")
        )
    return job_of(row)


def running(connection: Connection, kind: str | None = None) -> list[Job]:
    """The jobs that run, wait for a worker or are paused, oldest first."""
    query = select(job).where(job.c.state.in_(OPEN)).order_by(job.c.id)
    if kind is not None:
        query = query.where(job.c.kind == kind)
    return [job_of(row) for row in connection.execute(query).mappings()]


def ended(connection: Connection, ids: Iterable[int]) -> list[Job]:
    """Those of the jobs that have ended."""
    query = select(job).where(job.c.id.in_(list(ids)), job.c.state.not_in(OPEN))
    return [job_of(row) for row in connection.execute(query.order_by(job.c.id)).mappings()]


def over() -> Select[Any]:
    """The query of the jobs that have ended; ``job_of`` reads its rows."""
    return select(job).where(job.c.state.not_in(OPEN))


def job_of(row: Mapping[Any, Any]) -> Job:
    """A job from a row of its table."""
    return Job(
        row["id"],
        row["kind"],
        row["title"],
        row["state"],
        row["done"],
        row["total"],
        json.loads(row["detail"] or "{}"),
        row["created_at"],
        row["updated_at"],
        row["operator_id"],
        row["cancel_at"],
        json.loads(row["task"] or "{}"),
    )
