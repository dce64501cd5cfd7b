"""Errors as people and machines want them: a page, a line for htmx, or problem+json (RFC 9457)."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.core import tracing
from app.core.errors import CompanionError, DatabaseUnavailable
from app.core.words import _, _l
from app.identity.access import FactorNeeded, SignInNeeded, operator_or_none

log = logging.getLogger(__name__)

_SENTENCES = {
    400: (
        _l("The request could not be understood."),
        _l("Go back, check what you entered, try again."),
    ),
    403: (_l("You may not do this."), _l("Ask an administrator for the permission.")),
    404: (
        _l("There is nothing at this address."),
        _l("It may have been moved; the menu leads on."),
    ),
    405: (
        _l("This address does not take that kind of request."),
        _l("Go back and use the page's buttons."),
    ),
    409: (
        _l("Somebody else was faster; nothing was changed."),
        _l("Load the page again and look."),
    ),
    413: (_l("What you sent is too large."), _l("Send less at once.")),
    500: (_l("Something went wrong on our side."), _l("Try again; the log has the details.")),
    503: (_l("The panel cannot answer just now."), _l("Try again in a moment.")),
}


def set_up(app: Flask) -> None:
    """Registers the handlers for every kind of error."""
    app.register_error_handler(SignInNeeded, _sign_in)
    app.register_error_handler(FactorNeeded, _factor)
    app.register_error_handler(CompanionError, _companion)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _sign_in(error: SignInNeeded) -> ResponseReturnValue:
    if _machine():
        return _problem(401, error.code, error.message, error.remedy)
    address = request.full_path.rstrip("?") if request.method == "GET" else None
    if request.headers.get("HX-Request"):
        answer = make_response("", 401)
        answer.headers["HX-Redirect"] = url_for("identity.login")
        return answer
    return redirect(url_for("identity.login", next=address if address != "/" else None), 303)


def _factor(error: FactorNeeded) -> ResponseReturnValue:
    if _machine() or request.method != "GET":
        return answer_with(error.status, error.code, error.message, error.remedy)
    return redirect(url_for("safety.factor"), 303)


def _companion(error: CompanionError) -> ResponseReturnValue:
    if error.status >= 500:
        log.error("%s %s: %s", request.method, request.path, error)
        if operator_or_none() is None:
            return _inside(error)
    return answer_with(error.status, error.code, error.message, error.remedy, _places(error))


def _inside(error: CompanionError) -> Response:
    """What a stranger is told of a failure: not which server, nor by which user it is asked."""
    message, remedy = _SENTENCES.get(error.status, _SENTENCES[500])
    if isinstance(error, DatabaseUnavailable):
        message = _("A database of the panel does not answer.")
    remedy = _(
        "%(remedy)s Whoever runs the panel finds the cause in its log, reference %(reference)s.",
        remedy=remedy,
        reference=tracing.request_id(),
    )
    return answer_with(error.status, error.code, str(message), remedy)


def _places(error: CompanionError) -> list[tuple[str, str]]:
    """What is wrong where, for machines."""
    found: list[tuple[str, str]] = getattr(error, "errors", [])
    field = getattr(error, "field", None)
    return found or ([(field, error.message)] if field else [])


def _csrf(error: CSRFError) -> ResponseReturnValue:
    remedy = _("Load the page again, then repeat what you did.")
    if not request.is_secure:
        remedy = _(
            "Load the page again, then repeat what you did. If that does not help: the panel keeps"
            " its cookie for HTTPS and for this machine's own address; reach it through Nginx, or"
            " set PANEL_INSECURE_COOKIES=1 on a closed network."
        )
    message = _("This form is too old, or did not come from this page.")
    return answer_with(400, "csrf", message, remedy)


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    message, remedy = _SENTENCES.get(status, (HTTPStatus(status).phrase + ".", ""))
    name = HTTPStatus(status).name.lower()
    answer = answer_with(status, name, str(message), str(remedy))
    allow = getattr(error, "valid_methods", None)
    if allow:
        answer.headers["Allow"] = ", ".join(sorted(allow))
    return answer


def _unexpected(error: Exception) -> ResponseReturnValue:
    reference = tracing.request_id()
    log.error("%s %s failed, reference %s", request.method, request.path, reference, exc_info=error)
    message, remedy = _SENTENCES[500]
    remedy = _("%(remedy)s Reference: %(reference)s.", remedy=remedy, reference=reference)
    return answer_with(500, "internal", str(message), remedy)


def answer_with(
    status: int, code: str, message: str, remedy: str, places: Sequence[tuple[str, str]] = ()
) -> Response:
    """The error in the form that the caller reads; ``places`` are (field, sentence)."""
    tracing.refused(code)
    if _machine():
        return _problem(status, code, message, remedy, places)
    values = {"status": status, "message": message, "remedy": remedy}
    if request.headers.get("HX-Request"):
        return make_response(render_template("error_line.html", **values), status)
    # Without an operator (or without a database to ask) the page has no menu.
    page = "error.html" if operator_or_none() else "error_bare.html"
    return make_response(render_template(page, **values), status)


def _machine() -> bool:
    wanted = request.accept_mimetypes
    return request.path.startswith("/api/") or (
        wanted.best_match(("text/html", "application/json")) == "application/json"
    )


def _problem(
    status: int, code: str, message: str, remedy: str, places: Sequence[tuple[str, str]] = ()
) -> Response:
    tracing.refused(code)
    body: dict[str, object] = {
        "type": f"urn:opensips-companion:problem:{code}",
        "title": message,
        "status": status,
        "detail": remedy,
        "code": code,
    }
    if places:
        body["errors"] = [{"field": name, "message": words} for name, words in places]
    answer = make_response(json.dumps(body), status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    answer.mimetype = "application/problem+json"
    return answer
