"""Forms for signing in and for one's own account."""

from __future__ import annotations

from wtforms import (  # type: ignore[attr-defined]
    HiddenField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length

from app.core import formats
from app.core.words import _l
from app.identity import operators
from app.shell.forms import Form


class LoginForm(Form):
    """Login and password; ``next`` is where to go on."""

    login = StringField(
        _l("Login"),
        [
            InputRequired(_l("Enter your login.")),
            Length(max=64, message=_l("At most 64 characters.")),
        ],
    )
    password = PasswordField(
        _l("Password"),
        [
            InputRequired(_l("Enter your password.")),
            Length(max=256, message=_l("At most 256 characters.")),
        ],
    )
    next = HiddenField()


class PasswordForm(Form):
    """The present password and a new one."""

    old = PasswordField(_l("Present password"), [InputRequired(_l("Enter your present password."))])
    new = PasswordField(_l("New password"), [InputRequired(_l("Enter a new password."))])


class ViewForm(Form):
    """How times and figures are shown."""

    zone = SelectField(
        _l("Time zone"),
        choices=[SelectChoice(name) for name in operators.zones()],
        render_kw={"translate": "no"},
    )
    locale = SelectField(
        _l("Dates and figures"),
        choices=[SelectChoice(tag) for tag in formats.LOCALES],
        render_kw={"translate": "no"},
    )


class ConfirmPasswordForm(Form):
    """The password once more, before something that must not be done at an open screen."""

    password = PasswordField(_l("Your password"), [InputRequired(_l("Enter your password."))])


class CodeForm(Form):
    """A code of the authenticator, or a recovery code."""

    code = StringField(
        _l("Code"),
        [
            InputRequired(_l("Enter the code.")),
            Length(max=64, message=_l("At most 64 characters.")),
        ],
    )
