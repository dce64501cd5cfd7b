"""The signed cookie: its name, and when it may travel without TLS."""

from __future__ import annotations

import hashlib
import ipaddress

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import Signer

from app.core.settings import Settings

SECURE_NAME = "__Host-companion"
PLAIN_NAME = "companion"


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, ``__Host-`` and Secure unless this is http on loopback.

    It holds what CSRF protection and Flask-Login need: a seed, and the random token that
    ``app.identity.sessions`` looks up. Nothing in it is believed without the database.
    """

    digest_method = staticmethod(hashlib.sha256)

    def __init__(self, settings: Settings) -> None:
        # The library's own choice is SHA-1; forms' tokens are signed by it without asking us.
        Signer.default_digest_method = self.digest_method
        self.insecure_allowed = settings.insecure_cookies

    def get_cookie_name(self, app: Flask) -> str:
        """``__Host-companion``: the browser refuses it without TLS, or from another host."""
        return PLAIN_NAME if self.plain() else SECURE_NAME

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the browser may send it over TLS only."""
        return not self.plain()

    def get_cookie_domain(self, app: Flask) -> str | None:
        """None: this host and no other."""
        return None

    def plain(self) -> bool:
        """Whether this request may have a cookie without TLS."""
        if request.is_secure:
            return False
        return self.insecure_allowed or (_loopback(request.remote_addr) and _local_name())


def _local_name() -> bool:
    name = request.host.rsplit(":", 1)[0].strip("[]")
    return name == "localhost" or _loopback(name)


def _loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
