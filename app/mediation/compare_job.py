"""The job that looks for rows that became visible later than the settling time."""

from __future__ import annotations

from sqlalchemy import Connection, select

from app.comparison import Stretch, compare, stretches
from app.core import clock
from app.core.database import ping, reading, writing
from app.core.errors import CompanionError
from app.core.words import _, _n
from app.jobs import queue
from app.jobs.kinds import Bite, Kind, Work
from app.jobs.progress import RUNNING, WAITING, Job
from app.jobs.tables import job
from app.mediation.source import ensure_sources, load_sources
from app.pipeline import Pipeline

NAME = "acc.compare"
# It runs at night in UTC, unless the last one is younger than this.
_NIGHT = range(1, 5)
_EVERY_MS = 20 * clock.HOUR


def start(connection: Connection, *, operator_id: int | None = None) -> int:
    """Asks for a comparison, or finds the one under way; returns the job's id."""
    busy = select(job.c.id).where(job.c.kind == NAME, job.c.state.in_((WAITING, RUNNING)))
    found = connection.scalar(busy.order_by(job.c.id))
    if found is not None:
        return int(found)
    return queue.put(connection, NAME, "Comparison with acc", {}, operator_id=operator_id)


def start_if_due(connection: Connection, now_ms: int) -> None:
    """Asks for the nightly one."""
    if clock.to_datetime(now_ms).hour not in _NIGHT:
        return
    recent = select(job.c.id).where(job.c.kind == NAME, job.c.created_at > now_ms - _EVERY_MS)
    if connection.scalar(recent.limit(1)) is None:
        start(connection)


def bite(work: Work) -> Bite:
    """The next rows; what there is to compare is noted at the beginning, so that it ends.

    A source that is away is left out, and named at the end.
    """
    found = int(work.detail.get("found", 0))
    if "left" not in work.place:
        return _begin(work)
    (table, after, until, *of), *rest = work.place["left"]
    with reading(work.dbs.panel) as connection:
        sources = {one.id: one for one in load_sources(connection)}
    pipeline = Pipeline(work.dbs, work.settings, sources[of[0]] if of else None)
    pipeline.refresh()
    looked, used, last = compare(pipeline, Stretch(table, after, until))
    left = rest if last is None else [[table, last, until, *of], *rest]
    detail = {**work.detail, "found": found + used}
    return Bite(work.done + looked, {"left": left} if left else None, detail)


def _begin(work: Work) -> Bite:
    with writing(work.dbs.panel) as connection:
        sources = ensure_sources(connection, work.settings)
    left, away = [], []
    for found in sources:
        try:
            pipeline = Pipeline(work.dbs, work.settings, found)
            pipeline.refresh()
            stretched = stretches(pipeline)
        except CompanionError:
            if len(sources) == 1:
                raise
            ping(work.dbs.panel)
            away.append(found.name)
        else:
            left += [[one.table, one.after, one.until, one.source_id] for one in stretched]
    detail = {"found": 0, "away": away} if away else {"found": 0}
    return Bite(0, {"left": left} if left else None, detail)


def _title(_job: Job) -> str:
    return _("Comparison with the switch's rows")


def _result(one: Job) -> list[str]:
    found = int(one.detail.get("found", 0))
    looked = _n("One row was compared.", "%(num)s rows were compared.", one.done)
    away = [
        _("The source “%(name)s” was away: its rows were not compared.", name=name)
        for name in one.detail.get("away", ())
    ]
    if not found:
        return [looked, _("Every one was used."), *away]
    late = _n(
        "One had come later than the settling time and is used now.",
        "%(num)s had come later than the settling time and are used now.",
        found,
    )
    return [looked, late, *away]


KIND = Kind(NAME, bite, _title, _result, ("mediation.index", {}))
