"""What every answer says to the browser: what it may load, keep and tell others."""

from __future__ import annotations

from flask import Flask, Response, request

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)

# A year, and for whatever stands beneath the panel's own name.
_HSTS = "max-age=31536000; includeSubDomains"
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def set_up(app: Flask) -> None:
    """Adds the headers to every answer of the application."""

    @app.after_request
    def add(response: Response) -> Response:
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        if request.endpoint == "assets.show":
            # Says itself how long it lasts, unless it is an error.
            response.headers.setdefault("Cache-Control", "no-store")
        elif request.endpoint == "tenants.picture" and response.status_code == 200:
            # Its address is the hash of what it holds.
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        elif "v" in request.args and response.status_code == 200:
            # The address carries the file's hash (``asset``), so it never changes.
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
