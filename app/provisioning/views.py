"""Changes and how far each has come on every node."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.context import databases
from app.core.database import reading
from app.identity.access import current_operator, requires
from app.provisioning import changeset, nodes, pusher
from app.provisioning.changeset import ChangeSet
from app.provisioning.tools.registry import TOOLS

blueprint = Blueprint("provisioning", __name__)

PAGE = 50

# How a state reads and which colour it has.
PUSH_WORDS = {
    "waiting": ("waiting", "info"),
    "pushed": ("pushed, comparing", "info"),
    "verified": ("verified", "ok"),
    "failed": ("failed", "bad"),
}
LEVEL_WORDS = {
    "equal": "The node's memory was compared with the table and is equal.",
    "sampled": "The node was asked a question for each changed row; its answers are the table's.",
    "reloaded": "The node loaded the table after the change; no question could show this row.",
    "unknown": "The node could not be asked.",
}


@blueprint.get("/changes")
@requires("change.read")
def index() -> ResponseReturnValue:
    """Change sets, newest first."""
    before = request.args.get("before", type=int)
    operator = current_operator()
    with reading(databases().panel) as connection:
        sets = changeset.latest(
            connection, tenant_id=operator.tenant_id, before_id=before, limit=PAGE + 1
        )
        used = nodes.in_use(connection)
    older = sets[PAGE - 1].id if len(sets) > PAGE else None
    return render_template(
        "provisioning/index.html",
        sets=[(one, summary(one), standing(one)) for one in sets[:PAGE]],
        older=older,
        before=before,
        nodes=used,
    )


@blueprint.get("/changes/<int:set_id>")
@requires("change.read")
def show(set_id: int) -> ResponseReturnValue:
    """A change set: rows before and after, and each node."""
    return render_template("provisioning/show.html", **_page(set_id))


@blueprint.get("/changes/<int:set_id>/progress")
@requires("change.read")
def progress(set_id: int) -> ResponseReturnValue:
    """The part of the page that changes by itself; the whole page for a browser without it."""
    if not request.headers.get("HX-Request"):
        return redirect(url_for("provisioning.show", set_id=set_id))
    return render_template("provisioning/progress.html", **_page(set_id))


@blueprint.post("/changes/<int:set_id>/now")
@requires("dialplan.write")
def try_now(set_id: int) -> ResponseReturnValue:
    """Makes waiting and failed nodes due at once."""
    dbs = databases()
    with reading(dbs.panel) as connection:
        changeset.get(connection, set_id, tenant_id=current_operator().tenant_id)
    if pusher.try_now(dbs, set_id):
        flash("Trying again now.")
    return redirect(url_for("provisioning.show", set_id=set_id), 303)


def _page(set_id: int) -> dict[str, object]:
    with reading(databases().panel) as connection:
        found = changeset.get(connection, set_id, tenant_id=current_operator().tenant_id)
    return {
        "change": found,
        "title": summary(found),
        "standing": standing(found),
        "push_words": PUSH_WORDS,
        "level_words": LEVEL_WORDS,
        "now": clock.now_ms(),
    }


def summary(found: ChangeSet) -> str:
    """A change set in one line: ``Change dialplan 1, priority 10: … ``."""
    if not found.edits:
        return f"{found.tool}: nothing"
    edit = found.edits[0]
    tool = TOOLS.get(found.tool)
    row = edit.after or edit.before or {}
    words = tool.describe(row) if tool else found.tool
    kind = edit.kind.capitalize()
    if edit.before and edit.after and edit.before.get("disabled") != edit.after.get("disabled"):
        kind = "Disable" if edit.after.get("disabled") else "Enable"
    more = len(found.edits) - 1
    return f"{kind} {words}" + (f" and {more} more" if more else "")


def standing(found: ChangeSet) -> tuple[str, str]:
    """(words, tone) of a whole change set."""
    if found.state == "conflict":
        return "not written", "bad"
    if found.state == "drafted":
        return "saved, not yet written", "warn"
    pushes = [push for push in found.pushes if not push.node_retired]
    if not pushes:
        return "written, no node", "warn"
    states = [push.state for push in pushes]
    done = states.count("verified")
    if done == len(pushes):
        return "verified", "ok"
    tone = "bad" if "failed" in states else "info"
    if len(pushes) == 1:
        return PUSH_WORDS[states[0]][0], tone
    return f"{done} of {len(pushes)} nodes verified", tone
