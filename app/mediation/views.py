"""Rows that are no call, and rows that wait for the rest of theirs: look, understand, replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.words import _, _n
from app.identity import audit
from app.identity.access import current_operator, requires
from app.mediation import replay_job, suspense, tables
from app.mediation.call import Trouble
from app.mediation.lists import OPEN_CALLS, SUSPENSE
from app.pipeline import Overtaken, Pipeline
from app.shell.listing import Asked, Page

blueprint = Blueprint("mediation", __name__)

# A replay of this many rows runs while the operator waits; more are a job.
MOST = 500
_WORDS = {str(reason): words for reason, words in suspense.IN_WORDS.items()}


@blueprint.get("/suspense")
@requires("suspense.read")
def index() -> ResponseReturnValue:
    """The reasons with their counts, and the entries of one or all of them."""
    reason = request.args.get("reason") or None
    if reason is not None and reason not in set(Trouble):
        raise NotFound(_("There is no such reason."), _("Choose one of the list."))
    with reading(databases().panel) as connection:
        counts = suspense.counts(connection)
    reasons = [
        {"reason": name, "count": count, "words": _WORDS.get(name, (name, ""))}
        for name, count in sorted(counts.items(), key=lambda item: -item[1])
    ]

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            found = asked.page(connection, suspense.entries(reason), id=tables.suspense.c.id)
        return replace(found, rows=[suspense.entry(row) for row in found.rows])

    return SUSPENSE.answer("mediation/index.html", fetch, reasons=reasons, chosen=reason)


@blueprint.get("/suspense/<int:entry_id>")
@requires("suspense.read")
def show(entry_id: int) -> ResponseReturnValue:
    """One entry: why it is here, what to do, and the row itself."""
    with reading(databases().panel) as connection:
        entry = suspense.get(connection, entry_id) if entry_id < 2**63 else None
    if entry is None:
        raise NotFound(
            _("There is no suspense entry %(id)s.", id=entry_id), _("It may be a call by now.")
        )
    return render_template("mediation/show.html", entry=entry)


@blueprint.post("/suspense/<int:entry_id>/replay")
@requires("suspense.replay")
def replay_one(entry_id: int) -> ResponseReturnValue:
    """Mediates one entry again."""
    _replay([entry_id], f"suspense:{entry_id}")
    return redirect(url_for("mediation.index"), 303)


@blueprint.post("/suspense/replay-selected")
@requires("suspense.replay")
def replay_selected() -> ResponseReturnValue:
    """Mediates the selected entries again."""
    ids = [int(text) for text in request.form.getlist("ids") if _is_id(text)]
    if not ids:
        raise InvalidInput(_("No row is selected."), _("Tick the rows first."), "ids")
    if len(ids) > MOST:
        return _replay_by_job("suspense:selected", ids=ids)
    _replay(sorted(ids), "suspense:selected")
    return redirect(url_for("mediation.index"), 303)


@blueprint.post("/suspense/replay")
@requires("suspense.replay")
def replay_reason() -> ResponseReturnValue:
    """Mediates the entries of a reason again, the oldest first."""
    reason = request.form.get("reason", "")
    if reason not in set(Trouble):
        raise InvalidInput(_("There is no such reason."), _("Choose one of the list."), "reason")
    with reading(databases().panel) as connection:
        ids = suspense.ids_of(connection, reason, MOST + 1)
    if len(ids) > MOST:
        return _replay_by_job(f"suspense:{reason}", reason=reason)
    _replay(ids, f"suspense:{reason}")
    return redirect(url_for("mediation.index", reason=reason), 303)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _replay_by_job(
    what: str, *, reason: str | None = None, ids: Sequence[int] = ()
) -> ResponseReturnValue:
    """Too many to wait for: a worker does it, the operator sees how far it is."""
    with writing(databases().panel) as connection:
        job_id = replay_job.start(
            connection, reason=reason, ids=ids, operator_id=current_operator().id
        )
        audit.record(connection, action="suspense.replay", object=what, detail={"job": job_id})
    return redirect(url_for("jobs.show", job_id=job_id), 303)


def _replay(ids: list[int], what: str) -> None:
    dbs = databases()
    pipeline = Pipeline(dbs, settings())
    pipeline.refresh()
    try:
        used, still = pipeline.replay(ids) if ids else (0, 0)
    except Overtaken as error:
        raise Conflict(
            _("The worker took one of these rows at the same moment; nothing was changed."),
            _("Load the list again."),
        ) from error
    with writing(dbs.panel) as connection:
        audit.record(
            connection,
            action="suspense.replay",
            object=what,
            detail={"rows": len(ids), "used": used, "still": still},
        )
    flash(_n("%(num)s row is part of a call now.", "%(num)s rows are part of calls now.", used))
    if still:
        flash(_n("%(num)s row stayed in suspense.", "%(num)s rows stayed in suspense.", still))


@blueprint.get("/open-calls")
@requires("suspense.read")
def open_calls() -> ResponseReturnValue:
    """Rows that wait for the rest of their call."""

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            found = asked.page(connection, suspense.open_rows(), id=tables.open_call.c.id)
        return replace(found, rows=[suspense.open_row(row) for row in found.rows])

    hours = settings().open_call_ms // 3_600_000
    return OPEN_CALLS.answer("mediation/open.html", fetch, hours=hours)
