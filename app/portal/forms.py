"""The forms of a subscriber's own page."""

from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.core.words import _l
from app.shell.forms import Form

_LONG = Length(max=256, message=_l("At most 256 characters."))


class EnterForm(Form):
    """Address and password."""

    address = StringField(
        _l("Your SIP address"),
        [
            InputRequired(_l("Enter your address, such as alice@voice.example.net.")),
            Length(max=128, message=_l("At most 128 characters.")),
        ],
    )
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password.")), _LONG])


class BeginForm(Form):
    """The first password."""

    new = PasswordField(_l("New password"), [InputRequired(_l("Enter a new password.")), _LONG])


class NewPasswordForm(BeginForm):
    """The present password and a new one."""

    old = PasswordField(
        _l("Present password"), [InputRequired(_l("Enter your present password.")), _LONG]
    )
