"""Secrets at rest: what must be readable again (a mail password, a TOTP key) is stored sealed.

AES-128-CBC with HMAC-SHA-256 (Fernet), the key made from ``PANEL_SECRET_KEY`` and a purpose by
HKDF (RFC 5869): a text sealed for one purpose cannot be opened for another.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.errors import CompanionError


class Unreadable(CompanionError):
    """A stored secret was sealed with another key, or changed since."""

    code = "unreadable_secret"
    status = 500


def seal(secret_key: str, purpose: str, text: str) -> str:
    """The text as it may be stored; about 100 characters more than four thirds of its length."""
    return _box(secret_key, purpose).encrypt(text.encode()).decode()


def unseal(secret_key: str, purpose: str, sealed: str) -> str:
    """The text again; raises Unreadable."""
    try:
        return _box(secret_key, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable(
            f"A stored secret ({purpose}) cannot be read with this PANEL_SECRET_KEY.",
            "Start with the former PANEL_SECRET_KEY, or enter the secret again.",
        ) from error


def _box(secret_key: str, purpose: str) -> Fernet:
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"companion {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(made.derive(secret_key.encode())))
