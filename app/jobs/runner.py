"""What a worker does with the jobs that wait: one at a time, bite by bite."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from app.core import clock
from app.core.database import Databases, writing
from app.core.errors import CompanionError, DatabaseUnavailable
from app.core.settings import Settings
from app.jobs import kinds, queue
from app.jobs.kinds import Kind, Work
from app.jobs.queue import Taken

log = logging.getLogger(__name__)

_PAUSE_MS = 2 * clock.SECOND
_AWAY_MS = 15 * clock.SECOND


def run_next(
    dbs: Databases,
    settings: Settings,
    stop: Callable[[], bool] = lambda: False,
    registry: Mapping[str, Kind] | None = None,
) -> int:
    """Works on the oldest job until it ends, is cancelled, fails or ``stop`` says so.

    Returns the number of bites; 0 when there was nothing to do.
    """
    with writing(dbs.panel) as connection:
        taken = queue.take(connection)
    if taken is None:
        return 0
    kind = (kinds.known() if registry is None else registry).get(taken.kind)
    if kind is None or taken.tries > queue.MOST_TRIES:
        _fail(dbs, taken, "unknown" if kind is None else "stuck")
        return 1
    bites = 0
    held: Taken | None = taken
    while held is not None:
        if held.cancelled:
            with writing(dbs.panel) as connection:
                queue.end(connection, held, "cancelled")
            break
        if stop():
            with writing(dbs.panel) as connection:
                queue.give_back(connection, held, counted=False)
            break
        held = _bite(dbs, settings, kind, held)
        bites += 1
    return max(bites, 1)


def _bite(dbs: Databases, settings: Settings, kind: Kind, held: Taken) -> Taken | None:
    """One bite and its note; None when the job is over or in other hands."""
    work = Work(dbs, settings, held.task, held.place, held.done, held.total, held.detail)
    try:
        bite = kind.bite(work)
    except DatabaseUnavailable:
        # Nobody's fault: tried again later, however often. When our own database is the one
        # that is away, this is not noted, and the lease's end brings the job back.
        with writing(dbs.panel) as connection:
            queue.give_back(connection, held, _AWAY_MS, counted=False)
        raise
    except Exception as error:
        log.exception("job %s (%s) failed in its try %s", held.id, held.kind, held.tries)
        _try_again(dbs, held, error)
        return None
    with writing(dbs.panel) as connection:
        if bite.place is None:
            queue.end(connection, held, "done", bite.detail, bite.done)
            return None
        return queue.move(connection, held, bite)


def _try_again(dbs: Databases, held: Taken, error: Exception) -> None:
    if held.tries >= queue.MOST_TRIES:
        _fail(dbs, held, "error", error)
        return
    with writing(dbs.panel) as connection:
        queue.give_back(connection, held, _PAUSE_MS * 2**held.tries)


def _fail(dbs: Databases, held: Taken, why: str, error: Exception | None = None) -> None:
    """Ends the job; ``why`` is what app.jobs.views has words for."""
    problem = {"why": why}
    if isinstance(error, CompanionError):
        problem |= {"message": error.message, "remedy": error.remedy}
    with writing(dbs.panel) as connection:
        queue.end(connection, held, "failed", {**held.detail, "problem": problem})
