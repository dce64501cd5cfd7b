"""Forms for signing in and for one's own account."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.identity import operators


class LoginForm(FlaskForm):
    """Login and password; ``next`` is where to go on."""

    login = StringField("Login", [InputRequired("Enter your login."), Length(max=64)])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=256)])
    next = HiddenField()


class PasswordForm(FlaskForm):
    """The present password and a new one."""

    old = PasswordField("Present password", [InputRequired("Enter your present password.")])
    new = PasswordField("New password", [InputRequired("Enter a new password.")])


class ZoneForm(FlaskForm):
    """The zone in which times are shown."""

    zone = SelectField("Time zone", choices={name: name for name in operators.zones()})
