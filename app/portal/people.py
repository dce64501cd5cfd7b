"""Who may see his own page: links that are good once, passwords, sessions.

Neither the SIP password nor its hashes are used: who guesses a password here cannot call with it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.errors import NotFound
from app.core.words import _
from app.identity import operators
from app.identity.access import HOUSE
from app.identity.passwords import check as check_password
from app.identity.sessions import token_hash
from app.identity.tables import tenant_domain
from app.portal.tables import portal_session, portal_user

INVITE_MS = 7 * clock.DAY
IDLE_MS = 2 * clock.HOUR
LONGEST_MS = clock.DAY
_SEEN_EVERY_MS = 5 * clock.MINUTE


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who is signed in to his own page; the tenant is that of his domain now."""

    id: int
    address: str
    tenant_id: int
    session_hash: str


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a subscriber has a page: ``active``, and until when a link is good."""

    active: bool
    invite_ends: int | None


def access_of(connection: Connection, address: str) -> Access | None:
    """Of a subscriber; None when he has no page."""
    row = connection.execute(select(portal_user).where(portal_user.c.address == address)).first()
    if row is None:
        return None
    ends = row.invite_ends if row.invite_ends and row.invite_ends > clock.now_ms() else None
    return Access(row.password_hash is not None, ends)


def invite(connection: Connection, address: str) -> str:
    """Makes a link's token, good once and for 7 days; one from before is good no more.

    A password that there is stays until the link is followed.
    """
    token = secrets.token_urlsafe(32)
    values = {"invite_hash": token_hash(token), "invite_ends": clock.now_ms() + INVITE_MS}
    mine = portal_user.c.address == address
    if connection.execute(update(portal_user).where(mine).values(values)).rowcount:
        return token
    row = {"tenant_id": _tenant_of(connection, address), "address": address}
    try:
        with connection.begin_nested():
            connection.execute(portal_user.insert(), row | values | {"created_at": clock.now_ms()})
    except IntegrityError:
        connection.execute(update(portal_user).where(mine).values(values))
    return token


def invited(connection: Connection, token: str) -> str | None:
    """Whose link it is, while it is good."""
    return connection.scalar(
        select(portal_user.c.address).where(
            portal_user.c.invite_hash == token_hash(token),
            portal_user.c.invite_ends > clock.now_ms(),
        )
    )


def accept(connection: Connection, token: str, address: str, hashed: str) -> int:
    """Sets the password of whose link it is, ends his sessions; returns his number. Once."""
    done = connection.execute(
        update(portal_user)
        .where(
            portal_user.c.invite_hash == token_hash(token),
            portal_user.c.invite_ends > clock.now_ms(),
        )
        .values(password_hash=hashed, invite_hash=None, invite_ends=None)
    )
    if done.rowcount != 1:
        raise NotFound(_("This link was used already, or is too old."), _("Ask for a new one."))
    number = connection.scalar(select(portal_user.c.id).where(portal_user.c.address == address))
    connection.execute(delete(portal_session).where(portal_session.c.user_id == number))
    return int(number or 0)


def verify(connection: Connection, address: str, password: str) -> int | None:
    """The number when address and password are right; an unknown address costs the same work."""
    row = _known(connection, address)
    stored = row.password_hash if row is not None else None
    right = operators.matches(stored, password)
    return int(row.id) if row is not None and right else None


def _known(connection: Connection, address: str) -> Row[Any] | None:
    """Whose address it is: to the letter, else in other case where only one fits.

    A user's name differs by case (RFC 3261, 19.1.4); people type what they like.
    """
    exact = connection.execute(select(portal_user).where(portal_user.c.address == address)).first()
    if exact is not None:
        return exact
    alike = func.lower(portal_user.c.address) == address.lower()
    found = connection.execute(select(portal_user).where(alike).limit(2)).all()
    return found[0] if len(found) == 1 else None


def hashed(address: str, password: str) -> str:
    """The hash of a new password; raises InvalidInput. Slow on purpose: not in a transaction."""
    return operators.hashed(check_password(password, address.partition("@")[0], "new"))


def set_password(connection: Connection, who: Subscriber, hashed: str) -> None:
    """Sets a new password; ends the other sessions."""
    connection.execute(
        update(portal_user).where(portal_user.c.id == who.id).values(password_hash=hashed)
    )
    others = portal_session.c.token_hash != who.session_hash
    connection.execute(delete(portal_session).where(portal_session.c.user_id == who.id, others))


def remove(connection: Connection, address: str) -> bool:
    """Takes the page away and ends its sessions; whether there was one."""
    number = connection.scalar(select(portal_user.c.id).where(portal_user.c.address == address))
    if number is None:
        return False
    connection.execute(delete(portal_session).where(portal_session.c.user_id == number))
    return connection.execute(delete(portal_user).where(portal_user.c.id == number)).rowcount > 0


def begin(connection: Connection, user_id: int) -> str:
    """Opens a session; returns the token, which is nowhere else."""
    now, token = clock.now_ms(), secrets.token_urlsafe(32)
    old = (portal_session.c.expires_at <= now) | (portal_session.c.seen_at <= now - IDLE_MS)
    connection.execute(delete(portal_session).where(old))
    row = {"token_hash": token_hash(token), "user_id": user_id, "created_at": now}
    connection.execute(
        portal_session.insert(), row | {"seen_at": now, "expires_at": now + LONGEST_MS}
    )
    return token


def find(connection: Connection, token: str) -> tuple[Subscriber, bool] | None:
    """Whose living session the token is, and whether ``seen`` is due."""
    now, hashed = clock.now_ms(), token_hash(token)
    row = connection.execute(
        select(portal_user.c.id, portal_user.c.address, portal_session.c.seen_at)
        .join(portal_session, portal_session.c.user_id == portal_user.c.id)
        .where(
            portal_session.c.token_hash == hashed,
            portal_session.c.expires_at > now,
            portal_session.c.seen_at > now - IDLE_MS,
        )
    ).first()
    if row is None:
        return None
    who = Subscriber(row.id, row.address, _tenant_of(connection, row.address), hashed)
    return who, row.seen_at <= now - _SEEN_EVERY_MS


def seen(connection: Connection, session_hash: str) -> None:
    """Notes that the session was used now."""
    query = update(portal_session).where(portal_session.c.token_hash == session_hash)
    connection.execute(query.values(seen_at=clock.now_ms()))


def end(connection: Connection, session_hash: str) -> None:
    """Ends one session."""
    connection.execute(delete(portal_session).where(portal_session.c.token_hash == session_hash))


def _tenant_of(connection: Connection, address: str) -> int:
    domain = address.rpartition("@")[2].lower()
    found = connection.scalar(
        select(tenant_domain.c.tenant_id).where(tenant_domain.c.domain == domain)
    )
    return int(found or HOUSE)
