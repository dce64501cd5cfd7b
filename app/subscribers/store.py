"""Subscribers, read from OpenSIPS's table. Passwords and their hashes are not even selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, and_, false, or_, select

from app.core.database import LARGEST_ID, Databases, reading
from app.core.errors import NotFound
from app.core.prefixes import starts_with
from app.core.words import _
from app.identity.access import Operator, owned
from app.identity.tables import tenant_domain
from app.ledger.tables import account
from app.opensips import tables

_SECRET = ("password", "ha1")
# Rows of a subscriber that are shown beside it.
_MOST = 100


def domains_of(engine: Engine, operator: Operator) -> Sequence[str] | None:
    """The domains whose subscribers the operator sees; None means all."""
    if operator.sees is None:
        return None
    mine = select(tenant_domain.c.domain).where(*owned(tenant_domain.c.tenant_id, operator.sees))
    with reading(engine) as connection:
        return connection.scalars(mine).all()


def seen(table: Table, domains: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """The conditions for the subscribers of these domains."""
    return [] if domains is None else [table.c.domain.in_(domains) if domains else false()]


def matches(table: Table, text: str) -> ColumnElement[bool]:
    """Subscribers whose name or domain starts so: ``user``, ``user@domain``, ``@domain``."""
    user, at, domain = split(text)
    if at:
        named = table.c.username == user
        if not domain:
            return named
        there = starts_with(table.c.domain, domain)
        return and_(named, there) if user else there
    return or_(starts_with(table.c.username, user), starts_with(table.c.domain, user))


def split(text: str) -> tuple[str, str, str]:
    """User, ``@`` or nothing, and domain of what a person typed or pasted."""
    bare = text.strip().strip("<>")
    for scheme in ("sips:", "sip:"):
        bare = bare[len(scheme) :] if bare.lower().startswith(scheme) else bare
    user, at, domain = bare.partition("@")
    # sip:user@domain:5060;transport=tcp
    return user, at, domain.partition(";")[0].partition(":")[0]


def query(connection: Connection) -> tuple[Select[Any], Table]:
    """All subscribers with the columns that are no secrets, the operator's own ones too."""
    table = tables.reflect(connection, "subscriber")
    open_columns = [column for column in table.columns if not column.name.startswith(_SECRET)]
    return select(*open_columns), table


def get(dbs: Databases, subscriber_id: int, domains: Sequence[str] | None) -> dict[str, Any] | None:
    """One subscriber, or None when there is none or not for these domains."""
    with reading(dbs.switch) as connection:
        chosen, table = query(connection)
        found = connection.execute(
            chosen.where(table.c.id == min(subscriber_id, LARGEST_ID), *seen(table, domains))
        ).mappings()
        row = found.first()
    return dict(row) if row is not None else None


def seen_by(dbs: Databases, subscriber_id: int, who: Operator) -> dict[str, Any]:
    """One subscriber as far as the operator sees him; raises NotFound."""
    row = get(dbs, subscriber_id, domains_of(dbs.panel, who))
    if row is None:
        raise NotFound(_("There is no such subscriber."), _("Look for it in the list."))
    return row


def address_of(row: Mapping[str, Any]) -> str:
    """``user@domain`` to the letter: Bob and bob are two (RFC 3261), also where accounts are."""
    return f"{row['username']}@{row['domain']}"


def account_of(engine: Engine, operator: Operator, address: str) -> int | None:
    """The id of the account that a subscriber's calls are charged to, as far as it is seen."""
    query = select(account.c.id, account.c.tenant_id).where(account.c.code == address)
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(account.c.tenant_id)).all()
    return next((row.id for row in rows if operator.sees_tenant(row.tenant_id)), None)


def aliases(connection: Connection, username: str, domain: str) -> list[str] | None:
    """Other addresses of a subscriber, in their order; None without the table ``dbaliases``."""
    return _beside(connection, "dbaliases", username, domain, ("alias_username", "alias_domain"))


def groups(connection: Connection, username: str, domain: str) -> list[str] | None:
    """Groups (permissions of the script) of a subscriber; None without the table ``grp``."""
    return _beside(connection, "grp", username, domain, ("grp",))


def _beside(
    connection: Connection, name: str, username: str, domain: str, columns: tuple[str, ...]
) -> list[str] | None:
    if not tables.has_table(connection, name):
        return None
    table = tables.reflect(connection, name)
    wanted = select(*(table.c[column] for column in columns)).where(
        table.c.username == username, table.c.domain == domain
    )
    rows = connection.execute(wanted.order_by(table.c[columns[0]]).limit(_MOST))
    return ["@".join(str(value) for value in row) for row in rows]
