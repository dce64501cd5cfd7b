"""The job that shows how much history is still to be read, and lets people pause it."""

from __future__ import annotations

from collections import deque

from sqlalchemy import Connection, update

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.errors import Conflict
from app.core.words import _
from app.identity import audit
from app.jobs import progress
from app.jobs.progress import PAUSED, RUNNING
from app.jobs.tables import job

KIND = "backlog"
# The time left is told from the rate since the oldest mark: one every 20 seconds, three minutes.
_MARK_MS = 20 * clock.SECOND
_MARKS = 9


class BacklogBar:
    """A progress bar in the job table; found again after a restart, paused or not."""

    def __init__(self, dbs: Databases) -> None:
        self.dbs = dbs
        self.job_id: int | None = None
        self.total = 0
        self._looked = False
        self._marks: deque[tuple[int, int]] = deque(maxlen=_MARKS)

    def is_paused(self) -> bool:
        """Whether somebody stopped the reading of the backlog for now."""
        with reading(self.dbs.panel) as connection:
            self._look(connection)
            if self.job_id is None:
                return False
            paused = progress.get(connection, self.job_id).state == PAUSED
        if paused:
            self._marks.clear()  # the rate of before tells nothing about the time after
        return paused

    def show(self, left: int) -> None:
        """Moves the bar to what is left; makes it when there is a backlog, ends it at 0."""
        if not left and self.job_id is None and self._looked:
            return
        with writing(self.dbs.panel) as connection:
            self._look(connection)
            if left and self.job_id is None:
                self.total = left
                self.job_id = progress.start(
                    connection, kind=KIND, title="Reading earlier calls", total=left
                )
            elif self.job_id is not None:
                self._move(connection, self.job_id, self.total - left)
                if not left:
                    # read to its end from the command line while it was paused
                    _set_state(connection, self.job_id, PAUSED, RUNNING)
                    progress.finish(connection, self.job_id)
                    self.job_id = None

    def _look(self, connection: Connection) -> None:
        if not self._looked:
            self._looked = True
            for found in progress.running(connection, KIND):
                self.job_id, self.total = found.id, found.total

    def _move(self, connection: Connection, job_id: int, done: int) -> None:
        now = clock.now_ms()
        if not self._marks or now - self._marks[-1][0] >= _MARK_MS:
            self._marks.append((now, done))
        progress.advance(connection, job_id, done, detail={"pace": self._marks[0]})


def pause(connection: Connection, job_id: int) -> None:
    """Stops reading the backlog until ``resume``; raises Conflict when it does not run."""
    if not _set_state(connection, job_id, RUNNING, PAUSED):
        raise Conflict(
            _("The job does not run, or cannot be paused."), _("Its page says how it stands.")
        )
    audit.record(connection, action="job.pause", object=f"job:{job_id}")


def resume(connection: Connection, job_id: int) -> None:
    """Goes on with a paused backlog from where it stood; raises Conflict when it is not paused."""
    if not _set_state(connection, job_id, PAUSED, RUNNING):
        raise Conflict(_("The job is not paused."), _("Its page says how it stands."))
    audit.record(connection, action="job.resume", object=f"job:{job_id}")


def _set_state(connection: Connection, job_id: int, before: str, after: str) -> bool:
    mine = update(job).where(job.c.id == job_id, job.c.kind == KIND, job.c.state == before)
    changed = connection.execute(mine.values(state=after, updated_at=clock.now_ms()))
    return changed.rowcount == 1
