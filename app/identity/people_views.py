"""The screens of operators: who may sign in, in which role, for which tenant."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError
from app.core.prefixes import starts_with
from app.core.words import _
from app.identity import staff, tenants
from app.identity.access import ROLE_HELP, ROLE_WORDS, current_operator, requires
from app.identity.people_forms import NewOperatorForm, OperatorForm
from app.identity.people_lists import OPERATOR_BAR, OPERATORS
from app.identity.tables import operator
from app.shell.forms import Form, place_error
from app.shell.listing import Asked, Page
from app.shell.toasts import toast

blueprint = Blueprint("operators", __name__)


@blueprint.get("/operators")
@requires("operator.read")
def index() -> ResponseReturnValue:
    """Operators of the tenants that one sees; ``q`` is how a login starts."""
    bar = OPERATOR_BAR.read(request.args)
    text = bar["q"] or ""

    def fetch(asked: Asked) -> Page:
        query = staff.over(current_operator())
        query = query.where(starts_with(operator.c.login, text)) if text else query
        with reading(databases().panel) as connection:
            return asked.page(connection, query, login=operator.c.login, id=operator.c.id)

    return OPERATORS.answer("identity/operators.html", fetch, bar=bar)


@blueprint.route("/operators/new", methods=["GET", "POST"])
@requires("operator.write")
def new() -> ResponseReturnValue:
    """Makes an operator; the password is shown once, on the page that answers."""
    who, form = current_operator(), NewOperatorForm()
    with reading(databases().panel) as connection:
        form.tenant.choices = list(tenants.choices(connection, who.sees))
    form.role.choices = _roles()
    if form.validate_on_submit():
        try:
            with writing(databases().panel) as connection:
                number, password = staff.create(
                    connection,
                    who,
                    login=(form.login.data or "").strip(),
                    role=form.role.data,
                    tenant_id=form.tenant.data,
                )
        except CompanionError as error:
            place_error(form, error, "login")
        else:
            return _shown(number, str(form.login.data), password)
    answer = render_template("identity/operator_new.html", form=form, roles=_help())
    return answer, 400 if form.errors else 200


@blueprint.route("/operators/<int:operator_id>", methods=["GET", "POST"])
@requires("operator.write")
def edit(operator_id: int) -> ResponseReturnValue:
    """One operator: role, and whether he may sign in."""
    who = current_operator()
    with reading(databases().panel) as connection:
        row = staff.get(connection, who, operator_id)
    form = OperatorForm(role=row["role"], active=bool(row["active"]))
    form.role.choices = _roles(row["role"])
    if request.method == "POST" and form.validate():
        try:
            with writing(databases().panel) as connection:
                staff.change(
                    connection,
                    who,
                    row["id"],
                    role=form.role.data,
                    active=bool(form.active.data),
                )
        except CompanionError as error:
            place_error(form, error, "role")
        else:
            toast(_("The operator is saved."))
            return redirect(url_for("operators.index"), 303)
    answer = render_template("identity/operator.html", form=form, row=row, roles=_help())
    return answer, 400 if form.errors else 200


@blueprint.post("/operators/<int:operator_id>/password")
@requires("operator.write")
def password(operator_id: int) -> ResponseReturnValue:
    """Sets a new password and shows it once."""
    with writing(databases().panel) as connection:
        row = staff.get(connection, current_operator(), operator_id)
        made = staff.new_password(connection, current_operator(), row["id"])
    return _shown(row["id"], row["login"], made)


@blueprint.post("/operators/<int:operator_id>/sessions")
@requires("operator.write")
def end_sessions(operator_id: int) -> ResponseReturnValue:
    """Signs an operator out everywhere."""
    with writing(databases().panel) as connection:
        staff.end_sessions(connection, current_operator(), operator_id)
    toast(_("The operator is signed out everywhere."))
    return redirect(url_for("operators.edit", operator_id=operator_id), 303)


@blueprint.post("/operators/<int:operator_id>/second-factor")
@requires("operator.write")
def drop_factor(operator_id: int) -> ResponseReturnValue:
    """Takes a lost second factor away; the operator is signed out everywhere."""
    with writing(databases().panel) as connection:
        staff.drop_factor(connection, current_operator(), operator_id)
    toast(_("The password alone is enough for this operator again."))
    return redirect(url_for("operators.edit", operator_id=operator_id), 303)


def _shown(number: int, login: str, made: str) -> str:
    return render_template(
        "identity/operator_password.html",
        number=number,
        login=login,
        password=made,
        form=Form(formdata=None),
    )


def _roles(present: str = "") -> list[tuple[str, str]]:
    names = staff.roles_for(current_operator())
    if present and present not in names:
        names.append(present)
    return [(name, str(ROLE_WORDS.get(name, name))) for name in names]


def _help() -> list[tuple[str, str]]:
    names = staff.roles_for(current_operator())
    return [(str(ROLE_WORDS[name]), str(ROLE_HELP[name])) for name in names]
