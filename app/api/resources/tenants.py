"""Tenants: resellers and companies, their domains, who sells to whom."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from flask import url_for
from sqlalchemy import Connection

from app.api.operations import Call, Reply, operation
from app.api.schema import BadRequest, Shape, maybe, moment, several, text, whole
from app.core import clock
from app.core.context import databases
from app.core.database import LARGEST_ID, reading, writing
from app.core.words import _
from app.identity import audit, logos, tenants
from app.identity.access import HOUSE
from app.identity.tables import tenant as tenant_table

_DOMAINS = several(text(64, 1), 1000)
TENANT = Shape(
    "Tenant",
    {
        "id": whole(1, LARGEST_ID),
        "name": text(80),
        "parent_id": maybe(whole(1)),
        "created_at": maybe(moment()),
        "domains": _DOMAINS,
        "logo": maybe(text(200)),
    },
    {
        "id": 2,
        "name": "Blue Telecom",
        "parent_id": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "domains": ["blue.example.net"],
        "logo": None,
    },
)
LOGO = Shape(
    "Logo",
    {"png": text(90_000, 1, pattern="^[A-Za-z0-9+/=]+$", description="The PNG file in base 64.")},
    {
        "png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
        "awAAAABJRU5ErkJggg=="
    },
    inbound=True,
)
NEW = Shape(
    "NewTenant",
    {"name": text(80, 1), "parent_id": whole(1, LARGEST_ID), "domains": _DOMAINS},
    {"name": "Blue Telecom", "domains": ["blue.example.net"]},
    frozenset({"parent_id", "domains"}),
    inbound=True,
)
PATCH = Shape(
    "TenantPatch",
    {"name": text(80, 1), "domains": _DOMAINS},
    {"name": "Blue Telecom Ltd"},
    frozenset({"name", "domains"}),
    inbound=True,
)


@operation(
    "GET",
    "/tenants",
    "tenant.read",
    "List tenants, by name",
    answer=TENANT,
    lists=True,
    screens=("tenants.index",),
)
def index(call: Call) -> Reply:
    """Those that one sees."""
    with reading(databases().panel) as connection:
        keys = {"name": tenant_table.c.name, "id": tenant_table.c.id}
        found = call.page(connection, tenants.over(call.who.sees), keys)
        plain = [_plain(connection, row) for row in found.rows]
    return call.listed(plain, found.older, lambda row: row)


@operation(
    "POST",
    "/tenants",
    "tenant.write",
    "Make a tenant",
    body=NEW,
    answer=TENANT,
    status=201,
    etag=True,
    screens=("tenants.new",),
)
def add(call: Call) -> dict[str, Any]:
    """Beneath the house, or beneath one that one sees."""
    who = call.who
    parent = call.body.get("parent_id", None if who.tenant_id == HOUSE else who.tenant_id)
    with writing(databases().panel) as connection:
        if parent is not None:
            tenants.get(connection, parent, who.sees)
        number = tenants.create(
            connection,
            name=call.body["name"],
            parent_id=parent,
            domains=call.body.get("domains", []),
            # one's own new tenant is seen from now on
            sees=who.sees,
        )
        made = _plain(connection, tenants.get(connection, number, None))
        audit.record(connection, action="tenant.create", object=f"tenant:{number}", after=made)
    return made


@operation(
    "GET",
    "/tenants/{tenant_id}",
    "tenant.read",
    "One tenant",
    answer=TENANT,
    etag=True,
    screens=("tenants.edit",),
)
def one(call: Call) -> dict[str, Any]:
    """With its own domains."""
    with reading(databases().panel) as connection:
        return _plain(connection, tenants.get(connection, call.path["tenant_id"], call.who.sees))


@operation(
    "PATCH",
    "/tenants/{tenant_id}",
    "tenant.write",
    "Change a tenant's name or domains",
    body=PATCH,
    answer=TENANT,
    etag=True,
    needs_match=True,
    screens=("tenants.edit",),
)
def change(call: Call) -> dict[str, Any]:
    """What is not named stays as it is."""
    number, sees = call.path["tenant_id"], call.who.sees
    with writing(databases().panel) as connection:
        before = _plain(connection, tenants.get(connection, number, sees))
        call.must_match(before)
        if "name" in call.body:
            tenants.rename(connection, number, call.body["name"])
        if "domains" in call.body:
            tenants.set_domains(connection, number, call.body["domains"], sees)
        after = _plain(connection, tenants.get(connection, number, sees))
        named = f"tenant:{number}"
        audit.record(connection, action="tenant.change", object=named, before=before, after=after)
    return after


@operation(
    "POST",
    "/tenants/{tenant_id}/logo",
    "tenant.write",
    "Give a tenant a logo",
    help="A PNG file of at most 64 kB and 1000 × 400 pixels; only its picture is kept.",
    body=LOGO,
    answer=TENANT,
    screens=("tenants.logo",),
)
def set_logo(call: Call) -> dict[str, Any]:
    """Its operators and subscribers see it."""
    try:
        data = base64.b64decode(call.body["png"], validate=True)
    except ValueError as exc:
        raise BadRequest([("/png", _("This is no base 64."))]) from exc
    with writing(databases().panel) as connection:
        row = tenants.get(connection, call.path["tenant_id"], call.who.sees)
        logos.put(connection, row["id"], data)
        return _plain(connection, row)


@operation(
    "DELETE",
    "/tenants/{tenant_id}/logo",
    "tenant.write",
    "Take a tenant's logo away",
    screens=("tenants.logo",),
)
def drop_logo(call: Call) -> None:
    """It has that of who sells to it then, if there is one."""
    with writing(databases().panel) as connection:
        row = tenants.get(connection, call.path["tenant_id"], call.who.sees)
        logos.remove(connection, row["id"])


def _plain(connection: Connection, row: Mapping[Any, Any]) -> dict[str, Any]:
    logo = logos.own(connection, row["id"])
    return {
        "id": row["id"],
        "name": row["name"],
        "parent_id": row["parent_id"],
        # The house was there before there was a clock to ask.
        "created_at": clock.iso(row["created_at"] or None),
        "domains": tenants.domains_of(connection, row["id"]),
        "logo": url_for("tenants.picture", name=logo) if logo else None,
    }
