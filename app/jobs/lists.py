"""The list of jobs that have ended."""

from __future__ import annotations

from flask import url_for

from app.core.words import _l
from app.jobs import kinds
from app.jobs.wording import STATES
from app.shell.listing import Column, Empty, Listing

JOBS = Listing(
    "jobs",
    _l("Work that ended"),
    (
        Column("id", _l("Job"), sort="-", shown=False, fit=True),
        Column("title", _l("Work"), fixed=True, value=kinds.title, ours=True),
        Column("state", _l("State"), fit=True, plain=lambda job: STATES[job.state][0]),
        Column("done", _l("Done"), "number", room="medium"),
        Column("created_at", _l("Began"), "moment", room="medium"),
        Column("updated_at", _l("Ended"), "moment"),
        Column("took", _l("Took"), "duration", value=lambda job: job.updated_at - job.created_at),
    ),
    Empty(
        _l("No jobs yet"),
        _l("Long work, such as replaying many rows, shows here with its progress."),
        "jobs",
    ),
    sort="-id",
    open=lambda job: url_for("jobs.show", job_id=job.id),
    label=kinds.title,
    ident=lambda job: job.id,
)
