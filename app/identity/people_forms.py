"""Forms for operators and tenants."""

from __future__ import annotations

from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.words import _l
from app.shell.forms import Form

_AT_MOST = _l("At most 64 characters.")


class NewOperatorForm(Form):
    """Who, what for, and for whom."""

    login = StringField(
        _l("Login"), [InputRequired(_l("Enter a login.")), Length(max=64, message=_AT_MOST)]
    )
    role = SelectField(_l("Role"))
    tenant = SelectField(_l("Tenant"), coerce=int, render_kw={"translate": "no"})


class OperatorForm(Form):
    """What may change of an operator."""

    role = SelectField(_l("Role"))
    active = BooleanField(_l("May sign in"))


class TenantForm(Form):
    """A tenant: its name and domains; ``parent`` is chosen when it is made."""

    name = StringField(
        _l("Name"),
        [
            InputRequired(_l("Enter a name.")),
            Length(max=80, message=_l("At most 80 characters.")),
        ],
    )
    domains = TextAreaField(_l("Domains"), render_kw={"rows": "6", "translate": "no"})


class NewTenantForm(TenantForm):
    """A new tenant, and who sells to it."""

    parent = SelectField(_l("Beneath"), coerce=int, render_kw={"translate": "no"})
