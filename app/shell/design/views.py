"""The page /design, and the small pages that its samples open."""

from __future__ import annotations

import re

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.errors import NotFound
from app.core.words import _, _n
from app.identity.access import current_operator, requires
from app.shell import frame, locale
from app.shell.charts import Viewer
from app.shell.confirm import Confirmation, confirmation
from app.shell.design import drawings, lists, samples
from app.shell.design.forms import PlainForm, SampleForm
from app.shell.toasts import toast

blueprint = Blueprint("design", __name__)


@blueprint.route("/design", methods=["GET", "POST"])
@requires("design.read")
def index() -> ResponseReturnValue:
    """Every piece in every state; its form answers here."""
    form = SampleForm()
    if form.validate_on_submit():
        toast(_("The form was fine; nothing was saved."))
        return redirect(url_for("design.index", _anchor="piece-forms"), 303)
    now = clock.now_ms()
    viewer = Viewer(frame.zone(), locale.tag())
    rows = lists.rows(now)
    page = render_template(
        "design/index.html",
        sections=samples.SECTIONS,
        samples=samples,
        form=form,
        wrong=_wrong_form(),
        now=now,
        icons=_icons(),
        filters=lists.FILTERS.read(request.args, zone=current_operator().zone, now=now),
        listing=lists.shown(lists.ROWS, rows),
        nothing=lists.shown(lists.NONE, []),
        compact=lists.shown(lists.COMPACT, rows[:3], "compact"),
        roomy=lists.shown(lists.ROOMY, rows[:3], "comfortable"),
        charts=drawings.charts(now, viewer),
        small=drawings.small(viewer),
    )
    return page, 422 if form.errors else 200


@blueprint.get("/design/rows/<int:number>")
@requires("design.read")
def drawer(number: int) -> ResponseReturnValue:
    """A row in the drawer, or a page of its own."""
    found = [row for row in lists.rows(clock.now_ms()) if row["id"] == number]
    if not found:
        raise NotFound(_("There is no such row."), _("Choose one of the list."))
    return render_template("design/row.html", row=found[0])


@blueprint.post("/design/rows")
@requires("design.read")
def bulk() -> ResponseReturnValue:
    """What the buttons over selected rows would do, said instead of done."""
    count = len(request.form.getlist("ids"))
    toast(_n("One row was meant.", "%(num)s rows were meant.", count))
    return redirect(url_for("design.index", _anchor="piece-tables"), 303)


@blueprint.route("/design/confirm", methods=["GET", "POST"])
@requires("design.read")
def confirm() -> ResponseReturnValue:
    """A question that names what will happen."""
    form = PlainForm()
    back = url_for("design.index", _anchor="piece-confirm")
    if form.validate_on_submit():
        toast(_("Three rows would be gone now."), undo=url_for("design.say"))
        return redirect(back, 303)
    asked = Confirmation(
        title=_("Delete 3 rows?"),
        what=_("These rows are deleted from the switch's table; every node is told:"),
        deed=_("Delete 3 rows"),
        stay=_("Keep them"),
        back=back,
        objects=("0044 → gw-1", "0049 → gw-2", "001 → gw-3"),
        danger=True,
    )
    return confirmation(asked, form)


@blueprint.post("/design/say")
@requires("design.read")
def say() -> ResponseReturnValue:
    """A toast of the kind that was asked for."""
    kind = request.form.get("kind", "")
    if kind == "undo":
        toast(_("The row was deleted."), undo=url_for("design.say"))
    elif kind == "bad":
        toast(_("It was not saved. Try again."), "bad")
    else:
        toast(_("It is as it was.") if kind == "" else _("It was saved."))
    return redirect(url_for("design.index", _anchor="piece-toasts"), 303)


def _wrong_form() -> SampleForm:
    """The form as it comes back: what was typed, and what is wrong with it."""
    form = SampleForm(formdata=None, prefix="wrong-", data={"number": "abc", "carrier": "b"})
    form.number.errors = [_("3 to 15 digits, a plus before them or not.")]
    form.comment.errors = [_("At most 200 characters.")]
    return form


def _icons() -> list[str]:
    loader = current_app.jinja_env.loader
    if loader is None:
        return []
    source = loader.get_source(current_app.jinja_env, "pieces/icons.html")[0]
    return re.findall(r'name == "([\w-]+)"', source)
