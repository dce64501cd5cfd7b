"""Signatures as Standard Webhooks has them (standardwebhooks.com): HMAC-SHA256 of id.time.body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_PREFIX = "whsec_"


def new_secret() -> str:
    """A secret of 192 random bits, as it is handed to the receiver."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def headers(secret: str, message_id: str, at_s: int, body: str) -> dict[str, str]:
    """What tells the receiver who sends; ``at_s`` is the moment of this try in seconds of UTC."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message_id}.{at_s}.{body}".encode()
    code = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{code}",
    }
