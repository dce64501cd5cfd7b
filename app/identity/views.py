"""Signing in and out, one's own password, zone and theme."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from app.core import clock, formats
from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import InvalidInput
from app.core.words import _
from app.identity import audit, operators, second_factor, sessions, throttle
from app.identity.access import (
    Operator,
    SignInNeeded,
    current_operator,
    operator_or_none,
    public,
    requires,
)
from app.identity.forms import CodeForm, LoginForm, PasswordForm, ViewForm
from app.identity.throttle import TooManyAttempts
from app.shell import locale
from app.shell.frame import THEMES

blueprint = Blueprint("identity", __name__)

# In the signed cookie between password and code.
_HALF = "half"
_HALF_MS = 5 * clock.MINUTE


@blueprint.get("/login")
@public
def login() -> ResponseReturnValue:
    """The sign-in page; who is signed in already goes on."""
    if operator_or_none() is not None:
        return redirect(safe_next(request.args.get("next")), 303)
    return render_template("identity/login.html", form=LoginForm(next=request.args.get("next")))


@blueprint.post("/login")
@public
def sign_in() -> ResponseReturnValue:
    """Opens a session when login and password are right."""
    form = LoginForm()
    if not form.validate():
        return render_template("identity/login.html", form=form), 400
    name, address = (form.login.data or "").strip(), request.remote_addr or "local"
    try:
        checked = _checked(name, form.password.data or "", address)
    except TooManyAttempts as error:
        return render_template("identity/login.html", form=form, problem=str(error)), 429
    if checked is None:
        problem = _("Login or password is wrong.")
        return render_template("identity/login.html", form=form, problem=problem), 401
    operator_id, mark = checked
    with reading(databases().panel) as connection:
        two_steps = second_factor.is_on(connection, operator_id)
    if two_steps:
        return ask_for_code(operator_id, name, mark, form.next.data)
    return open_session(operator_id, name, mark, form.next.data)


def ask_for_code(operator_id: int, name: str, mark: str, then: str | None) -> ResponseReturnValue:
    """On to the second step: what was right so far is not enough, and nothing is opened yet."""
    session.clear()
    session[_HALF] = [operator_id, name, clock.now_ms(), mark]
    return redirect(url_for("identity.code", next=then or None), 303)


def open_session(operator_id: int, name: str, mark: str, then: str | None) -> ResponseReturnValue:
    """A new session, and on to where one wanted to go.

    ``mark`` is of the password when the sign-in began (``operators.password_mark``): who was
    locked since, or has another password now, starts again.
    """
    panel, address = databases().panel, request.remote_addr or "local"
    again = SignInNeeded(_("You are not signed in."), _("Sign in again."))
    session.pop(_HALF, None)
    with writing(panel) as connection:
        if not mark or operators.password_mark(connection, operator_id, lock=True) != mark:
            raise again
        token = sessions.begin(connection, operator_id, address, request.user_agent.string)
        audit.record(
            connection, action="operator.sign_in", object=f"operator:{operator_id}", actor=name
        )
    with reading(panel) as connection:
        found = sessions.find(connection, token)
    if found is None:
        raise again
    # A new session gets a new CSRF seed: nothing from before the sign-in lives on.
    session.clear()
    session.permanent = True
    login_user(found[0])
    return redirect(safe_next(then), 303)


def renew_session(operator: Operator) -> None:
    """A new token for the session at hand, after what one does when the old one may be stolen."""
    with writing(databases().panel) as connection:
        token = sessions.renew(connection, operator.session_hash)
    login_user(replace(operator, token=token, session_hash=sessions.token_hash(token)))


@blueprint.get("/login/code")
@public
def code() -> ResponseReturnValue:
    """The second step: the code of an authenticator."""
    if _half() is None:
        return redirect(url_for("identity.login"), 303)
    return render_template("identity/code.html", form=CodeForm(formdata=None))


@blueprint.post("/login/code")
@public
def enter_code() -> ResponseReturnValue:
    """Opens the session when the code is right; each code counts once, tries are throttled."""
    half, form = _half(), CodeForm()
    if half is None:
        return redirect(url_for("identity.login"), 303)
    if not form.validate():
        return render_template("identity/code.html", form=form), 400
    operator_id, name, mark = half
    panel, address = databases().panel, request.remote_addr or "local"
    try:
        number = throttle.attempt(panel, name, address, "code")
    except TooManyAttempts as error:
        return render_template("identity/code.html", form=form, problem=str(error)), 429
    with writing(panel) as connection:
        right = second_factor.verify(
            connection, operator_id, form.code.data or "", settings().secret_key
        )
        if right:
            throttle.succeeded(connection, number, name, "code")
        else:
            audit.record(connection, action="operator.refused", object="code", actor=name)
    if not right:
        problem = _("That code is not right, or was used already.")
        return render_template("identity/code.html", form=form, problem=problem), 401
    return open_session(operator_id, name, mark, request.args.get("next"))


def _half() -> tuple[int, str, str] | None:
    """Who gave the right password within the last five minutes, and not yet the code."""
    kept = session.get(_HALF)
    if not kept or len(kept) != 4 or clock.now_ms() - kept[2] > _HALF_MS:
        return None
    return int(kept[0]), str(kept[1]), str(kept[3])


def _checked(name: str, password: str, address: str) -> tuple[int, str] | None:
    """Id and mark of the password when it is right. Each step is a short transaction."""
    panel = databases().panel
    number = throttle.attempt(panel, name, address)
    with reading(panel) as connection:
        checked = operators.check(connection, name, password)
    with writing(panel) as connection:
        if checked is not None:
            throttle.succeeded(connection, number, name)
        else:
            detail = {"address": address}
            audit.record(
                connection, action="operator.refused", object="login", detail=detail, actor=name
            )
    return checked


@blueprint.post("/logout")
@requires("self.write")
def logout() -> ResponseReturnValue:
    """Ends the session, here and in the database."""
    operator = current_operator()
    with writing(databases().panel) as connection:
        sessions.revoke(connection, operator.session_hash)
        audit.record(connection, action="operator.sign_out", object=f"operator:{operator.id}")
    logout_user()
    session.clear()
    answer = redirect(url_for("identity.login"), 303)
    # What the browser kept of the pages goes too; the choice of light or dark may stay.
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@blueprint.get("/account")
@requires("self.write")
def account() -> ResponseReturnValue:
    """One's own settings."""
    return _account(PasswordForm(), _view_form())


@blueprint.post("/account/password")
@requires("self.write")
def password() -> ResponseReturnValue:
    """Sets a new password; other sessions end."""
    form, operator = PasswordForm(), current_operator()
    if form.validate():
        try:
            operators.change_password(
                databases().panel,
                operator.id,
                form.old.data or "",
                form.new.data or "",
                session_hash=operator.session_hash,
            )
        except InvalidInput as error:
            field = form.old if error.field == "old" else form.new
            field.errors = (str(error),)
        else:
            renew_session(operator)
            flash(_("The password is changed. Your other sessions were ended."))
            return redirect(url_for("identity.account"), 303)
    return _account(form, _view_form(formdata=None)), 400


@blueprint.post("/account/view")
@requires("self.write")
def view() -> ResponseReturnValue:
    """Sets the zone in which times are shown, and how dates and figures look."""
    form, operator = ViewForm(), current_operator()
    if not form.validate():
        return _account(PasswordForm(formdata=None), form), 400
    with writing(databases().panel) as connection:
        operators.set_look(connection, operator.id, zone=form.zone.data, locale=form.locale.data)
    flash(_("Times are shown in %(zone)s.", zone=form.zone.data))
    return redirect(url_for("identity.account"), 303)


def _view_form(**options: None) -> ViewForm:
    operator = current_operator()
    form = ViewForm(zone=operator.zone, locale=operator.locale, **options)
    now = clock.now_ms()
    form.locale.choices = [
        (tag, f"{locale.name_of(tag)}: {locale.example(tag, now, operator.zone)}")
        for tag in formats.LOCALES
    ]
    return form


def _account(password_form: PasswordForm, view_form: ViewForm) -> str:
    return render_template(
        "identity/account.html",
        password_form=password_form,
        view_form=view_form,
        translated=locale.languages(),
    )


@blueprint.post("/theme")
@public
def theme() -> ResponseReturnValue:
    """Remembers light, dark or auto in a cookie (pages without script come here)."""
    chosen = request.form.get("theme", "")
    answer = redirect(safe_next(request.form.get("next")), 303)
    if chosen in THEMES:
        answer.set_cookie(
            "theme", chosen, max_age=31_536_000, samesite="Lax", secure=request.is_secure
        )
    return answer


def safe_next(address: str | None) -> str:
    """The address when it is a path of this panel, else the start page.

    Browsers read ``//host`` and ``/\\host`` as another host, and skip control characters.
    """
    home = url_for("jobs.home")
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return home
    if "\\" in address or any(ord(sign) < 33 or ord(sign) == 127 for sign in address):
        return home
    parts = urlsplit(address)
    return home if parts.scheme or parts.netloc else address
