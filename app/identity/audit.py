"""What operators and commands did, in the same transaction as the deed, chained by hashes.

Each entry holds the SHA-256 of its own content and of the entry before it, so that an entry that
is changed, removed, put in or moved breaks the chain (``app.identity.chain`` looks). The head of
the chain is one row that is locked last in a transaction, so that nobody waits for long.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request
from sqlalchemy import Connection, Select, select

from app.core import clock
from app.core.database import at_the_end
from app.core.prefixes import starts_with
from app.core.upsert import insert_once
from app.identity.access import operator_or_none, owned
from app.identity.tables import audit, audit_head

# What stands before the first entry.
START = "0" * 64
HEAD = 1
# In this order they are hashed.
HASHED = (
    "seq",
    "tenant_id",
    "at",
    "operator_id",
    "actor",
    "action",
    "object",
    "detail",
    "before",
    "after",
    "address",
    "session",
)
_SECRET = ("password", "ha1", "secret", "token")
MASK = "•••"


def record(
    connection: Connection,
    *,
    action: str,
    object: str,
    detail: Mapping[str, Any] | None = None,
    actor: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Notes an action (``operator.sign_in``) on an object (``operator:7``).

    ``before`` and ``after`` are the object's fields; values of fields with a secret's name are
    masked. The actor is the signed-in operator, else ``actor``, else ``cli``. Written when the
    transaction ends, as its last deed.
    """
    operator = operator_or_none() if has_request_context() else None
    name = actor or (operator.login if operator is not None else "cli")
    entry = {
        "tenant_id": operator.tenant_id if operator is not None else 1,
        "at": clock.now_ms(),
        "operator_id": operator.id if operator is not None else None,
        "actor": name[:64],
        "action": action[:64],
        "object": object[:128],
        "detail": _text(detail),
        "before": _text(before),
        "after": _text(after),
        "address": (request.remote_addr or "")[:64] if has_request_context() else None,
        # enough to tell sessions apart, too little to be one
        "session": operator.session_hash[:12] if operator is not None else None,
    }
    at_the_end(connection, lambda: _append(connection, entry))


def digest(entry: Mapping[str, Any], previous: str) -> str:
    """The hash of an entry that follows the one of hash ``previous``, in hexadecimal."""
    content = [previous, *(entry[name] for name in HASHED)]
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def entries(
    sees: tuple[int, ...] | None,
    *,
    since: int | None = None,
    until: int | None = None,
    actor: str | None = None,
    object: str | None = None,
    action: str | None = None,
) -> Select[Any]:
    """The query of the entries that one sees; object and action by how they begin."""
    query = select(audit).where(*owned(audit.c.tenant_id, sees))
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at < until)
    if actor:
        query = query.where(audit.c.actor == actor)
    for column, text in ((audit.c.object, object), (audit.c.action, action)):
        if text:
            query = query.where(starts_with(column, text))
    return query


def _append(connection: Connection, entry: dict[str, Any]) -> None:
    wanted = select(audit_head).where(audit_head.c.id == HEAD).with_for_update()
    head = connection.execute(wanted).first()
    if head is None:
        _make_head(connection)
        head = connection.execute(wanted).one()
    entry["seq"] = head.seq + 1
    entry["hash"] = digest(entry, head.hash)
    connection.execute(audit.insert(), entry)
    connection.execute(
        audit_head.update()
        .where(audit_head.c.id == HEAD)
        .values(seq=entry["seq"], hash=entry["hash"])
    )


def _make_head(connection: Connection) -> None:
    """The head, where a restored or emptied database has none."""
    first = {"id": HEAD, "seq": 0, "hash": START}
    if connection.dialect.name == "sqlite":
        insert_once(connection, audit_head, first, ("id",))
        return
    # By itself: two that insert the same row and lock it afterwards would wait for each other.
    with connection.engine.begin() as apart:
        insert_once(apart, audit_head, first, ("id",))


def _text(values: Mapping[str, Any] | None) -> str | None:
    if not values:
        return None
    shown = {name: MASK if _is_secret(name) and value else value for name, value in values.items()}
    return json.dumps(shown, ensure_ascii=False, default=str)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET)
