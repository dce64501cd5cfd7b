"""The job that shows how much history is still to be read."""

from __future__ import annotations

from app.core.database import Databases, writing
from app.jobs import progress

_KIND = "backlog"


class BacklogBar:
    """A progress bar in the job table; found again after a restart."""

    def __init__(self, dbs: Databases) -> None:
        self.dbs = dbs
        self.job_id: int | None = None
        self.total = 0
        self._looked = False

    def show(self, left: int) -> None:
        """Moves the bar to what is left; makes it when there is a backlog, ends it at 0."""
        if not left and self.job_id is None and self._looked:
            return
        with writing(self.dbs.panel) as connection:
            if not self._looked:
                self._looked = True
                for job in progress.running(connection, _KIND):
                    self.job_id, self.total = job.id, job.total
            if left and self.job_id is None:
                self.total = left
                self.job_id = progress.start(
                    connection, kind=_KIND, title="Reading earlier calls", total=left
                )
            elif self.job_id is not None:
                progress.advance(connection, self.job_id, done=self.total - left)
                if not left:
                    progress.finish(connection, self.job_id)
                    self.job_id = None
