"""What ``PANEL_OIDC_…`` says about the OpenID Connect provider that operators sign in with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """The provider, who may come in through it, and in which role; off without an issuer.

    ``create`` is ``none``, ``mapped`` or a role. ``roles`` are pairs of a value of the claim
    ``role_claim`` and the role it gives, the first that fits wins. ``factor_acr`` are the values
    of ``acr`` that say that there was a second factor.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    name: str = ""
    create: str = "none"
    role_claim: str = ""
    roles: tuple[tuple[str, str], ...] = ()
    factor_acr: tuple[str, ...] = ()
    ca_file: str = ""

    @property
    def on(self) -> bool:
        """Whether operators may sign in with it."""
        return bool(self.issuer)


def openid_settings(
    *,
    issuer: str,
    client_id: str,
    client_secret: str,
    name: str,
    create: str,
    role_claim: str,
    factor_acr: str,
    ca_file: str,
) -> OpenIdSettings:
    """The settings from the texts of the environment; raises SettingsError with one sentence."""
    if not issuer:
        return OpenIdSettings()
    if not safe_address(issuer) or "?" in issuer or "#" in issuer or len(issuer) > 255:
        raise SettingsError(
            f"PANEL_OIDC_ISSUER is '{issuer}'.",
            "It takes the provider's https address as its discovery document spells it.",
        )
    if not client_id:
        raise SettingsError(
            "PANEL_OIDC_ISSUER is set and PANEL_OIDC_CLIENT_ID is not.",
            "Register the panel at the provider and name its client id.",
        )
    claim, roles = _mapping(role_claim)
    if create == "mapped" and not roles:
        raise SettingsError(
            "PANEL_OIDC_CREATE is 'mapped' and PANEL_OIDC_ROLE_CLAIM maps nothing.",
            "Write PANEL_OIDC_ROLE_CLAIM like groups:noc=noc,admins=admin.",
        )
    acr = tuple(filter(None, (one.strip() for one in factor_acr.split(","))))
    shown = name or urlsplit(issuer).hostname or issuer
    return OpenIdSettings(
        issuer, client_id, client_secret, shown, create, claim, roles, acr, ca_file
    )


def safe_address(address: str) -> bool:
    """Whether it is an https address, or an http one of this machine, and nothing odd in it."""
    if any(ord(sign) < 33 or ord(sign) > 126 or sign in "\"'<>\\`{}|^" for sign in address):
        return False
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or port == 0:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _mapping(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """``groups:noc=noc,admins=admin``: the claim's name, and its values with their roles."""
    if not text:
        return "", ()
    # A claim may be named by a URL, which holds colons itself: the last before the first "=".
    claim, _, first = text.partition("=")[0].rpartition(":")
    pairs = first + text[len(text.partition("=")[0]) :]
    found: list[tuple[str, str]] = []
    for pair in filter(None, (piece.strip() for piece in pairs.split(","))):
        value, _, role = pair.rpartition("=")
        if not value or not role:
            found.clear()
            break
        found.append((value.strip(), role.strip()))
    if not claim or not found:
        raise SettingsError(
            f"PANEL_OIDC_ROLE_CLAIM is '{text}'.",
            "Write the claim, then values and roles: groups:noc=noc,admins=admin.",
        )
    return claim, tuple(found)
