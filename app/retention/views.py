"""The screen of retention: what there is, what goes when, and who decided it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import IntegerField, StringField
from wtforms.validators import NumberRange, Optional

from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError
from app.core.words import _, _l
from app.identity import audit
from app.identity.access import current_operator, requires
from app.retention import decisions, figures, job
from app.retention.decisions import ANSWERED, FAILED, KINDS, LEAST_DAYS, MOST_DAYS, NUMBERS
from app.shell.forms import Form, place_error
from app.shell.toasts import toast

blueprint = Blueprint("retention", __name__)

TITLES = {
    ANSWERED: _l("Answered calls"),
    FAILED: _l("Calls that were not answered"),
    NUMBERS: _l("Numbers and addresses in calls"),
}
# What is typed where data will go that stayed before.
WORD = "remove"


def _days(label: Any) -> IntegerField:
    message = _l("Use 3 to 36500, or leave it empty.")
    return IntegerField(label, [Optional(), NumberRange(LEAST_DAYS, MOST_DAYS, message)])


class RetentionForm(Form):
    """Days of each kind; empty: for ever."""

    answered = _days(_l("Answered calls: days"))
    failed = _days(_l("Calls that were not answered: days"))
    numbers = _days(_l("Numbers and addresses in calls: days"))
    keep_digits = IntegerField(
        _l("Digits of a number that stay"),
        [NumberRange(0, 15, _l("Use 0 to 15."))],
    )
    word = StringField(_l("Confirmation"), render_kw={"autocomplete": "off", "translate": "no"})

    def days(self) -> dict[str, int | None]:
        """What was entered, by kind."""
        return {kind: self[kind].data for kind in KINDS}


@blueprint.get("/settings/retention")
@requires("retention.read")
def index() -> ResponseReturnValue:
    """What there is of each kind and what goes next; the proposal where nothing is decided."""
    with reading(databases().panel) as connection:
        known = decisions.load(connection)
        decided = decisions.is_decided(connection)
    values: dict[str, Any] = {
        kind: known[kind].days if decided else decisions.PROPOSED[kind] for kind in KINDS
    }
    form = RetentionForm(formdata=None, data=values | {"keep_digits": known[NUMBERS].keep_digits})
    return _page(form, trial=not decided)


@blueprint.post("/settings/retention")
@requires("retention.write")
def decide() -> ResponseReturnValue:
    """Decides, or only shows what would go; a shorter time is confirmed by typing a word."""
    form = RetentionForm()
    if not form.validate():
        return _page(form), 400
    if "try" in request.form:
        return _page(form, trial=True)
    with reading(databases().panel) as connection:
        shorter = decisions.is_shorter(decisions.load(connection), form.days())
    if shorter and (form.word.data or "").strip().lower() != WORD:
        form.word.errors = [_("Older data will go for good. Type %(word)s to agree.", word=WORD)]
        return _page(form, trial=True), 400
    try:
        with writing(databases().panel) as connection:
            decisions.decide(
                connection,
                form.days(),
                keep_digits=form.keep_digits.data or 0,
                by=current_operator().login,
            )
    except CompanionError as error:
        place_error(form, error, "answered")
        return _page(form), error.status
    toast(_("It is decided. What is due goes in the night, or when you remove it now."))
    return redirect(url_for("retention.index"), 303)


@blueprint.post("/settings/retention/run")
@requires("retention.write")
def begin() -> ResponseReturnValue:
    """Removes now what is due, as a job."""
    with writing(databases().panel) as connection:
        number = job.ask(connection, current_operator().id)
        audit.record(connection, action="retention.run", object=f"job:{number}")
    return redirect(url_for("jobs.show", job_id=number), 303)


def _page(form: RetentionForm, *, trial: bool = False) -> str:
    """The page; in a ``trial`` the figures are those of what stands in the form."""
    with reading(databases().panel) as connection:
        known = decisions.load(connection)
        decided = decisions.is_decided(connection)
        shown = known
        if trial:
            digits = form.keep_digits.data or 0
            shown = {
                kind: decisions.Decision(kind, days, digits) for kind, days in form.days().items()
            }
        found = figures.all_of(connection, shown)
    return render_template(
        "retention/index.html",
        form=form,
        kinds=[(one, TITLES[one.kind], shown[one.kind]) for one in found],
        known=known,
        decided=decided,
        trial=trial,
        most=figures.MOST,
        word=WORD,
        day=clock.DAY,
    )
