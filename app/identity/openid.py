"""OpenID Connect: the authorization code flow with PKCE, from our side.

``begin`` makes the address at the provider and what must be remembered until the browser comes
back; ``finish`` makes of what it brings back who somebody is. Nothing here knows operators.
RFC 6749, 7636 (PKCE), 9207 (``iss``), 9700; OpenID Connect Core and Discovery 1.0.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote_plus

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url
from joserfc.jwk import KeySet

from app.core import clock
from app.core.openid_settings import OpenIdSettings, safe_address
from app.core.words import _
from app.identity.openid_http import OpenIdError, ProviderAway, ask, document
from app.identity.openid_token import IdTokens, key_set

log = logging.getLogger(__name__)

PENDING_MS = 10 * clock.MINUTE
_KEEP_S = 3600.0
# Keys are asked for anew at most this often, whatever tokens somebody brings.
_FRESH_S = 60.0
# Who is away is not asked again by the next click.
_AWAY_S = 5.0
_CODE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Pending:
    """What is remembered between the redirect and the callback; ``link`` is an operator's id."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    began: int
    then: str = ""
    link: int = 0

    def text(self) -> str:
        """For the cookie."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Pending:
        """From what ``text`` gave."""
        return cls(**json.loads(text))


class Provider:
    """One provider; keeps its discovery document and its keys for an hour."""

    def __init__(self, settings: OpenIdSettings) -> None:
        self.settings = settings
        self._kept: dict[str, tuple[float, Any]] = {}
        self._away_until = 0.0
        self._tokens = IdTokens(settings.issuer, settings.client_id, self._keys)

    def begin(self, redirect_uri: str, then: str = "", link: int = 0) -> tuple[str, Pending]:
        """The address at the provider to go to, and what to remember; raises ProviderAway."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _each in range(3))
        pending = Pending(state, nonce, verifier, redirect_uri, clock.now_ms(), then, link)
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid profile email",
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": create_s256_code_challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        if self.settings.factor_acr:
            asked["acr_values"] = " ".join(self.settings.factor_acr)
        where = self._metadata()["authorization_endpoint"]
        return str(add_params_to_uri(where, asked)), pending

    def finish(self, pending: Pending | None, brought: Mapping[str, str]) -> dict[str, Any]:
        """The claims of whoever came back with these parameters; raises OpenIdError."""
        state = brought.get("state", "")
        if (
            pending is None
            or not hmac.compare_digest(state.encode(), pending.state.encode())
            or not 0 <= clock.now_ms() - pending.began <= PENDING_MS
        ):
            raise OpenIdError(
                _("This sign-in was not begun in this browser, or too long ago."),
                _("Start again on the sign-in page."),
            )
        metadata = self._metadata()
        self._check_issuer(brought, metadata)
        if "error" in brought:
            raise _said(brought["error"])
        code = brought.get("code", "")
        if not code or len(code) > 4096:
            raise _said("no_code")
        found = self._redeem(code, pending, metadata)
        token, access = found.get("id_token"), found.get("access_token")
        if not isinstance(token, str):
            raise _said("no_id_token")
        return self._tokens.read(token, pending.nonce, access if isinstance(access, str) else None)

    def _check_issuer(self, brought: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
        """RFC 9207: an answer of another provider must not be taken to this one."""
        promised = metadata.get("authorization_response_iss_parameter_supported") is True
        if ("iss" in brought or promised) and brought.get("iss") != self.settings.issuer:
            log.warning("OpenID Connect: an answer of another issuer was refused")
            raise OpenIdError(
                _("This answer is of another sign-in provider."),
                _("Start again on the sign-in page."),
            )

    def _redeem(
        self, code: str, pending: Pending, metadata: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect_uri,
            "code_verifier": pending.verifier,
        }
        client, secret = self.settings.client_id, self.settings.client_secret
        basic = None
        methods = metadata.get("token_endpoint_auth_methods_supported")
        if not secret:
            form["client_id"] = client
        elif isinstance(methods, list) and "client_secret_basic" not in methods:
            form |= {"client_id": client, "client_secret": secret}
        else:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            basic = (quote_plus(client), quote_plus(secret))
        status, found = ask(metadata["token_endpoint"], self.settings.ca_file, form, basic)
        if status != 200:
            raise _said(found.get("error"))
        return found

    def _metadata(self) -> Mapping[str, Any]:
        """The discovery document; its issuer must be the one of the settings, letter by letter."""
        kept = self._still("metadata", _KEEP_S)
        if kept is not None:
            return dict(kept)
        address = get_well_known_url(self.settings.issuer, external=True)
        found = self._ask(address)
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != self.settings.issuer or not all(
            isinstance(found.get(name), str) and safe_address(found[name]) for name in wanted
        ):
            log.warning("OpenID Connect: the discovery document is not that of the issuer")
            raise ProviderAway(
                _("The sign-in provider is not the one that was set up."),
                _("Sign in with login and password; an administrator checks PANEL_OIDC_ISSUER."),
            )
        self._kept["metadata"] = (time.monotonic(), found)
        return found

    def _keys(self, fresh: bool) -> KeySet:
        kept = self._still("keys", _FRESH_S if fresh else _KEEP_S)
        if isinstance(kept, KeySet):
            return kept
        found = key_set(self._ask(self._metadata()["jwks_uri"]))
        self._kept["keys"] = (time.monotonic(), found)
        return found

    def _still(self, name: str, seconds: float) -> Any:
        since, found = self._kept.get(name, (0.0, None))
        return found if found is not None and time.monotonic() - since < seconds else None

    def _ask(self, address: str) -> dict[str, Any]:
        if time.monotonic() < self._away_until:
            raise ProviderAway(
                _("The sign-in provider does not answer as it should."),
                _("Try again in a moment, or sign in with login and password; the log says more."),
            )
        try:
            return document(address, self.settings.ca_file)
        except ProviderAway:
            self._away_until = time.monotonic() + _AWAY_S
            raise


def _said(error: object) -> OpenIdError:
    """What the provider refused. Its own words are not shown: anybody can put them in a link."""
    code = error if isinstance(error, str) and _CODE.fullmatch(error) else "unknown"
    log.warning("OpenID Connect: the provider refused: %s", code)
    if code == "access_denied":
        return OpenIdError(
            _("The sign-in provider did not let you in, or you said no there."),
            _("Start again, or sign in with login and password."),
        )
    return OpenIdError(
        _("The sign-in provider did not finish the sign-in."),
        _("Start again; if it happens again, show an administrator the log."),
    )
