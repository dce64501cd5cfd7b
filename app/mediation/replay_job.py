"""The job that mediates many suspense entries again: all of a reason, or those of a list."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from app import lanes
from app.core.database import reading
from app.core.words import _, _n
from app.jobs import queue
from app.jobs.kinds import Bite, Kind, Work
from app.jobs.progress import Job
from app.mediation import suspense as entries
from app.mediation.tables import suspense

NAME = "suspense.replay"
BITE = 500


def start(
    connection: Connection,
    *,
    reason: str | None = None,
    ids: Sequence[int] = (),
    operator_id: int | None = None,
) -> int:
    """Asks for the replay of a reason's entries, or of these; returns the job's id.

    Entries that come in later are left out, so that the job ends.
    """
    task: dict[str, object] = {"reason": reason} if reason else {"ids": sorted(set(ids))}
    total = len(set(ids))
    if reason:
        query = select(func.count(), func.max(suspense.c.id)).where(suspense.c.reason == reason)
        total, task["until"] = connection.execute(query).one()
    title = f"Replay of suspense: {reason or 'chosen entries'}"
    return queue.put(connection, NAME, title, task, total=total, operator_id=operator_id)


def bite(work: Work) -> Bite:
    """Replays the next 500. ``used`` is right also when a bite came twice: it is the total less
    what stayed, and what a lost bite had used is not there any more."""
    after = int(work.place.get("after", 0))
    with reading(work.dbs.panel) as connection:
        query = select(suspense.c.id).where(suspense.c.id > after, *_wanted(work, after))
        ids = list(connection.scalars(query.order_by(suspense.c.id).limit(BITE)))
    still = int(work.detail.get("still", 0))
    if not ids:
        used = max(work.total - still, 0)
        return Bite(work.total, None, {"used": used, "still": still})
    used_now, _still_now = lanes.replay(work.dbs, work.settings, ids)
    still += len(ids) - used_now
    done = min(work.done + len(ids), work.total)
    return Bite(done, {"after": ids[-1]}, {"used": max(done - still, 0), "still": still})


def _wanted(work: Work, after: int) -> list[ColumnElement[bool]]:
    if "reason" in work.task:
        until = int(work.task.get("until") or 0)
        return [suspense.c.reason == work.task["reason"], suspense.c.id <= until]
    rest = [number for number in work.task["ids"] if number > after]
    return [suspense.c.id.in_(rest[:BITE])]


def _title(job: Job) -> str:
    reason = job.task.get("reason")
    if reason is None:
        return _("Replay of chosen suspense entries")
    words = next((text for name, text in entries.IN_WORDS.items() if name == reason), None)
    return _("Replay of suspense: %(reason)s", reason=words[0] if words else reason)


def _result(job: Job) -> list[str]:
    used, still = int(job.detail.get("used", 0)), int(job.detail.get("still", 0))
    found = [_n("One row is part of a call now.", "%(num)s rows are part of a call now.", used)]
    if still:
        found.append(_n("One row stayed in suspense.", "%(num)s rows stayed in suspense.", still))
    return found


KIND = Kind(NAME, bite, _title, _result, ("mediation.index", {}))
