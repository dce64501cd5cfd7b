"""Changes and how far each has come on every node."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.context import databases
from app.core.database import reading
from app.identity.access import current_operator, requires
from app.provisioning import changeset, nodes, pusher
from app.provisioning.words import LEVELS, PUSH_WORDS, standing, summary

blueprint = Blueprint("provisioning", __name__)

PAGE = 50


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
        "levels": LEVELS,
        "now": clock.now_ms(),
    }
