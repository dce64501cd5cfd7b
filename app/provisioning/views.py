"""Changes and how far each has come on every node."""

from __future__ import annotations

from dataclasses import asdict, replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.context import databases
from app.core.database import reading
from app.core.words import _
from app.identity.access import current_operator, insist, requires
from app.provisioning import changeset, nodes, pusher, saving, undo
from app.provisioning.forms import WhyForm
from app.provisioning.lists import CHANGES
from app.provisioning.rows import fingerprint
from app.provisioning.tables import change_set
from app.provisioning.tools.registry import TOOLS, tool
from app.provisioning.words import LEVELS, NODE_WORDS, PUSH_WORDS, standing, summary
from app.shell.confirm import Confirmation, confirmation
from app.shell.listing import Asked, Page
from app.shell.toasts import toast

blueprint = Blueprint("provisioning", __name__)


@blueprint.get("/changes")
@requires("change.read")
def index() -> ResponseReturnValue:
    """Change sets, newest first, and the nodes that they are pushed to."""
    mine = changeset.sets_of(current_operator().tenant_id)

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            found = asked.page(connection, mine, id=change_set.c.id)
            return replace(found, rows=changeset.assembled(connection, found.rows))

    with reading(databases().panel) as connection:
        used = nodes.in_use(connection)
    return CHANGES.answer("provisioning/index.html", fetch, nodes=used, node_words=NODE_WORDS)


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
    page = _page(set_id)
    if request.args.get("seen") == page["seen"]:
        return "", 204  # nothing new: focus and screen readers are left in peace
    return render_template("provisioning/progress.html", **page)


@blueprint.post("/changes/<int:set_id>/now")
@requires("change.write")
def try_now(set_id: int) -> ResponseReturnValue:
    """Makes waiting and failed nodes due at once."""
    insist(tool(saving.load(set_id).tool).write)
    if pusher.try_now(databases(), set_id):
        toast(_("Trying again now."))
    return redirect(url_for("provisioning.show", set_id=set_id), 303)


@blueprint.route("/changes/<int:set_id>/undo", methods=["GET", "POST"])
@requires("change.write")
def undo_set(set_id: int) -> ResponseReturnValue:
    """Asks, naming the rows and what they become again, then takes the change back."""
    found = saving.load(set_id)
    insist(tool(found.tool).write)
    form = WhyForm()
    if form.validate_on_submit():
        made = saving.take_back(found, form.comment.data or "")
        return redirect(url_for("provisioning.show", set_id=made), 303)
    undo.check(databases(), found)
    asked = Confirmation(
        title=_("Undo change %(id)s?", id=set_id),
        what=_("The rows become again what they were before, and every node is told:"),
        deed=_("Undo the change"),
        back=url_for("provisioning.show", set_id=set_id),
        stay=_("Leave it as it is"),
        objects=(summary(found),),
    )
    page = confirmation(
        asked, form, "provisioning/confirm.html", edits=undo.reverse(found), tool=tool(found.tool)
    )
    return page, 422 if form.errors else 200


def _page(set_id: int) -> dict[str, object]:
    found = saving.load(set_id)
    with reading(databases().panel) as connection:
        other = undo.undone_by(connection, set_id)
    used = TOOLS.get(found.tool)
    may = current_operator().may
    return {
        "change": found,
        "tool": used,
        "title": summary(found),
        "standing": standing(found),
        "push_words": PUSH_WORDS,
        "levels": LEVELS,
        "now": clock.now_ms(),
        "seen": fingerprint([asdict(push) for push in found.pushes] + [{"is": found.state}]),
        "undone_by": other,
        "undoes": undo.undoes(found),
        "may_write": used is not None and may("change.write") and may(used.write),
    }
