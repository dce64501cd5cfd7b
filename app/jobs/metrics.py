"""``/metrics``: what was asked of the panel and how it stands (docs/metrics.md)."""

from __future__ import annotations

import hmac
import ipaddress
from typing import cast

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import Forbidden

from app.core import tracing
from app.core.context import settings
from app.core.database import Databases
from app.core.settings import Settings
from app.identity.access import public
from app.jobs import tally
from app.jobs.gauges import Gauges

blueprint = Blueprint("metrics", __name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Whoever sends one of these is a proxy: what comes through it is not from this machine.
_FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def init_app(app: Flask) -> None:
    """Counts every request by its endpoint, when all else has happened to it."""
    options: Settings = app.extensions["settings"]
    tally.open_in(options.data_dir / "metrics")
    app.extensions["gauges"] = Gauges(lambda: cast(Databases, app.extensions["databases"]))
    app.after_request(_count)


@blueprint.get("/metrics")
@public
def scrape() -> Response:
    """Everything in Prometheus's text format; 403 for others than a collector."""
    if not (_from_this_machine() or _knows_the_token()):
        raise Forbidden()
    media_type, text = tally.exposition(cast(Gauges, current_app.extensions["gauges"]))
    return Response(text, content_type=media_type)


def _count(response: Response) -> Response:
    method = request.method if request.method in _METHODS else "other"
    # Never the address: it may hold a number, and there are endless ones.
    endpoint = request.endpoint or "none"
    counted = tally.tally()
    counted.requests.labels(endpoint, method, str(response.status_code)).inc()
    counted.durations.labels(endpoint, method).observe(tracing.seconds())
    return response


def _from_this_machine() -> bool:
    if settings().trusted_proxies == 0 and any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _knows_the_token() -> bool:
    token = settings().metrics_token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Compared as bytes: hmac refuses text that is not ASCII.
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same
