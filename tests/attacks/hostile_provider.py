"""An OpenID Connect provider that says whatever a test wants, on a loopback port.

By default it is a good one, and a strict one: PKCE, client secret and redirect URI are checked,
codes count once. A test changes what it says.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.identity.openid import asked

Signer = Callable[[dict[str, Any]], str]


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Hostile:
    """What the provider says; ``seen`` is what it was asked."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.published: list[dict[str, Any]] = [dict(self.key.as_dict(private=False))]
        self.metadata: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
        }
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.sign: Signer = lambda claims: jwt.encode(self.header, claims, self.key)
        self.forgets_codes = True
        self.answers: dict[str, Callable[[], Response]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.seen: list[str] = []
        self.problems: list[str] = []

    def send_back(self, address: str, subject: str = "s-ann", **more: str) -> str:
        """The path with which the browser comes back that was sent to that address."""
        wanted, code = asked(address), secrets.token_urlsafe(12)
        self.codes[code] = wanted | {"sub": subject}
        return f"/login/openid/back?{urlencode({'state': wanted['state'], 'code': code} | more)}"

    def __call__(self, request: Request) -> Response:
        """What it answers."""
        self.seen.append(request.path)
        if request.path in self.answers:
            return self.answers[request.path]()
        if request.path == "/token":
            return self._token(request)
        if request.path == "/jwks":
            return _json({"keys": self.published})
        if request.path == "/.well-known/openid-configuration":
            return _json(self.metadata)
        return Response("nothing", 404)

    def _token(self, request: Request) -> Response:
        code = request.form["code"]
        asked_for = self.codes.pop(code, None) if self.forgets_codes else self.codes.get(code)
        if asked_for is None:
            return _json({"error": "invalid_grant"}, 400)
        challenge = b64(hashlib.sha256(request.form["code_verifier"].encode()).digest())
        basic = request.authorization
        checks = {
            "verifier": challenge == asked_for["code_challenge"],
            "redirect_uri": request.form["redirect_uri"] == asked_for["redirect_uri"],
            "client": basic is not None and (basic.username, basic.password) == ("panel", "s3%2Bx"),
        }
        wrong = [name for name, right in checks.items() if not right]
        self.problems += wrong
        if wrong:
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": asked_for["sub"],
            "aud": "panel",
            "iat": now,
            "exp": now + 300,
            "nonce": asked_for["nonce"],
        } | self.claims
        kept = {name: value for name, value in claims.items() if value is not None}
        return _json({"access_token": "at", "token_type": "Bearer", "id_token": self.sign(kept)})


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token of that header, whatever it says, with that signature."""
    parts = [b64(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, b64(signature)])


def by_hmac(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """A token signed with HMAC-SHA-256 and that key."""
    start = unsigned(header, claims).rpartition(".")[0]
    return f"{start}.{b64(hmac.new(key, start.encode(), hashlib.sha256).digest())}"


@contextmanager
def running() -> Iterator[Hostile]:
    """One on a free port until the block ends."""
    told: list[Hostile] = []
    server = make_server(
        "127.0.0.1", 0, Request.application(lambda request: told[0](request)), threaded=True
    )
    server.daemon_threads = True  # type: ignore[attr-defined]
    told.append(Hostile(f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield told[0]
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def _json(found: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(found), status, mimetype="application/json")
