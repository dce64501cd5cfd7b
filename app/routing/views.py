"""The dialplan's screens: those of every tool, and a box in which numbers are tried."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.identity.access import requires
from app.provisioning.screens import ToolScreens
from app.provisioning.tools.dialplan import DIALPLAN
from app.routing import trial

blueprint = Blueprint("routing", __name__)
screens = ToolScreens(blueprint, DIALPLAN, "/dialplan")


@blueprint.get("/dialplan")
@requires("dialplan.read")
def index() -> ResponseReturnValue:
    """The rules, by dialplan and priority, below the box."""
    return screens.listed("routing/dialplan_list.html", **trial.asked())


@blueprint.get("/dialplan/try")
@requires("dialplan.read")
def try_number() -> ResponseReturnValue:
    """What becomes of a number, by the table and on every node; only ever on demand."""
    if not request.headers.get("HX-Request"):
        return redirect(f"{url_for('routing.index')}?{request.query_string.decode('ascii')}")
    return render_template("routing/dialplan_trial.html", **trial.asked())
