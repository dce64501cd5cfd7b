"""The screens of who pays, and of the numbers that we own."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import (  # type: ignore[attr-defined]
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired

from app.cdr import look
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError, InvalidInput
from app.core.prefixes import starts_with
from app.core.words import _, _l, _n
from app.identity.access import current_operator, requires
from app.mediation import numbers, payer_rules, payer_test, repricing
from app.mediation.lists import NUMBER_BAR, NUMBERS, PAYERS
from app.mediation.payer import load_order
from app.mediation.tables import own_number, payer_rule
from app.mediation.ways import RULED
from app.shell.confirm import Confirmation, confirmation
from app.shell.forms import Form, place_error
from app.shell.listing import Asked, Page
from app.shell.toasts import toast

blueprint = Blueprint("payers", __name__)


class RuleForm(Form):
    """A rule: by which way, what fits, and who pays then."""

    way = SelectField(
        _l("Way"), choices=[SelectChoice(way, payer_rules.WAY_WORDS[way]) for way in RULED]
    )
    pattern = StringField(
        _l("Pattern"), [InputRequired(_l("Enter a pattern."))], render_kw={"maxlength": "190"}
    )
    account = StringField(
        _l("Account"), [InputRequired(_l("Enter an account."))], render_kw={"maxlength": "128"}
    )
    trunk = StringField(_l("Name of the trunk"), render_kw={"maxlength": "64"})


class NumbersForm(Form):
    """Numbers, one in a line."""

    numbers = TextAreaField(
        _l("Numbers"),
        [InputRequired(_l("Write one number in each line."))],
        render_kw={"rows": "10", "spellcheck": "false", "translate": "no", "class": "mono"},
    )


@blueprint.get("/payers")
@requires("payer.read")
def index() -> ResponseReturnValue:
    """The order, a box in which it is tried, and the rules."""
    given = {name: request.args.get(name, "").strip()[:190] for name in payer_test.FIELDS}
    with reading(databases().panel) as connection:
        order = load_order(connection)
        answer = payer_test.run(connection, **given) if any(given.values()) else None
        unpaid = repricing.count(connection)

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            return asked.page(connection, payer_rules.over(), id=payer_rule.c.id)

    return PAYERS.answer(
        "mediation/payers.html",
        fetch,
        order=order,
        given=given,
        answer=answer,
        unpaid=unpaid,
        rules_for=_rules_for(given),
        words=payer_rules.WAY_WORDS,
    )


@blueprint.route("/payers/new", methods=["GET", "POST"])
@requires("payer.write")
def new() -> ResponseReturnValue:
    """Makes a rule; the address can say for whom."""
    form = RuleForm(data={name: request.args.get(name, "") for name in ("way", "pattern")})
    if form.validate_on_submit():
        try:
            with writing(databases().panel) as connection:
                payer_rules.add(
                    connection,
                    way=form.way.data,
                    pattern=form.pattern.data or "",
                    code=form.account.data or "",
                    trunk=form.trunk.data or "",
                )
        except CompanionError as error:
            place_error(form, error, "pattern")
        else:
            toast(_("The rule is saved. Calls without a payer are tried again within ten minutes."))
            return redirect(url_for("payers.index"), 303)
    answer = render_template("mediation/payer_new.html", form=form)
    return answer, 400 if form.errors else 200


@blueprint.route("/payers/<int:rule_id>/delete", methods=["GET", "POST"])
@requires("payer.write")
def delete(rule_id: int) -> ResponseReturnValue:
    """Asks, then deletes a rule."""
    form = Form()
    with reading(databases().panel) as connection:
        row = payer_rules.get(connection, rule_id)
    if form.validate_on_submit():
        with writing(databases().panel) as connection:
            payer_rules.remove(connection, row)
        toast(_("The rule is deleted."))
        return redirect(url_for("payers.index"), 303)
    asked = Confirmation(
        title=_("Delete this rule?"),
        what=_("Calls that have their price keep it; later ones are paid by whoever else fits."),
        objects=[f"{row['pattern']} → {row['code']}"],
        deed=_("Delete the rule"),
        stay=_("Keep it"),
        back=url_for("payers.index"),
        danger=True,
    )
    return confirmation(asked, form)


@blueprint.post("/payers/order/<way>/<deed>")
@requires("payer.write")
def order(way: str, deed: str) -> ResponseReturnValue:
    """Moves a way ``up`` or ``down``, or switches it ``on`` or ``off``."""
    with writing(databases().panel) as connection:
        payer_rules.move(connection, way, deed)
    toast(_("The order is saved."))
    return redirect(url_for("payers.index"), 303)


@blueprint.post("/payers/price")
@requires("payer.write")
def price() -> ResponseReturnValue:
    """Prices calls without a payer again: all of them, or the one that ``cdr`` names."""
    number = request.form.get("cdr", "")
    if not number:
        _say(repricing.all_waiting())
        return redirect(url_for("payers.index"), 303)
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise InvalidInput(_("A call is named by its number."), "", "cdr")
    _say(repricing.one(look.at(int(number), current_operator())))
    return redirect(url_for("cdr.show", cdr_id=int(number)), 303)


def _say(done: repricing.Repriced) -> None:
    if done.later:
        toast(_("The worker prices them now; those that have a payer get their price."))
        return
    toast(_n("%(num)s call has a price now.", "%(num)s calls have a price now.", done.priced))
    if done.left:
        toast(_n("%(num)s call has none.", "%(num)s calls have none.", done.left))


def _rules_for(given: Mapping[str, str]) -> list[tuple[str, str]]:
    """The rules, by way and pattern, that would make somebody pay for what was tried."""
    caller, domain = given["caller"], given["domain"]
    rules = [
        ("address", given["src_ip"]),
        ("subscriber", f"{caller}@{domain}" if caller and domain else ""),
        ("domain", domain),
    ]
    return [(way, pattern) for way, pattern in rules if pattern]


@blueprint.get("/numbers")
@requires("number.read")
def owned() -> ResponseReturnValue:
    """The numbers of the tenants that one sees; ``q`` is how they start."""
    bar = NUMBER_BAR.read(request.args)

    def fetch(asked: Asked) -> Page:
        query = numbers.over(current_operator().sees)
        start = bar["q"].removeprefix("+") if bar["q"] else ""
        query = query.where(starts_with(own_number.c.number, start)) if start else query
        with reading(databases().panel) as connection:
            return asked.page(connection, query, number=own_number.c.number, id=own_number.c.id)

    return NUMBERS.answer("mediation/numbers.html", fetch, bar=bar)


@blueprint.route("/numbers/new", methods=["GET", "POST"])
@requires("number.write")
def take() -> ResponseReturnValue:
    """Takes in one number or many."""
    form = NumbersForm()
    if form.validate_on_submit():
        try:
            with writing(databases().panel) as connection:
                count = numbers.add(connection, numbers.parse(form.numbers.data or ""))
        except CompanionError as error:
            place_error(form, error, "numbers")
        else:
            toast(_n("%(num)s number is taken in.", "%(num)s numbers are taken in.", count))
            return redirect(url_for("payers.owned"), 303)
    answer = render_template("mediation/numbers_new.html", form=form)
    return answer, 400 if form.errors else 200


@blueprint.route("/numbers/<int:number_id>/end", methods=["GET", "POST"])
@requires("number.write")
def end(number_id: int) -> ResponseReturnValue:
    """Asks, then ends the ownership of a number now."""
    form = Form()
    with reading(databases().panel) as connection:
        row = numbers.get(connection, number_id, current_operator().sees)
    if form.validate_on_submit():
        with writing(databases().panel) as connection:
            numbers.end(connection, row, clock.now_ms())
        toast(_("The number has no owner any more."))
        return redirect(url_for("payers.owned"), 303)
    asked = Confirmation(
        title=_("End this number's ownership?"),
        what=_("Calls to it from now on are no longer its owner's. It can be given anew."),
        objects=[f"{row['number']} · {row['code']}"],
        deed=_("End it now"),
        stay=_("Keep it"),
        back=url_for("payers.owned"),
        danger=True,
    )
    return confirmation(asked, form)
