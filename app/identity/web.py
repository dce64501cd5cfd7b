"""Everything that stands between a request and a view: proxy, cookie, operator, CSRF, headers."""

from __future__ import annotations

from flask import Flask, request, session
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect, validate_csrf
from werkzeug.middleware.proxy_fix import ProxyFix
from wtforms import ValidationError

from app.core import clock
from app.core.context import databases, settings
from app.core.database import reading, writing
from app.core.errors import InvalidInput
from app.core.words import _
from app.identity import error_pages, headers, sessions, tokens
from app.identity.access import Operator, guard_views
from app.identity.cookies import CookieSessions

# What machines ask.
API = "/api/v1/"


def init_app(app: Flask) -> None:
    """Puts the guards in front of the application, in the order in which they act."""
    options = app.extensions["settings"]
    app.config.update(
        SECRET_KEY=options.secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=sessions.LONGEST_MS // clock.SECOND,
        SESSION_REFRESH_EACH_REQUEST=False,
        # The token lives as long as the session that it is bound to.
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=1 << 20,
        MAX_FORM_PARTS=1_000,
    )
    if options.trusted_proxies > 0:
        # Only the address and the scheme: the Host header arrives as the browser sent it.
        count = options.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]
    app.session_interface = CookieSessions(options)
    login = LoginManager()
    # Templates get the operator from us: an error page must not ask the database again.
    login.init_app(app, add_context_processor=False)
    login.session_protection = None
    login.user_loader(_load)
    app.before_request(_refuse_nul)
    guard_views(app, _signed_in)
    CSRFProtect(app)
    headers.set_up(app)
    error_pages.set_up(app)


def _refuse_nul() -> None:
    """No text of ours holds NUL, and PostgreSQL cannot be asked for it."""
    values = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if any("\x00" in name or "\x00" in value for name, value in values):
        raise InvalidInput(_("The request holds a NUL character."), _("Leave it out."))


def _by_token() -> Operator | None:
    """Who the bearer token (RFC 6750) of this request is of."""
    kind, _space, token = request.headers["Authorization"].partition(" ")
    if kind.lower() != "bearer":
        return None
    with reading(databases().panel) as connection:
        found = tokens.find(connection, token.strip(), settings().second_factor)
    if found is None:
        return None
    operator, number, due = found
    if due:
        with writing(databases().panel) as connection:
            tokens.used(connection, number)
    return operator


def _is_ours() -> bool:
    """Whether a page of ours asks: a cookie alone, which browsers send along, opens no API."""
    try:
        validate_csrf(request.headers.get("X-CSRFToken"))
    except ValidationError:
        return False
    return True


def _load(token: str) -> Operator | None:
    with reading(databases().panel) as connection:
        found = sessions.find(connection, token, settings().second_factor)
    if found is None:
        return None
    operator, due = found
    if due:
        with writing(databases().panel) as connection:
            sessions.seen(connection, operator.session_hash)
    return operator


def _signed_in() -> Operator | None:
    if request.path.startswith(API) and "Authorization" in request.headers:
        return _by_token()
    if request.path.startswith(API) and not _is_ours():
        return None
    if "_user_id" not in session:
        return None
    return current_user._get_current_object() if current_user.is_authenticated else None
