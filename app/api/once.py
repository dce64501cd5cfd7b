"""``Idempotency-Key``: the same request again gets the first one's answer, and changes nothing.

After draft-ietf-httpapi-idempotency-key-header. Answers are kept for a day, sealed, since some
hold a password or a token that is shown once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import IntegrityError

from app.api.tables import api_answer
from app.core import clock
from app.core.database import reading, writing
from app.core.errors import CompanionError, Conflict
from app.core.sealing import seal, unseal
from app.core.words import _
from app.identity.access import Operator

KEPT_MS = clock.DAY
# One that has not answered by then never will: its process died.
_DEAD_MS = 2 * clock.MINUTE
_PURPOSE = "api answer"


class KeyReused(CompanionError):
    """The key stood for another request."""

    code = "key_reused"
    status = 422


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given before."""

    status: int
    body: str
    headers: dict[str, str]


def begin(engine: Engine, who: Operator, key: str, request: bytes, secret: str) -> Kept | None:
    """Notes that a request begins; what was answered to it before, if it was.

    Raises KeyReused for another request of the same key, Conflict while the first one runs.
    """
    digest, now = hashlib.sha256(request).hexdigest(), clock.now_ms()
    c = api_answer.c
    with writing(engine) as connection:
        dead = c.status.is_(None) & (c.at <= now - _DEAD_MS)
        connection.execute(delete(api_answer).where((c.at <= now - KEPT_MS) | dead))
    row = {
        "tenant_id": who.tenant_id,
        "operator_id": who.id,
        "key": key,
        "request": digest,
        "at": now,
    }
    try:
        with writing(engine) as connection:
            connection.execute(api_answer.insert(), row)
        return None
    except IntegrityError:
        pass
    with reading(engine) as connection:
        found = connection.execute(
            select(api_answer).where(c.operator_id == who.id, c.key == key)
        ).first()
    if found is not None and found.request != digest:
        raise KeyReused(
            _("This Idempotency-Key was used for another request."), _("Make a new key.")
        )
    if found is None or found.status is None:
        raise Conflict(
            _("The same request is being done at this moment."), _("Ask again in a second.")
        )
    kept = json.loads(unseal(secret, _PURPOSE, found.answer))
    return Kept(found.status, kept["body"], kept["headers"])


def finish(engine: Engine, who: Operator, key: str, secret: str, kept: Kept | None) -> None:
    """Keeps the answer; None forgets the request, which may then be tried again."""
    mine = (api_answer.c.operator_id == who.id) & (api_answer.c.key == key)
    with writing(engine) as connection:
        if kept is None:
            connection.execute(delete(api_answer).where(mine))
            return
        packed = json.dumps({"body": kept.body, "headers": kept.headers})
        connection.execute(
            update(api_answer)
            .where(mine)
            .values(status=kept.status, answer=seal(secret, _PURPOSE, packed))
        )
