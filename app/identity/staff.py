"""Who manages whom: operators of the tenants that one sees, in roles no greater than his own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select, update

from app.core.database import LARGEST_ID
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.words import _
from app.identity import audit, openid_people, operators, second_factor, sessions
from app.identity.access import HOUSE, Operator, owned
from app.identity.roles import ROLES, TENANT_SAFE
from app.identity.tables import operator, operator_session, tenant


def over(who: Operator) -> Select[Any]:
    """The operators that somebody may see, with the names of their tenants."""
    columns = [operator.c[name] for name in ("id", "login", "role", "tenant_id", "active")]
    seen = (
        select(func.max(operator_session.c.seen_at))
        .where(operator_session.c.operator_id == operator.c.id)
        .scalar_subquery()
    )
    return (
        select(*columns, operator.c.created_at, tenant.c.name.label("tenant"), seen.label("seen"))
        .join(tenant, tenant.c.id == operator.c.tenant_id)
        .where(*owned(operator.c.tenant_id, who.sees))
    )


def get(connection: Connection, who: Operator, operator_id: int) -> RowMapping:
    """One of them; raises NotFound for all others alike."""
    wanted = operator.c.id == min(operator_id, LARGEST_ID)
    row = connection.execute(over(who).where(wanted)).mappings().first()
    if row is None:
        raise NotFound(
            _("There is no operator %(id)s.", id=operator_id),
            _("The list of operators shows them."),
        )
    return row


def roles_for(who: Operator) -> list[str]:
    """The roles that somebody may give: none that may do what he may not."""
    mine = _effective(who.role, who.tenant_id)
    names = [role for role in ROLES if _effective(role, who.tenant_id) <= mine]
    return [role for role in names if role != "admin" or who.role == "admin"]


def create(
    connection: Connection, who: Operator, *, login: str, role: str, tenant_id: int
) -> tuple[int, str]:
    """Makes an operator; returns the number and the password, which is nowhere else."""
    _check(who, role, tenant_id)
    password = operators.generate_password()
    number = operators.create(
        connection, login=login, password=password, role=role, tenant_id=tenant_id
    )
    detail = {"login": login, "role": role, "tenant": tenant_id}
    audit.record(connection, action="operator.create", object=f"operator:{number}", detail=detail)
    return number, password


def change(
    connection: Connection, who: Operator, operator_id: int, *, role: str, active: bool
) -> None:
    """Gives another role, locks or unlocks; who is locked is signed out everywhere."""
    row = get(connection, who, operator_id)
    if operator_id == who.id and (role != row["role"] or not active):
        raise Conflict(
            _("Nobody takes his own role away or locks himself."),
            _("Ask another administrator to do it."),
        )
    # Who may not give the role that somebody has must not take it away either.
    _check(who, row["role"], row["tenant_id"])
    _check(who, role, row["tenant_id"])
    if (role, active) == (row["role"], bool(row["active"])):
        return
    if row["role"] == "admin" and row["tenant_id"] == HOUSE and (role != "admin" or not active):
        _keep_an_admin(connection, operator_id)
    connection.execute(
        update(operator).where(operator.c.id == operator_id).values(role=role, active=active)
    )
    sessions.revoke_all(connection, operator_id)
    audit.record(
        connection,
        action="operator.change",
        object=f"operator:{operator_id}",
        before={"login": row["login"], "role": row["role"], "active": bool(row["active"])},
        after={"login": row["login"], "role": role, "active": active},
    )


def new_password(connection: Connection, who: Operator, operator_id: int) -> str:
    """Sets a password that is shown once; ends the operator's sessions."""
    row = get(connection, who, operator_id)
    _check(who, row["role"], row["tenant_id"])
    password = operators.generate_password()
    operators.reset_password(connection, row["login"], password)
    audit.record(connection, action="operator.reset", object=f"operator:{operator_id}")
    return password


def end_sessions(connection: Connection, who: Operator, operator_id: int) -> int:
    """Signs an operator out everywhere; returns how many sessions ended."""
    row = get(connection, who, operator_id)
    _check(who, row["role"], row["tenant_id"])
    count = sessions.revoke_all(connection, operator_id)
    audit.record(
        connection,
        action="operator.sessions_ended",
        object=f"operator:{operator_id}",
        detail={"sessions": count},
    )
    return count


def drop_factor(connection: Connection, who: Operator, operator_id: int) -> bool:
    """Takes the second factor of somebody away who lost it; whether there was one."""
    row = get(connection, who, operator_id)
    _check(who, row["role"], row["tenant_id"])
    if operator_id == who.id:
        raise Conflict(
            _("Your own second factor is switched off under “Your account”."),
            _("It asks for your password there."),
        )
    had = second_factor.switch_off(connection, operator_id)
    sessions.revoke_all(connection, operator_id)
    audit.record(connection, action="factor.reset", object=f"operator:{operator_id}")
    return had


def drop_identities(connection: Connection, who: Operator, operator_id: int) -> int:
    """Removes somebody's links to the sign-in provider, and signs him out; returns how many."""
    row = get(connection, who, operator_id)
    _check(who, row["role"], row["tenant_id"])
    if operator_id == who.id:
        raise Conflict(
            _("Your own link is removed under “Your account”."),
            _("It asks for your password there."),
        )
    return openid_people.unlink(connection, operator_id)


def _effective(role: str, tenant_id: int) -> frozenset[str]:
    return ROLES[role] if tenant_id == HOUSE else ROLES[role] & TENANT_SAFE


def _check(who: Operator, role: str, tenant_id: int) -> None:
    if not who.sees_tenant(tenant_id):
        raise InvalidInput(_("There is no such tenant."), _("Choose one of the list."), "tenant")
    if role not in roles_for(who):
        raise InvalidInput(
            _("You cannot give or take the role '%(role)s'.", role=role),
            _("Ask somebody who has it."),
            "role",
        )
    if role == "reseller" and tenant_id == HOUSE:
        raise InvalidInput(
            _("A reseller belongs to a tenant of his own, not to the house."),
            _("Make the tenant first."),
            "tenant",
        )


def _keep_an_admin(connection: Connection, but: int) -> None:
    others = (
        select(operator.c.id)
        .where(
            operator.c.role == "admin",
            operator.c.tenant_id == HOUSE,
            operator.c.active.is_(True),
            operator.c.id != but,
        )
        .with_for_update()
    )
    if connection.scalar(others) is None:
        raise Conflict(
            _("This is the last administrator."), _("Make another one an administrator first.")
        )
