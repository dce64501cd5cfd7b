"""Signing in with OpenID Connect, and the link of one's account to the provider's."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import CompanionError, NotFound
from app.core.sealing import Unreadable, seal, unseal
from app.core.words import _
from app.identity import audit, openid_people, operators, second_factor, sessions, staff, throttle
from app.identity.access import current_operator, operator_or_none, public, requires
from app.identity.account_views import password_is_right
from app.identity.forms import ConfirmPasswordForm
from app.identity.openid import Pending, Provider
from app.identity.openid_http import OpenIdError
from app.identity.views import ask_for_code, open_session, safe_next
from app.shell.toasts import toast

blueprint = Blueprint("openid", __name__)

_KEPT = "openid"
_PURPOSE = "openid sign-in"


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    options = state.app.extensions["settings"].openid
    openid_people.check_roles(options)


@blueprint.app_context_processor
def _name() -> dict[str, str]:
    options = settings().openid
    return {"openid_name": options.name if options.on else ""}


def _provider() -> Provider:
    """The provider of the settings; raises NotFound when there is none."""
    options = settings().openid
    if not options.on:
        raise NotFound(
            _("There is no sign-in provider here."), _("Sign in with login and password.")
        )
    kept = current_app.extensions.get("openid")
    if not isinstance(kept, Provider) or kept.settings is not options:
        kept = current_app.extensions["openid"] = Provider(options)
    return kept


@blueprint.post("/login/openid")
@public
def start() -> ResponseReturnValue:
    """Sends the browser to the provider."""
    return _go(safe_next(request.form.get("next")))


def _go(then: str, link: int = 0) -> str:
    """A page that leads on: browsers hold ``form-action`` against redirects to elsewhere too."""
    back = url_for("openid.back", _external=True)
    address, pending = _provider().begin(back, then, link)
    session[_KEPT] = seal(settings().secret_key, _PURPOSE, pending.text())
    return render_template("identity/openid_go.html", address=address)


@blueprint.get("/login/openid/back")
@public
def back() -> ResponseReturnValue:
    """Where the provider sends the browser back to: opens a session, or links one's account."""
    provider, pending = _provider(), _pending()
    panel, address = databases().panel, request.remote_addr or "local"
    mark = throttle.network(address)
    number = throttle.attempt(panel, mark, address, "openid")
    try:
        claims = provider.finish(pending, request.args)
        assert pending is not None  # noqa: S101 - finish refuses who has begun nothing
        answer = _link(pending, claims) if pending.link else _enter(pending, claims)
    except CompanionError as error:
        with writing(panel) as connection:
            audit.record(
                connection,
                action="operator.refused",
                object="openid",
                detail={"address": address, "why": error.code},
                actor="openid",
            )
        raise
    with writing(panel) as connection:
        throttle.succeeded(connection, number, mark, "openid")
    return answer


def _pending() -> Pending | None:
    """What this browser has begun; counts once, whatever comes of it."""
    try:
        return Pending.of(unseal(settings().secret_key, _PURPOSE, session.pop(_KEPT, "")))
    except Unreadable:
        return None


def _enter(pending: Pending, claims: dict[str, Any]) -> ResponseReturnValue:
    options, panel = settings().openid, databases().panel
    with writing(panel) as connection:
        known = openid_people.enter(connection, options, claims)
    with reading(panel) as connection:
        two_steps = second_factor.is_on(connection, known.id)
        mark = operators.password_mark(connection, known.id)
    vouched = openid_people.had_factor(options, claims)
    if two_steps and not vouched:
        return ask_for_code(known.id, known.login, mark, pending.then)
    answer = open_session(known.id, known.login, mark, pending.then)
    token = session.get("_user_id")
    if vouched and token:
        with writing(panel) as connection:
            sessions.vouch(connection, sessions.token_hash(token))
    return answer


def _link(pending: Pending, claims: dict[str, Any]) -> ResponseReturnValue:
    who = operator_or_none()
    if who is None or who.id != pending.link:
        raise OpenIdError(
            _("Whoever began to link this account is not signed in any more."),
            _("Sign in, then begin again under “Your account”."),
        )
    with writing(databases().panel) as connection:
        openid_people.link(connection, who.id, settings().openid.issuer, claims["sub"])
    toast(_("The link is there: you can sign in with %(name)s.", name=settings().openid.name))
    return redirect(url_for("openid.account"), 303)


@blueprint.get("/account/openid")
@requires("self.write")
def account() -> ResponseReturnValue:
    """Whether one's account is linked to the provider's."""
    return _account(ConfirmPasswordForm(formdata=None))


@blueprint.post("/account/openid/link")
@requires("self.write")
def link() -> ResponseReturnValue:
    """Begins to link one's account, after the password: an open screen is not enough."""
    who, form = current_operator(), ConfirmPasswordForm()
    _provider()
    if not password_is_right(who, form):
        return _account(form), 400
    return _go("", who.id)


@blueprint.post("/account/openid/unlink")
@requires("self.write")
def unlink() -> ResponseReturnValue:
    """Removes one's links, after the password; other sessions end."""
    who, form = current_operator(), ConfirmPasswordForm()
    if not password_is_right(who, form):
        return _account(form), 400
    with writing(databases().panel) as connection:
        openid_people.unlink(connection, who.id, but=who.session_hash)
    toast(_("The link is removed. You sign in with your password again."))
    return redirect(url_for("openid.account"), 303)


@blueprint.post("/operators/<int:operator_id>/openid")
@requires("operator.write")
def drop(operator_id: int) -> ResponseReturnValue:
    """Removes an operator's links; he is signed out everywhere."""
    with writing(databases().panel) as connection:
        staff.drop_identities(connection, current_operator(), operator_id)
    toast(_("The operator is linked to no sign-in provider any more."))
    return redirect(url_for("operators.edit", operator_id=operator_id), 303)


def _account(form: ConfirmPasswordForm) -> str:
    with reading(databases().panel) as connection:
        rows = openid_people.of(connection, current_operator().id)
    return render_template("identity/openid.html", form=form, rows=rows)
