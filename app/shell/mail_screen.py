"""The screen of the mail settings: what they are, and a test of them."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.core import mail
from app.core.context import databases, settings
from app.core.database import writing
from app.core.errors import CompanionError
from app.core.words import _, _l
from app.identity import audit
from app.identity.access import requires
from app.shell.forms import Form, place_error
from app.shell.toasts import toast

blueprint = Blueprint("mail", __name__)

_TLS = {
    "starttls": _l("STARTTLS, always"),
    "tls": _l("TLS from the first byte"),
    "none": _l("none: readable on its way"),
}


class MailTestForm(Form):
    """Where a test goes."""

    to = StringField(
        _l("Address"),
        [
            InputRequired(_l("Enter an address.")),
            Length(max=320, message=_l("This is no mail address.")),
        ],
        render_kw={"type": "email", "translate": "no", "autocomplete": "email"},
    )


@blueprint.get("/settings/mail")
@requires("mail.read")
def index() -> ResponseReturnValue:
    """What mail is sent with; the password is not shown."""
    return _page(MailTestForm(formdata=None))


@blueprint.post("/settings/mail")
@requires("mail.write")
def test() -> ResponseReturnValue:
    """Sends a test mail."""
    form = MailTestForm()
    if not form.validate():
        return _page(form), 400
    to = (form.to.data or "").strip()
    try:
        mail.send(
            settings().smtp,
            to=to,
            subject=_("A test of OpenSIPS Companion"),
            text=_("Mail from the panel arrives."),
        )
    except CompanionError as error:
        place_error(form, error, "to")
        return _page(form), error.status
    with writing(databases().panel) as connection:
        audit.record(connection, action="mail.test", object="mail", detail={"to": to})
    toast(_("The server took the mail. Look whether it arrives."))
    return redirect(url_for("mail.index"), 303)


def _page(form: MailTestForm) -> str:
    setting = settings().smtp
    return render_template(
        "shell/mail.html", form=form, setting=setting, security=_TLS[setting.tls]
    )
