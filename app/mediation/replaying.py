"""Mediating suspense entries again, few at once, many by a job; looking for rows that came late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app import lanes
from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import Conflict
from app.core.words import _
from app.identity import audit
from app.identity.access import current_operator
from app.mediation import compare_job, replay_job, suspense
from app.pipeline import Overtaken

# A replay of this many rows runs while the operator waits; more are a job.
MOST = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many entries are parts of calls now and how many stayed, or the job that does it."""

    used: int = 0
    still: int = 0
    job_id: int | None = None


def of_reason(reason: str) -> Replayed:
    """The entries of a reason, the oldest first."""
    with reading(databases().panel) as connection:
        ids = suspense.ids_of(connection, reason, MOST + 1)
    what = f"suspense:{reason}"
    return _by_job(what, reason=reason) if len(ids) > MOST else at_once(ids, what)


def of_ids(ids: Sequence[int]) -> Replayed:
    """The entries of these numbers."""
    what = "suspense:selected"
    return _by_job(what, ids=ids) if len(ids) > MOST else at_once(sorted(ids), what)


def at_once(ids: Sequence[int], what: str) -> Replayed:
    """Entries while somebody waits; ``what`` is what the audit calls them. Raises Conflict."""
    dbs = databases()
    try:
        used, still = lanes.replay(dbs, settings(), ids)
    except Overtaken as error:
        raise Conflict(
            _("The worker took one of these rows at the same moment; nothing was changed."),
            _("Load the list again."),
        ) from error
    detail = {"rows": len(ids), "used": used, "still": still}
    with writing(dbs.panel) as connection:
        audit.record(connection, action="suspense.replay", object=what, detail=detail)
    return Replayed(used, still)


def compare() -> int:
    """Asks for a comparison with the switch's rows; the number of the job that does it."""
    with writing(databases().panel) as connection:
        job_id = compare_job.start(connection, operator_id=current_operator().id)
        audit.record(connection, action="acc.compare", object="acc", detail={"job": job_id})
    return job_id


def _by_job(what: str, *, reason: str | None = None, ids: Sequence[int] = ()) -> Replayed:
    """Too many to wait for: a worker does it, the operator sees how far it is."""
    with writing(databases().panel) as connection:
        job_id = replay_job.start(
            connection, reason=reason, ids=ids, operator_id=current_operator().id
        )
        audit.record(connection, action="suspense.replay", object=what, detail={"job": job_id})
    return Replayed(job_id=job_id)
