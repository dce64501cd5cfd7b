"""Rows that are no call, and rows that wait for the rest of theirs: look, understand, replay."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import Conflict, InvalidInput, NotFound
from app.identity import audit
from app.identity.access import requires
from app.mediation import suspense
from app.mediation.call import Trouble
from app.pipeline import Overtaken, Pipeline

blueprint = Blueprint("mediation", __name__)

PAGE = 50
# A replay runs while the operator waits: this many rows at a click.
MOST = 500
_WORDS = {str(reason): words for reason, words in suspense.IN_WORDS.items()}


@blueprint.get("/suspense")
@requires("suspense.read")
def index() -> ResponseReturnValue:
    """The reasons with their counts, and the entries of one or all of them."""
    reason, after = request.args.get("reason") or None, _place()
    if reason is not None and reason not in set(Trouble):
        raise NotFound(f"There is no reason '{reason[:40]}'.", "Choose one of the list.")
    with reading(databases().panel) as connection:
        counts = suspense.counts(connection)
        entries = suspense.browse(connection, reason, after, PAGE + 1)
    reasons = [
        {"reason": name, "count": count, "words": _WORDS.get(name, (name, ""))}
        for name, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    older = entries[PAGE - 1]["id"] if len(entries) > PAGE else None
    return render_template(
        "mediation/index.html",
        reasons=reasons,
        chosen=reason,
        entries=entries[:PAGE],
        older=older,
        after=after,
        most=MOST,
    )


@blueprint.get("/suspense/<int:entry_id>")
@requires("suspense.read")
def show(entry_id: int) -> ResponseReturnValue:
    """One entry: why it is here, what to do, and the row itself."""
    with reading(databases().panel) as connection:
        entry = suspense.get(connection, entry_id) if entry_id < 2**63 else None
    if entry is None:
        raise NotFound(f"There is no suspense entry {entry_id}.", "It may be a call by now.")
    return render_template("mediation/show.html", entry=entry)


@blueprint.post("/suspense/<int:entry_id>/replay")
@requires("suspense.replay")
def replay_one(entry_id: int) -> ResponseReturnValue:
    """Mediates one entry again."""
    _replay([entry_id], f"suspense:{entry_id}")
    return redirect(url_for("mediation.index"), 303)


@blueprint.post("/suspense/replay")
@requires("suspense.replay")
def replay_reason() -> ResponseReturnValue:
    """Mediates the entries of a reason again, the oldest first."""
    reason = request.form.get("reason", "")
    if reason not in set(Trouble):
        raise InvalidInput("That is no reason of suspense.", "Choose one of the list.", "reason")
    with reading(databases().panel) as connection:
        ids = suspense.ids_of(connection, reason)
    _replay(ids[:MOST], f"suspense:{reason}")
    if len(ids) > MOST:
        flash(f"{len(ids) - MOST} more of this reason were left for the next click.")
    return redirect(url_for("mediation.index", reason=reason), 303)


def _replay(ids: list[int], what: str) -> None:
    dbs = databases()
    pipeline = Pipeline(dbs, settings())
    pipeline.refresh()
    try:
        used, still = pipeline.replay(ids) if ids else (0, 0)
    except Overtaken as error:
        raise Conflict(
            "The worker took one of these rows at the same moment; nothing was changed.",
            "Load the list again.",
        ) from error
    with writing(dbs.panel) as connection:
        audit.record(
            connection,
            action="suspense.replay",
            object=what,
            detail={"rows": len(ids), "used": used, "still": still},
        )
    words = f"{used} row{'s are' if used != 1 else ' is'} part of a call now"
    flash(f"{words}; {still} stayed in suspense." if still else f"{words}.")


@blueprint.get("/open-calls")
@requires("suspense.read")
def open_calls() -> ResponseReturnValue:
    """Rows that wait for the rest of their call."""
    after = _place()
    with reading(databases().panel) as connection:
        waiting = suspense.open_calls(connection, after, PAGE + 1)
    older = waiting[PAGE - 1]["id"] if len(waiting) > PAGE else None
    return render_template(
        "mediation/open.html",
        entries=waiting[:PAGE],
        older=older,
        after=after,
        hours=settings().open_call_ms // 3_600_000,
    )


def _place() -> int | None:
    text = request.args.get("after", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise InvalidInput("This is no place in the list.", "Start from its first page.")
    return int(text)
