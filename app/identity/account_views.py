"""One's own safety: sessions on all devices, and the second factor."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import InvalidInput, NotFound
from app.core.words import _
from app.identity import audit, operators, second_factor, sessions, throttle
from app.identity.access import Operator, current_operator, requires
from app.identity.forms import CodeForm, ConfirmPasswordForm
from app.identity.views import renew_session
from app.shell.forms import Form, place_error
from app.shell.toasts import toast

blueprint = Blueprint("safety", __name__)


@blueprint.get("/account/sessions")
@requires("self.write")
def devices() -> ResponseReturnValue:
    """Where one is signed in."""
    who = current_operator()
    with reading(databases().panel) as connection:
        rows = sessions.of(connection, who.id)
    return render_template(
        "identity/sessions.html", rows=rows, mine=who.session_hash, form=Form(formdata=None)
    )


@blueprint.post("/account/sessions/<mark>/end")
@requires("self.write")
def end(mark: str) -> ResponseReturnValue:
    """Ends one of one's own sessions; ``mark`` is how its hash begins."""
    who = current_operator()
    with writing(databases().panel) as connection:
        if not sessions.end_own(connection, who.id, mark):
            raise NotFound(_("There is no such session."), _("It may have ended already."))
        audit.record(connection, action="session.ended", object=f"operator:{who.id}")
    toast(_("The session is ended."))
    return redirect(url_for("safety.devices"), 303)


@blueprint.post("/account/sessions/end-others")
@requires("self.write")
def end_others() -> ResponseReturnValue:
    """Ends all of one's sessions but this one."""
    who = current_operator()
    with writing(databases().panel) as connection:
        count = sessions.revoke_all(connection, who.id, but=who.session_hash)
        detail = {"sessions": count}
        audit.record(connection, action="session.ended", object=f"operator:{who.id}", detail=detail)
    # Somebody may hold a copy of this very session's cookie.
    renew_session(who)
    toast(_("You are signed out everywhere else."))
    return redirect(url_for("safety.devices"), 303)


@blueprint.get("/account/second-factor")
@requires("self.write")
def factor() -> ResponseReturnValue:
    """Whether there is a second factor, and how to have one."""
    return _factor(ConfirmPasswordForm(formdata=None))


@blueprint.post("/account/second-factor/start")
@requires("self.write")
def start() -> ResponseReturnValue:
    """Shows a new key, after the password: who finds an open screen must not lock one out."""
    who, form = current_operator(), ConfirmPasswordForm()
    if not password_is_right(who, form):
        return _factor(form), 400
    with writing(databases().panel) as connection:
        if second_factor.is_on(connection, who.id):
            return redirect(url_for("safety.factor"), 303)
        key = second_factor.begin(connection, who.id, settings().secret_key)
    return _key(who, key, CodeForm(formdata=None))


@blueprint.post("/account/second-factor/confirm")
@requires("self.write")
def confirm() -> ResponseReturnValue:
    """Switches the factor on with a first code, and shows the recovery codes once."""
    who, form = current_operator(), CodeForm()
    number = throttle.attempt(databases().panel, who.login, _address(), "code")
    with writing(databases().panel) as connection:
        codes = second_factor.confirm(
            connection, who.id, (form.code.data or "").strip(), settings().secret_key
        )
        if codes:
            throttle.succeeded(connection, number, who.login, "code")
            sessions.revoke_all(connection, who.id, but=who.session_hash)
            audit.record(connection, action="factor.on", object=f"operator:{who.id}")
    if not codes:
        toast(_("That code is not right. Start again, and look at the clock of the device."), "bad")
        return redirect(url_for("safety.factor"), 303)
    renew_session(who)
    return render_template("identity/recovery_codes.html", codes=codes)


@blueprint.post("/account/second-factor/codes")
@requires("self.write")
def codes() -> ResponseReturnValue:
    """New recovery codes, after the password."""
    who, form = current_operator(), ConfirmPasswordForm()
    if not password_is_right(who, form):
        return _factor(form), 400
    with writing(databases().panel) as connection:
        if not second_factor.is_on(connection, who.id):
            return redirect(url_for("safety.factor"), 303)
        made = second_factor.new_recovery_codes(connection, who.id)
        audit.record(connection, action="factor.codes", object=f"operator:{who.id}")
    return render_template("identity/recovery_codes.html", codes=made)


@blueprint.post("/account/second-factor/off")
@requires("self.write")
def off() -> ResponseReturnValue:
    """Switches the factor off, after the password."""
    who, form = current_operator(), ConfirmPasswordForm()
    if not password_is_right(who, form):
        return _factor(form), 400
    with writing(databases().panel) as connection:
        if second_factor.switch_off(connection, who.id):
            audit.record(connection, action="factor.off", object=f"operator:{who.id}")
    toast(_("Signing in takes the password alone again."))
    return redirect(url_for("safety.factor"), 303)


def password_is_right(who: Operator, form: ConfirmPasswordForm) -> bool:
    """Throttled like a sign-in; what is wrong is said at the field."""
    panel = databases().panel
    if not form.validate():
        return False
    number = throttle.attempt(panel, who.login, _address(), "confirm")
    with reading(panel) as connection:
        right = operators.verify(connection, who.login, form.password.data or "") == who.id
    if right:
        with writing(panel) as connection:
            throttle.succeeded(connection, number, who.login, "confirm")
        return True
    wrong = InvalidInput(_("That is not your password."), _("Try again."), "password")
    place_error(form, wrong, "password")
    return False


def _address() -> str:
    return request.remote_addr or "local"


def _factor(form: ConfirmPasswordForm) -> str:
    who = current_operator()
    with reading(databases().panel) as connection:
        on = second_factor.is_on(connection, who.id)
        left = second_factor.codes_left(connection, who.id)
    return render_template(
        "identity/second_factor.html", form=form, on=on, left=left, needed=who.needs_factor
    )


def _key(who: Operator, key: str, form: CodeForm) -> str:
    picture = Markup(second_factor.picture(key, who.login))  # noqa: S704 - drawn by us
    return render_template("identity/second_factor_key.html", form=form, key=key, picture=picture)
