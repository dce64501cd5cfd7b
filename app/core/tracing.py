"""One id for a request: in every line of the log about it, in its answer, on its error page."""

from __future__ import annotations

import logging
import re
import secrets
import time

from flask import Flask, Response, g, has_request_context, request

log = logging.getLogger("app.access")

HEADER = "X-Request-ID"
# Under this name a record of the log carries facts that are more than its sentence.
FACTS = "companion_facts"
# What Nginx makes, UUIDs and the like; nothing that could be read as anything else.
_LOOKS_LIKE_ONE = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{7,63}", re.ASCII)
_LINE = "%(method)s %(endpoint)s %(status)s %(ms)s ms operator %(operator)s %(request)s"
_REFUSED = _LINE + " refused: %(refused)s"
# Asked every few seconds by machines: only what goes wrong there is told.
_QUIET = ("static", "assets.show", "jobs.healthz", "jobs.readyz", "metrics.scrape")


def init_app(app: Flask) -> None:
    """Begins before everything else that happens to a request, and ends after it."""
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str | None:
    """The id of the request under way: the proxy's, or one of ours; None outside of requests."""
    if not has_request_context():
        return None
    if "request_id" not in g:
        given = request.headers.get(HEADER, "")
        g.request_id = given if _LOOKS_LIKE_ONE.fullmatch(given) else secrets.token_hex(8)
    return str(g.request_id)


def seconds() -> float:
    """How long the request has taken so far."""
    return time.perf_counter() - float(g.get("began", time.perf_counter()))


def refused(code: str) -> None:
    """Notes by what name the request was refused: the line about it says so."""
    g.refused = code


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers[HEADER] = request_id() or ""
    endpoint = request.endpoint or "none"
    if endpoint in _QUIET and response.status_code < 500:
        return response
    facts: dict[str, object] = {
        "method": request.method[:16],
        "endpoint": endpoint,
        "status": response.status_code,
        "ms": round(seconds() * 1000),
    }
    if response.status_code >= 400:
        # Tried in vain: bad input, no right, too often, a forged form or token.
        facts["refused"] = g.get("refused", "input")
    # By number: a name is for the audit.
    if (who := getattr(g.get("operator"), "id", None)) is not None:
        facts["operator"] = who
    # The view's name, never the address: what people search for is nobody's to keep.
    line = _REFUSED if "refused" in facts else _LINE
    log.info(line, {"operator": "-"} | facts | {"request": request_id()}, extra={FACTS: facts})
    return response
