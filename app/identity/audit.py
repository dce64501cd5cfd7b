"""What operators and commands did, in the same transaction as the deed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import has_request_context
from sqlalchemy import Connection

from app.core import clock
from app.identity.access import operator_or_none
from app.identity.tables import audit


def record(
    connection: Connection,
    *,
    action: str,
    object: str,
    detail: Mapping[str, Any] | None = None,
    actor: str | None = None,
) -> None:
    """Notes an action (``operator.sign_in``) on an object (``operator:7``); no secrets in detail.

    The actor is the signed-in operator, else ``actor``, else ``cli``.
    """
    operator = operator_or_none() if has_request_context() else None
    name = actor or (operator.login if operator is not None else "cli")
    connection.execute(
        audit.insert().values(
            tenant_id=operator.tenant_id if operator is not None else 1,
            at=clock.now_ms(),
            operator_id=operator.id if operator is not None else None,
            actor=name[:64],
            action=action[:64],
            object=object[:128],
            detail=json.dumps(dict(detail), ensure_ascii=False) if detail else None,
        )
    )
