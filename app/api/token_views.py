"""The screens of one's own tokens."""

from __future__ import annotations

import json

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import IntegerField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError
from app.core.words import _, _l
from app.identity import tokens
from app.identity.access import current_operator, requires
from app.shell.forms import Form, place_error
from app.shell.toasts import toast

blueprint = Blueprint("tokens", __name__)


class TokenForm(Form):
    """A new token: what for, what it may, how long."""

    name = StringField(
        _l("What it is for"),
        [
            InputRequired(_l("Say what it is for.")),
            Length(max=80, message=_l("At most 80 characters.")),
        ],
    )
    days = IntegerField(
        _l("Days until it ends"),
        [
            InputRequired(_l("Say how many days it lives.")),
            NumberRange(1, tokens.LONGEST_DAYS, _l("From 1 to 366 days.")),
        ],
        default=90,
    )
    scopes = SelectMultipleField(_l("What it may do"), validate_choice=False)


@blueprint.get("/account/tokens")
@requires("self.write")
def index() -> ResponseReturnValue:
    """One's tokens, and a form for a new one."""
    return _page(TokenForm(formdata=None))


@blueprint.post("/account/tokens")
@requires("self.write")
def new() -> ResponseReturnValue:
    """Makes a token and shows it once."""
    form = TokenForm()
    if form.validate():
        try:
            with writing(databases().panel) as connection:
                _number, token = tokens.create(
                    connection,
                    current_operator(),
                    name=form.name.data or "",
                    scopes=form.scopes.data or [],
                    days=form.days.data or 0,
                )
        except CompanionError as error:
            place_error(form, error, "name")
        else:
            return render_template("api/token.html", token=token, name=form.name.data)
    return _page(form), 400


@blueprint.post("/account/tokens/<int:token_id>/revoke")
@requires("self.write")
def revoke(token_id: int) -> ResponseReturnValue:
    """Ends one of one's own tokens."""
    with writing(databases().panel) as connection:
        tokens.revoke(connection, current_operator().id, token_id)
    toast(_("The token is revoked."))
    return redirect(url_for("tokens.index"), 303)


def _page(form: TokenForm) -> str:
    who = current_operator()
    with reading(databases().panel) as connection:
        rows = [
            {**row, "scopes": json.loads(row["scopes"])} for row in tokens.of(connection, who.id)
        ]
    return render_template(
        "api/tokens.html",
        rows=rows,
        form=form,
        scopes=tokens.scopes_for(who),
        chosen=form.scopes.data or [],
        now=clock.now_ms(),
    )
