"""Rows that are no call, and rows that wait for the rest of theirs: look, understand, replay."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import InvalidInput, NotFound
from app.core.words import _, _n
from app.identity import audit
from app.identity.access import requires
from app.mediation import replaying, repricing, suspense, tables, vanished
from app.mediation.call import Trouble
from app.mediation.lists import OPEN_CALLS, SUSPENSE, VANISHED
from app.mediation.replaying import Replayed
from app.shell.listing import Asked, Page

blueprint = Blueprint("mediation", __name__)

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
        lost = vanished.count(connection)
        unpaid = repricing.count(connection)
    reasons = [
        {"reason": name, "count": count, "words": _WORDS.get(name, (name, ""))}
        for name, count in sorted(counts.items(), key=lambda item: -item[1])
    ]

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            found = asked.page(connection, suspense.entries(reason), id=tables.suspense.c.id)
        return replace(found, rows=[suspense.entry(row) for row in found.rows])

    return SUSPENSE.answer(
        "mediation/index.html", fetch, reasons=reasons, chosen=reason, vanished=lost, unpaid=unpaid
    )


@blueprint.get("/suspense/<int:entry_id>")
@requires("suspense.read")
def show(entry_id: int) -> ResponseReturnValue:
    """One entry: why it is here, what to do, and the row itself."""
    with reading(databases().panel) as connection:
        entry = suspense.get(connection, entry_id) if entry_id < 2**63 else None
        query = select(tables.source).where(tables.source.c.id == (entry or {}).get("source_id"))
        origin = connection.execute(query).mappings().first()
    if entry is None:
        raise NotFound(
            _("There is no suspense entry %(id)s.", id=entry_id), _("It may be a call by now.")
        )
    with writing(databases().panel) as connection:
        audit.record(connection, action="suspense.viewed", object=f"suspense:{entry_id}")
    return render_template("mediation/show.html", entry=entry, source=origin)


@blueprint.post("/suspense/<int:entry_id>/replay")
@requires("suspense.replay")
def replay_one(entry_id: int) -> ResponseReturnValue:
    """Mediates one entry again."""
    return _said(replaying.at_once([entry_id], f"suspense:{entry_id}"))


@blueprint.post("/suspense/replay-selected")
@requires("suspense.replay")
def replay_selected() -> ResponseReturnValue:
    """Mediates the selected entries again."""
    ids = [int(text) for text in request.form.getlist("ids") if _is_id(text)]
    if not ids:
        raise InvalidInput(_("No row is selected."), _("Tick the rows first."), "ids")
    return _said(replaying.of_ids(ids))


@blueprint.post("/suspense/replay")
@requires("suspense.replay")
def replay_reason() -> ResponseReturnValue:
    """Mediates the entries of a reason again, the oldest first."""
    reason = request.form.get("reason", "")
    if reason not in set(Trouble):
        raise InvalidInput(_("There is no such reason."), _("Choose one of the list."), "reason")
    return _said(replaying.of_reason(reason), reason=reason)


@blueprint.post("/suspense/compare")
@requires("suspense.replay")
def compare() -> ResponseReturnValue:
    """Looks for rows that came later than the settling time: a job."""
    return redirect(url_for("jobs.show", job_id=replaying.compare()), 303)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _said(done: Replayed, reason: str | None = None) -> ResponseReturnValue:
    """Back to the list with what came of it, or on to the job that does it."""
    if done.job_id is not None:
        return redirect(url_for("jobs.show", job_id=done.job_id), 303)
    flash(
        _n("%(num)s row is part of a call now.", "%(num)s rows are part of calls now.", done.used)
    )
    if done.still:
        flash(_n("%(num)s row stayed in suspense.", "%(num)s rows stayed in suspense.", done.still))
    return redirect(url_for("mediation.index", reason=reason), 303)


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


@blueprint.get("/vanished")
@requires("suspense.read")
def lost() -> ResponseReturnValue:
    """Calls of the switch's dialogs that acc knows nothing of, or says that they ended."""

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            found = asked.page(connection, vanished.entries(), id=tables.dialog_seen.c.id)
        return replace(found, rows=[vanished.entry(row) for row in found.rows])

    return VANISHED.answer("mediation/vanished.html", fetch)


@blueprint.post("/vanished/acknowledge")
@requires("suspense.replay")
def acknowledge() -> ResponseReturnValue:
    """Takes the selected entries off the list."""
    ids = [int(text) for text in request.form.getlist("ids") if _is_id(text)]
    if not ids:
        raise InvalidInput(_("No row is selected."), _("Tick the rows first."), "ids")
    with writing(databases().panel) as connection:
        done = vanished.acknowledge(connection, ids)
    flash(_n("%(num)s entry is acknowledged.", "%(num)s entries are acknowledged.", done))
    return redirect(url_for("mediation.lost"), 303)
