"""HTTP to the OpenID Connect provider: short, small, to nobody else, and only JSON comes back."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from app.core.errors import CompanionError
from app.core.openid_settings import safe_address
from app.core.words import _
from app.opensips.mi_transport import Deadline, session

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
MOST_BYTES = 1 << 20


class OpenIdError(CompanionError):
    """A sign-in by OpenID Connect that came to nothing; the sentence is for whoever tried."""

    code = "openid"
    status = 400


class ProviderAway(OpenIdError):
    """The provider cannot be asked, or answers with what makes no sense."""

    code = "openid_provider"
    status = 502


def ask(
    address: str,
    ca_file: str = "",
    form: Mapping[str, str] | None = None,
    basic: tuple[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of an address; POST when there is a form. Raises ProviderAway.

    5 seconds to connect, 10 altogether, 1 MB at most, TLS verified, no redirects followed.
    """
    if not safe_address(address):
        raise _away(address, "not an https address")
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    try:
        with Deadline(TOTAL_SECONDS, CONNECT_SECONDS), session() as http:
            http.verify = ca_file or True
            with http.request(
                "GET" if form is None else "POST",
                address,
                data=dict(form) if form is not None else None,
                auth=basic,
                headers=headers,
                timeout=(CONNECT_SECONDS, TOTAL_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = _body(answer.iter_content(8192), answer.headers)
                status = int(answer.status_code)
    # RequestException is an OSError; a host name that cannot be encoded is a ValueError.
    except (OSError, ValueError) as error:
        raise _away(address, type(error).__name__) from error
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _away(address, f"status {status}, no JSON") from error
    if not isinstance(found, dict):
        raise _away(address, f"status {status}, no JSON object")
    return status, found


def document(address: str, ca_file: str = "") -> dict[str, Any]:
    """A JSON object that must be there; raises ProviderAway."""
    status, found = ask(address, ca_file)
    if status != 200:
        raise _away(address, f"status {status}")
    return found


def _body(chunks: Any, headers: Mapping[str, str]) -> bytes:
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ValueError("packed")
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > MOST_BYTES:
            raise ValueError("too large")
    return body


def _away(address: str, why: str) -> ProviderAway:
    # The address is the provider's own, or the administrator's; no secret is in it.
    log.warning("OpenID Connect: %r: %s", address.partition("?")[0][:200], why)
    return ProviderAway(
        _("The sign-in provider does not answer as it should."),
        _("Try again in a moment, or sign in with login and password; the log says more."),
    )
