"""Tokens for the API: scoped, ending, stored as hashes; none may do more than its owner.

The name of a token's "session" in the audit is ``token:7``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from app.core import clock
from app.core.database import LARGEST_ID, inserted_id
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.words import _
from app.identity import audit
from app.identity.access import Operator
from app.identity.roles import PERMISSIONS
from app.identity.sessions import due, operator_of, token_hash
from app.identity.tables import api_token, operator, operator_factor

# Scanners for leaked secrets know tokens by how they begin.
PREFIX = "osc_"
LONGEST_DAYS = 366
MOST = 50


def create(
    connection: Connection, who: Operator, *, name: str, scopes: Iterable[str], days: int
) -> tuple[int, str]:
    """Makes a token of somebody's; returns its number and the token, which is nowhere else.

    It ends after ``days``. Raises InvalidInput for a scope that its owner does not have, Conflict
    when there are too many.
    """
    wanted = sorted(set(scopes))
    _check(who, name.strip(), wanted, days)
    now = clock.now_ms()
    ends = now + days * clock.DAY
    if who.token_ends is not None and ends > who.token_ends:
        raise InvalidInput(
            _("A token makes no token that outlives it."), _("Choose fewer days."), "days"
        )
    mine = api_token.c.operator_id == who.id
    connection.execute(delete(api_token).where(mine, api_token.c.expires_at <= now))
    if int(connection.scalar(select(func.count()).where(mine)) or 0) >= MOST:
        raise Conflict(
            _("You have %(count)s tokens.", count=MOST), _("Revoke those that are not used.")
        )
    token = PREFIX + secrets.token_urlsafe(32)
    row = {
        "tenant_id": who.tenant_id,
        "operator_id": who.id,
        "name": name.strip(),
        "token_hash": token_hash(token),
        "scopes": json.dumps(wanted),
        "created_at": now,
        "expires_at": ends,
    }
    number = inserted_id(connection.execute(api_token.insert(), row))
    audit.record(
        connection,
        action="token.create",
        object=f"token:{number}",
        detail={"name": name.strip(), "scopes": wanted, "days": days, "operator": who.login},
    )
    return number, token


def find(connection: Connection, token: str, factor: str) -> tuple[Operator, int, bool] | None:
    """Whose living token it is, its number, and whether ``used`` should be called; else None."""
    if not token.startswith(PREFIX) or len(token) > 100:
        return None
    row = connection.execute(
        select(
            operator,
            operator_factor.c.confirmed_at,
            api_token.c.id.label("token_id"),
            api_token.c.scopes,
            api_token.c.expires_at,
            api_token.c.used_at,
        )
        .join(api_token, api_token.c.operator_id == operator.c.id)
        .outerjoin(operator_factor, operator_factor.c.operator_id == operator.c.id)
        .where(
            api_token.c.token_hash == token_hash(token),
            api_token.c.expires_at > clock.now_ms(),
            operator.c.active.is_(True),
        )
    ).first()
    if row is None:
        return None
    who = operator_of(connection, row, "", f"token:{row.token_id}", factor)
    scopes = frozenset(json.loads(row.scopes))
    limited = replace(who, scopes=scopes, token_ends=row.expires_at)
    return limited, row.token_id, due(row.used_at)


def used(connection: Connection, token_id: int) -> None:
    """Notes that the token was used now."""
    query = update(api_token).where(api_token.c.id == token_id)
    connection.execute(query.values(used_at=clock.now_ms()))


def of(connection: Connection, operator_id: int) -> Sequence[RowMapping]:
    """An operator's tokens, the newest first; never their hashes."""
    names = ("id", "name", "scopes", "created_at", "expires_at", "used_at")
    query = select(*(api_token.c[name] for name in names))
    query = query.where(api_token.c.operator_id == operator_id)
    return connection.execute(query.order_by(api_token.c.id.desc())).mappings().all()


def revoke(connection: Connection, operator_id: int, token_id: int) -> None:
    """Ends one of an operator's tokens; raises NotFound."""
    gone = delete(api_token).where(
        api_token.c.id == min(token_id, LARGEST_ID), api_token.c.operator_id == operator_id
    )
    if connection.execute(gone).rowcount != 1:
        raise NotFound(_("There is no such token."), _("It may have been revoked already."))
    audit.record(connection, action="token.revoke", object=f"token:{token_id}")


def scopes_for(who: Operator) -> list[str]:
    """The permissions that somebody can give to a token."""
    return sorted(name for name in PERMISSIONS if who.may(name))


def _check(who: Operator, name: str, scopes: Sequence[str], days: int) -> None:
    if not 1 <= len(name) <= 80:
        raise InvalidInput(
            _("A token's name has 1 to 80 characters."), _("Say what it is for."), "name"
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(
            _("A token lives for 1 to %(most)s days.", most=LONGEST_DAYS),
            _("Choose fewer days."),
            "days",
        )
    if not scopes:
        raise InvalidInput(_("The token may do nothing."), _("Choose what it is for."), "scopes")
    for scope in scopes:
        if not who.may(scope):
            raise InvalidInput(
                _("You cannot give the permission '%(name)s'.", name=scope[:40]),
                _("Choose among those that you have."),
                "scopes",
            )
