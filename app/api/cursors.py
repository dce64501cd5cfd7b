"""Places in lists as texts that mean nothing to others: signed, good for one list and tenant."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

from app.core.context import settings
from app.shell.keyset import Place, no_place


def sealed(operation: str, tenant_id: int, place: Place) -> str:
    """The cursor of a place."""
    return str(_signer(operation, tenant_id).dumps(str(place)))


def opened(operation: str, tenant_id: int, cursor: str) -> Place:
    """The place of a cursor; InvalidInput when it was not made for this list and tenant."""
    try:
        return Place.parse(str(_signer(operation, tenant_id).loads(cursor)))
    except BadSignature as exc:
        raise no_place() from exc


def _signer(operation: str, tenant_id: int) -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, f"cursor {operation} {tenant_id}")
