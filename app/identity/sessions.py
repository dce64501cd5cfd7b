"""Sessions on the server: the cookie holds a random token, the database only its SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, delete, select, update

from app.core import clock
from app.core.errors import NotFound
from app.core.words import _
from app.identity import logos, tenants
from app.identity.access import HOUSE, Operator
from app.identity.tables import operator, operator_factor, operator_session

IDLE_MS = 12 * clock.HOUR
LONGEST_MS = 7 * clock.DAY
# "last seen" is written at most this often: a look at a page is not a write.
_SEEN_EVERY_MS = 5 * clock.MINUTE


def token_hash(token: str) -> str:
    """What the database knows of a token: hexadecimal SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(connection: Connection, operator_id: int, address: str, user_agent: str) -> str:
    """Opens a session; returns the token, which is nowhere else. Sweeps the operator's old ones."""
    now = clock.now_ms()
    ended = (operator_session.c.expires_at <= now) | (operator_session.c.seen_at <= now - IDLE_MS)
    connection.execute(
        delete(operator_session).where(operator_session.c.operator_id == operator_id, ended)
    )
    tenant_id = connection.scalar(select(operator.c.tenant_id).where(operator.c.id == operator_id))
    token = secrets.token_urlsafe(32)
    connection.execute(
        operator_session.insert().values(
            token_hash=token_hash(token),
            tenant_id=tenant_id,
            operator_id=operator_id,
            created_at=now,
            seen_at=now,
            expires_at=now + LONGEST_MS,
            address=address[:64],
            user_agent=user_agent[:255],
        )
    )
    return token


def find(connection: Connection, token: str, factor: str = "off") -> tuple[Operator, bool] | None:
    """Whose living session the token is, and whether ``seen`` should be called; else None.

    A session ends after 12 idle hours, after 7 days, and with its operator. ``factor`` is who
    needs a second factor: off, admins, all.
    """
    now = clock.now_ms()
    hashed = token_hash(token)
    row = connection.execute(
        select(operator, operator_session.c.seen_at, operator_factor.c.confirmed_at)
        .add_columns(operator_session.c.vouched)
        .join(operator_session, operator_session.c.operator_id == operator.c.id)
        .outerjoin(operator_factor, operator_factor.c.operator_id == operator.c.id)
        .where(
            operator_session.c.token_hash == hashed,
            operator_session.c.expires_at > now,
            operator_session.c.seen_at > now - IDLE_MS,
            operator.c.active.is_(True),
        )
    ).first()
    if row is None:
        return None
    # Who vouched for the operator may have said that there was a second factor.
    needed = "off" if row.vouched else factor
    who = operator_of(connection, row, token, hashed, needed)
    return replace(who, logo=logos.of(connection, row.tenant_id)), due(row.seen_at)


def operator_of(
    connection: Connection, row: Row[Any], token: str, name: str, factor: str
) -> Operator:
    """Who a row of ``operator`` with ``confirmed_at`` of the second factor is, signed in by it."""
    beneath = tenants.beneath(connection, row.tenant_id) if row.tenant_id != HOUSE else ()
    return Operator(
        row.id,
        row.login,
        row.role,
        row.tenant_id,
        row.zone,
        row.locale,
        token,
        name,
        beneath,
        row.confirmed_at is None and (factor == "all" or (factor, row.role) == ("admins", "admin")),
    )


def operator_of_id(connection: Connection, operator_id: int) -> Operator:
    """The active operator of that number, as if signed in; raises NotFound."""
    row = connection.execute(
        select(operator, operator_factor.c.confirmed_at)
        .outerjoin(operator_factor, operator_factor.c.operator_id == operator.c.id)
        .where(operator.c.id == operator_id, operator.c.active.is_(True))
    ).first()
    if row is None:
        raise NotFound(_("There is no such operator, or it is locked."))
    return operator_of(connection, row, "", "", "off")


def due(seen_at: int | None) -> bool:
    """Whether what was seen then should be noted as seen again."""
    return seen_at is None or seen_at <= clock.now_ms() - _SEEN_EVERY_MS


def seen(connection: Connection, session_hash: str) -> None:
    """Notes that the session was used now."""
    query = update(operator_session).where(operator_session.c.token_hash == session_hash)
    connection.execute(query.values(seen_at=clock.now_ms()))


def renew(connection: Connection, session_hash: str) -> str:
    """Gives a session a new token, which is returned: copies of the old one are worth nothing."""
    token = secrets.token_urlsafe(32)
    query = update(operator_session).where(operator_session.c.token_hash == session_hash)
    connection.execute(query.values(token_hash=token_hash(token)))
    return token


def vouch(connection: Connection, session_hash: str) -> None:
    """Notes that whoever vouched for the operator said that there was a second factor."""
    query = update(operator_session).where(operator_session.c.token_hash == session_hash)
    connection.execute(query.values(vouched=True))


def of(connection: Connection, operator_id: int) -> Sequence[RowMapping]:
    """An operator's living sessions, the one that was used last first."""
    now = clock.now_ms()
    living = (operator_session.c.expires_at > now) & (operator_session.c.seen_at > now - IDLE_MS)
    query = select(operator_session).where(operator_session.c.operator_id == operator_id, living)
    found = connection.execute(query.order_by(operator_session.c.seen_at.desc()).limit(200))
    return found.mappings().all()


def revoke(connection: Connection, session_hash: str) -> None:
    """Ends one session."""
    connection.execute(
        delete(operator_session).where(operator_session.c.token_hash == session_hash)
    )


def end_own(connection: Connection, operator_id: int, mark: str) -> bool:
    """Ends one of an operator's sessions, named by how its hash begins; whether there was one."""
    if len(mark) < 12:
        return False
    mine = operator_session.c.operator_id == operator_id
    named = operator_session.c.token_hash.startswith(mark[:64], autoescape=True)
    return connection.execute(delete(operator_session).where(mine, named)).rowcount > 0


def revoke_all(connection: Connection, operator_id: int, but: str | None = None) -> int:
    """Ends an operator's sessions, except the one of hash ``but``; returns how many."""
    query = delete(operator_session).where(operator_session.c.operator_id == operator_id)
    if but is not None:
        query = query.where(operator_session.c.token_hash != but)
    return connection.execute(query).rowcount
