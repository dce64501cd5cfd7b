"""Tenants: whose domains and accounts are whose, and who sells to whom."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.database import LARGEST_ID, inserted_id
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.words import _
from app.identity.access import HOUSE, owned
from app.identity.tables import operator, tenant, tenant_domain

DEEPEST = 5
# A name of DNS (RFC 1035), or an address: what stands behind the @ of a subscriber.
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.:-]{0,62}[a-z0-9])?")


def beneath(connection: Connection, tenant_id: int) -> tuple[int, ...]:
    """The tenants that a tenant sells to, and those that they sell to, by number."""
    children: dict[int, list[int]] = defaultdict(list)
    for child, parent in connection.execute(
        select(tenant.c.id, tenant.c.parent_id).where(tenant.c.parent_id.is_not(None))
    ):
        children[parent].append(child)
    found: list[int] = []
    level = [tenant_id]
    # A circle cannot be made here; the bound stands against one made by hand.
    for _step in range(DEEPEST):
        level = [child for parent in level for child in children[parent]]
        found += level
    return tuple(sorted(set(found) - {tenant_id}))


def get(connection: Connection, tenant_id: int, sees: tuple[int, ...] | None) -> RowMapping:
    """The tenant's row as far as it may be seen; raises NotFound."""
    wanted = tenant.c.id == min(tenant_id, LARGEST_ID)
    row = connection.execute(select(tenant).where(wanted)).mappings().first()
    if row is None or (sees is not None and tenant_id not in sees):
        raise NotFound(
            _("There is no tenant %(id)s.", id=tenant_id), _("The list of tenants shows them.")
        )
    return row


def over(sees: tuple[int, ...] | None) -> Select[Any]:
    """The query of the tenants that one sees: with the parent's name, and how much each has."""
    above = tenant.alias()
    counts = {
        name: select(func.count())
        .select_from(table)
        .where(table.c.tenant_id == tenant.c.id)
        .scalar_subquery()
        for name, table in (("domains", tenant_domain), ("operators", operator))
    }
    return (
        select(
            *tenant.c, above.c.name.label("parent"), *(q.label(name) for name, q in counts.items())
        )
        .outerjoin(above, above.c.id == tenant.c.parent_id)
        .where(*owned(tenant.c.id, sees))
    )


def choices(connection: Connection, sees: tuple[int, ...] | None) -> list[tuple[int, str]]:
    """Tenants that may be chosen, by name; the house first where it may be."""
    query = select(tenant.c.id, tenant.c.name)
    if sees is not None:
        query = query.where(tenant.c.id.in_(sees))
    rows = [(row.id, row.name) for row in connection.execute(query)]
    return sorted(rows, key=lambda row: (row[0] != HOUSE, row[1].casefold()))


def create(
    connection: Connection,
    *,
    name: str,
    parent_id: int | None,
    domains: Sequence[str] = (),
    sees: tuple[int, ...] | None = None,
) -> int:
    """Makes a tenant; returns its number. Raises InvalidInput, Conflict."""
    _check_name(connection, name)
    if parent_id == HOUSE:
        parent_id = None
    if parent_id is not None and _depth(connection, parent_id) >= DEEPEST:
        raise InvalidInput(
            _("Tenants go %(count)s levels deep.", count=DEEPEST),
            _("Choose one further up."),
            "parent",
        )
    row = {"name": name.strip(), "parent_id": parent_id, "created_at": clock.now_ms()}
    try:
        tenant_id = inserted_id(connection.execute(tenant.insert(), row))
    except IntegrityError as exc:
        raise _taken(name) from exc
    set_domains(connection, tenant_id, domains, sees)
    return tenant_id


def rename(connection: Connection, tenant_id: int, name: str) -> None:
    """Gives a tenant another name. Raises InvalidInput, Conflict."""
    _check_name(connection, name, tenant_id)
    change = update(tenant).where(tenant.c.id == tenant_id).values(name=name.strip())
    try:
        connection.execute(change)
    except IntegrityError as exc:
        raise _taken(name) from exc


def domains_of(connection: Connection, tenant_id: int) -> list[str]:
    """The tenant's own domains, in order."""
    query = select(tenant_domain.c.domain).where(tenant_domain.c.tenant_id == tenant_id)
    return list(connection.scalars(query.order_by(tenant_domain.c.domain)))


def set_domains(
    connection: Connection,
    tenant_id: int,
    domains: Sequence[str],
    sees: tuple[int, ...] | None = None,
) -> None:
    """Sets a tenant's domains. Raises InvalidInput for what is none, Conflict for another's.

    The house (``sees`` None) gives any domain. A reseller only hands on those of the tenants that
    he sees (his own first among them): else he could take the calls of whoever has no tenant yet.
    What he takes away falls back to him.
    """
    wanted = sorted({domain.strip().lower() for domain in domains if domain.strip()})
    for domain in wanted:
        if not _DOMAIN.fullmatch(domain):
            raise InvalidInput(
                _("“%(domain)s” is no domain.", domain=domain[:64]),
                _("Write it like voice.example.net, one in a line."),
                "domains",
            )
    c = tenant_domain.c
    rows = connection.execute(select(c.domain, c.tenant_id).where(c.domain.in_(wanted)))
    owners = {row.domain: row.tenant_id for row in rows}
    mine = {tenant_id} if sees is None else set(sees)
    for domain in wanted:
        if domain in owners and owners[domain] not in mine:
            # Whose it is is nobody else's business.
            raise Conflict(
                _("The domain %(domain)s belongs to another tenant.", domain=domain),
                _("Take it from there first."),
            )
        if domain not in owners and sees is not None:
            raise InvalidInput(
                _("The domain %(domain)s is not yours to give.", domain=domain),
                _("Ask the operator of this panel to give it to you first."),
                "domains",
            )
    before = set(domains_of(connection, tenant_id))
    left = before - set(wanted) if sees is not None else set()
    gone = sorted(before.union(wanted))
    connection.execute(delete(tenant_domain).where(c.domain.in_(gone)))
    new = [{"domain": domain, "tenant_id": tenant_id} for domain in wanted]
    new += [{"domain": domain, "tenant_id": sees[0]} for domain in sorted(left) if sees]
    if new:
        connection.execute(tenant_domain.insert(), new)


def _check_name(connection: Connection, name: str, but: int | None = None) -> None:
    name = name.strip()
    if not 1 <= len(name) <= 80:
        raise InvalidInput(
            _("A tenant's name has 1 to 80 characters."), _("Enter another one."), "name"
        )
    taken = connection.scalar(select(tenant.c.id).where(tenant.c.name == name))
    if taken not in (None, but):
        raise _taken(name)


def _taken(name: str) -> Conflict:
    return Conflict(
        _("A tenant is called “%(name)s” already.", name=name), _("Choose another name.")
    )


def _depth(connection: Connection, tenant_id: int) -> int:
    depth, above = 1, tenant_id
    while depth <= DEEPEST:
        parent = connection.scalar(select(tenant.c.parent_id).where(tenant.c.id == above))
        if parent is None:
            return depth
        depth, above = depth + 1, parent
    return depth
