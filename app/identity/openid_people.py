"""Which operator somebody is whom the OpenID Connect provider knows: by issuer and subject alone.

A mail address or a name is never enough: the provider's people may change them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.errors import Conflict, SettingsError
from app.core.openid_settings import OpenIdSettings
from app.core.words import _
from app.identity import audit, operators, sessions
from app.identity.openid_http import OpenIdError
from app.identity.roles import ROLES
from app.identity.tables import operator, operator_identity

# Values of ``amr`` (RFC 8176) that say by themselves that there were two factors.
_BOTH = frozenset({"mfa", "mca"})
# Values of ``acr`` that say so everywhere: OpenID Connect EAP, REFEDS.
_STRONG = frozenset({"phr", "phrh", "https://refeds.org/profile/mfa"})


@dataclass(frozen=True, slots=True)
class Known:
    """The operator that a subject is linked to."""

    id: int
    login: str


class NotLinked(OpenIdError):
    """Nobody here is linked to this subject, and none may be made."""

    code = "openid_not_linked"
    status = 403


def check_roles(settings: OpenIdSettings) -> None:
    """Raises SettingsError when a role that the settings give is none, or none of the house."""
    given = [role for _value, role in settings.roles]
    if settings.create not in ("none", "mapped"):
        given.append(settings.create)
    for role in given:
        if role not in ROLES or role == "reseller":
            raise SettingsError(
                f"PANEL_OIDC_CREATE or PANEL_OIDC_ROLE_CLAIM gives the role '{role}'.",
                f"Use {', '.join(name for name in ROLES if name != 'reseller')}.",
            )


def role_of(settings: OpenIdSettings, claims: Mapping[str, Any]) -> str | None:
    """The role that the provider's claim and the settings give; None: may not come in."""
    values = _claim(claims, settings.role_claim) if settings.role_claim else None
    held = set(map(str, values)) if isinstance(values, list) else {str(values)}
    for value, role in settings.roles:
        if value in held:
            return role
    return None if settings.create in ("none", "mapped") else settings.create


def had_factor(settings: OpenIdSettings, claims: Mapping[str, Any]) -> bool:
    """Whether the provider says that there was a second factor; silence is a no."""
    amr, acr = claims.get("amr"), claims.get("acr")
    if isinstance(amr, list) and any(isinstance(one, str) and one in _BOTH for one in amr):
        return True
    return isinstance(acr, str) and (acr in _STRONG or acr in settings.factor_acr)


def enter(connection: Connection, settings: OpenIdSettings, claims: Mapping[str, Any]) -> Known:
    """The operator who may sign in now, made when the settings say so; raises NotLinked."""
    row = _find(connection, settings.issuer, claims["sub"])
    if row is None:
        return _make(connection, settings, claims)
    if not row["active"]:
        raise NotLinked(_("This operator is locked."), _("Ask an administrator."))
    if row["made"]:
        _follow(connection, settings, claims, row)
    used = update(operator_identity).where(
        operator_identity.c.issuer == row["issuer"], operator_identity.c.subject == row["subject"]
    )
    connection.execute(used.values(used_at=clock.now_ms()))
    audit.record(
        connection,
        action="identity.used",
        object=f"operator:{row['id']}",
        actor=row["login"],
        detail={"issuer": row["issuer"], "subject": row["subject"]},
    )
    return Known(row["id"], row["login"])


def link(connection: Connection, operator_id: int, issuer: str, subject: str) -> None:
    """Links an operator to a subject; raises Conflict when either is linked already."""
    row = {
        "issuer": issuer,
        "subject": subject,
        "tenant_id": operators.get(connection, operator_id)["tenant_id"],
        "operator_id": operator_id,
        "made": False,
        "created_at": clock.now_ms(),
    }
    taken = _find(connection, issuer, subject) is not None or any(
        one["issuer"] == issuer for one in of(connection, operator_id)
    )
    try:
        if not taken:
            connection.execute(operator_identity.insert(), row)
    except IntegrityError:
        taken = True
    if taken:
        raise Conflict(
            _("This sign-in is linked already, to you or to somebody else."),
            _("Remove the link that there is first, or sign in there as somebody else."),
        )
    audit.record(
        connection,
        action="identity.linked",
        object=f"operator:{operator_id}",
        detail={"issuer": issuer, "subject": subject},
    )


def of(connection: Connection, operator_id: int) -> list[RowMapping]:
    """The subjects that an operator is linked to."""
    query = select(operator_identity).where(operator_identity.c.operator_id == operator_id)
    return list(connection.execute(query.order_by(operator_identity.c.created_at)).mappings())


def unlink(connection: Connection, operator_id: int, but: str | None = None) -> int:
    """Removes an operator's links and ends his sessions, except the one of hash ``but``.

    Returns how many links there were.
    """
    found = of(connection, operator_id)
    if found:
        connection.execute(
            delete(operator_identity).where(operator_identity.c.operator_id == operator_id)
        )
        sessions.revoke_all(connection, operator_id, but=but)
        audit.record(
            connection,
            action="identity.unlinked",
            object=f"operator:{operator_id}",
            detail={"subjects": [row["subject"] for row in found]},
        )
    return len(found)


def _find(connection: Connection, issuer: str, subject: str) -> RowMapping | None:
    query = (
        select(operator_identity, operator.c.id, operator.c.login, operator.c.role)
        .add_columns(operator.c.active)
        .join(operator, operator.c.id == operator_identity.c.operator_id)
        .where(operator_identity.c.issuer == issuer, operator_identity.c.subject == subject)
    )
    row = connection.execute(query).mappings().first()
    # MariaDB takes "ann " for "ann".
    exact = row is not None and (row["issuer"], row["subject"]) == (issuer, subject)
    return row if exact else None


def _make(connection: Connection, settings: OpenIdSettings, claims: Mapping[str, Any]) -> Known:
    role = role_of(settings, claims) if settings.create != "none" else None
    if role is None:
        raise NotLinked(
            _("No operator is linked to this sign-in."),
            _("Sign in with login and password, then link it under “Your account”."),
        )
    login = _login(claims)
    try:
        # Nobody knows the password: an administrator makes one when it is needed.
        number = operators.create(
            connection, login=login, password=operators.generate_password(), role=role
        )
    except Conflict as error:
        raise NotLinked(
            _("The login '%(login)s' is somebody else's here.", login=login),
            _("If it is yours: sign in with its password, then link it under “Your account”."),
        ) from error
    now = clock.now_ms()
    row = {"issuer": settings.issuer, "subject": claims["sub"], "operator_id": number}
    connection.execute(
        operator_identity.insert(), {**row, "made": True, "created_at": now, "used_at": now}
    )
    audit.record(
        connection,
        action="operator.create",
        object=f"operator:{number}",
        actor=login,
        detail={**row, "login": login, "role": role, "by": "openid"},
    )
    return Known(number, login)


def _follow(
    connection: Connection,
    settings: OpenIdSettings,
    claims: Mapping[str, Any],
    row: RowMapping,
) -> None:
    """Who was made by signing in has the role that the provider gives now, where it gives one."""
    if not settings.roles:
        return
    role = role_of(settings, claims)
    if role is None:
        raise NotLinked(
            _("The sign-in provider gives you no role here (any more)."), _("Ask an administrator.")
        )
    if role == row["role"]:
        return
    connection.execute(update(operator).where(operator.c.id == row["id"]).values(role=role))
    sessions.revoke_all(connection, row["id"])
    audit.record(
        connection,
        action="operator.change",
        object=f"operator:{row['id']}",
        actor=row["login"],
        before={"role": row["role"]},
        after={"role": role},
    )


def _login(claims: Mapping[str, Any]) -> str:
    for name in ("preferred_username", "email"):
        value = claims.get(name)
        if isinstance(value, str) and operators.is_login(value):
            return value
    bare = re.sub(r"[^A-Za-z0-9._-]", "-", str(claims["sub"]))
    return f"sso-{bare}"[:64]


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of that name, or, by its parts, one within others: ``realm_access.roles``."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
