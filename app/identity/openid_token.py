"""The id_token: who somebody is, as the provider signed it (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    InvalidKeyIdError,
    JoseError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import ECKey, JWKRegistry, Key, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from app.core import clock
from app.core.words import _
from app.identity.openid_http import OpenIdError

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
# How far the provider's clock may be from ours.
LEEWAY_S = 60
# An id_token is used when it is made; one that was made long ago comes from somewhere else.
OLDEST_S = 600
_LEAST_RSA_BITS = 2048


class _Allowed(JWSRegistry):
    """The algorithms that count, and nothing that a token says about itself can add one."""

    max_header_length = 4096

    def get_alg(self, name: str) -> Any:
        """The algorithm; raises UnsupportedAlgorithmError for all but ours."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


class IdTokens:
    """Reads id_tokens of one issuer for one client. ``keys(fresh)`` gets the provider's keys."""

    def __init__(self, issuer: str, client_id: str, keys: Callable[[bool], KeySet]) -> None:
        self.issuer, self.client_id, self._keys = issuer, client_id, keys

    def read(self, token: str, nonce: str, access_token: str | None) -> dict[str, Any]:
        """The claims of a token that is whole, meant for us, and of now; raises OpenIdError."""
        try:
            try:
                found = self._decode(token, self._keys(False))
            except (InvalidKeyIdError, BadSignatureError):
                # The provider may have changed its keys since we looked.
                found = self._decode(token, self._keys(True))
            claims = CodeIDToken(
                found.claims,
                found.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self.client_id},
                },
                {"nonce": nonce, "client_id": self.client_id, "access_token": access_token},
            )
            now = clock.now_ms() // clock.SECOND
            claims.validate(now, LEEWAY_S)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise _refused(type(error).__name__, getattr(error, "claim", "")) from error
        if claims["iat"] < now - OLDEST_S:
            raise _refused("old", "iat")
        subject = claims["sub"]
        if not 0 < len(subject) <= 255 or not subject.isprintable():
            raise _refused("odd", "sub")
        return dict(claims)

    def _decode(self, token: str, keys: KeySet) -> jwt.Token:
        registry = _Allowed(algorithms=ALGORITHMS, strict_check_header=False)
        return jwt.decode(token, keys, ALGORITHMS, registry)


def key_set(document: dict[str, Any]) -> KeySet:
    """The public keys that a signature may be of; others of the document are left out."""
    listed = document.get("keys")
    found: list[Key] = []
    for each in listed if isinstance(listed, list) else []:
        key = _key(each) if isinstance(each, dict) else None
        if key is not None:
            found.append(key)
    return KeySet(found)


def _key(each: dict[str, Any]) -> Key | None:
    # A symmetric key has no place in a public document.
    if each.get("kty") not in ("RSA", "EC", "OKP") or each.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(each)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.raw_value.key_size >= _LEAST_RSA_BITS:
        return key
    return key if isinstance(key, ECKey | OKPKey) else None


def _refused(why: str, claim: str) -> OpenIdError:
    log.warning("OpenID Connect: id_token refused: %s %s", why, claim)
    return OpenIdError(
        _("What the sign-in provider said of you cannot be trusted."),
        _("Start again; if it happens again, show an administrator the log."),
    )
