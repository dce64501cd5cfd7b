"""Endpoints: who is told of what. Their secrets are stored sealed and shown once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, select, update

from app.core import clock, outbox, sealing
from app.core.database import inserted_id
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.outbox import delivery, endpoint
from app.core.settings import Settings
from app.core.words import _
from app.identity import audit
from app.identity.access import owned
from app.identity.tables import tenant
from app.webhooks import addresses, signature

PURPOSE = "webhook"
_MOST_ID = 2**31 - 1
_SHOWN = ("tenant_id", "url", "events", "active")


def events_for(tenant_id: int) -> tuple[str, ...]:
    """What an endpoint of a tenant can hear of; the house's equipment is the house's."""
    if tenant_id == outbox.HOUSE:
        return outbox.EVENTS
    return tuple(name for name in outbox.EVENTS if name not in outbox.HOUSE_EVENTS)


def over(sees: tuple[int, ...] | None) -> Select[Any]:
    """The query of the webhooks that one sees, with how many deliveries wait or are dead."""
    counts = [
        select(func.count())
        .select_from(delivery)
        .where(delivery.c.endpoint_id == endpoint.c.id, delivery.c.state == state)
        .scalar_subquery()
        .label(state)
        for state in (outbox.WAITING, outbox.DEAD)
    ]
    shown = [column for column in endpoint.c if column.name != "secret"]
    return (
        select(*shown, tenant.c.name.label("tenant"), *counts)
        .outerjoin(tenant, tenant.c.id == endpoint.c.tenant_id)
        .where(*owned(endpoint.c.tenant_id, sees))
    )


def get(connection: Connection, number: int, sees: tuple[int, ...] | None) -> RowMapping:
    """The endpoint's row as far as it may be seen; raises NotFound."""
    query = select(endpoint).where(endpoint.c.id == min(number, _MOST_ID))
    row = connection.execute(query.where(*owned(endpoint.c.tenant_id, sees))).mappings().first()
    if row is None:
        raise NotFound(_("There is no such webhook."), _("Look for it in the list."))
    return row


def create(
    connection: Connection,
    settings: Settings,
    *,
    tenant_id: int,
    url: str,
    events: Sequence[str],
    sees: tuple[int, ...] | None,
) -> tuple[int, str]:
    """Makes an endpoint; returns its number and its secret. Raises InvalidInput."""
    if sees is not None and tenant_id not in sees:
        raise InvalidInput(_("There is no such tenant."), _("Choose one of the list."), "tenant")
    secret = signature.new_secret()
    values = {
        "tenant_id": tenant_id,
        "url": _checked(settings, url, tenant_id),
        "events": _names(events, tenant_id),
        "active": True,
    }
    kept = {
        "secret": sealing.seal(settings.secret_key, PURPOSE, secret),
        "created_at": clock.now_ms(),
    }
    number = inserted_id(connection.execute(endpoint.insert(), values | kept))
    _note(connection, "webhook.create", number, None, values)
    return number, secret


def change(
    connection: Connection, settings: Settings, row: RowMapping, *, url: str, events: Sequence[str]
) -> None:
    """Gives an endpoint another address and other events. Raises InvalidInput."""
    values = {
        "url": _checked(settings, url, row["tenant_id"]),
        "events": _names(events, row["tenant_id"]),
    }
    _set(connection, "webhook.change", row, values)


def switch(connection: Connection, row: RowMapping, active: bool) -> None:
    """Switches an endpoint on or off; what waits for it waits on."""
    _set(connection, "webhook.on" if active else "webhook.off", row, {"active": active})
    connection.execute(update(endpoint).where(endpoint.c.id == row["id"]).values(gone_at=None))


def renew_secret(connection: Connection, settings: Settings, row: RowMapping) -> str:
    """A new secret, from the next try on; the old one signs no more."""
    secret = signature.new_secret()
    sealed = sealing.seal(settings.secret_key, PURPOSE, secret)
    connection.execute(update(endpoint).where(endpoint.c.id == row["id"]).values(secret=sealed))
    audit.record(connection, action="webhook.secret", object=f"webhook:{row['id']}")
    return secret


def remove(connection: Connection, row: RowMapping) -> None:
    """Deletes an endpoint and all that was or should be sent to it."""
    connection.execute(delete(delivery).where(delivery.c.endpoint_id == row["id"]))
    connection.execute(delete(endpoint).where(endpoint.c.id == row["id"]))
    _note(connection, "webhook.delete", row["id"], _shown(row), None)


def test(connection: Connection, row: RowMapping) -> None:
    """Writes a test event for this endpoint alone; raises Conflict while it is off."""
    if not row["active"]:
        raise Conflict(_("The webhook is off."), _("Switch it on, then send the test."))
    text = outbox.body(outbox.TEST, row["tenant_id"], {"message": "This is a test."})
    values = outbox.row(row["id"], row["tenant_id"], outbox.TEST, text)
    connection.execute(delivery.insert(), values)
    audit.record(connection, action="webhook.test", object=f"webhook:{row['id']}")


def _checked(settings: Settings, url: str, tenant_id: int) -> str:
    url = url.strip()
    networks = settings.webhook_networks
    addresses.check(url, house=tenant_id == outbox.HOUSE, networks=networks)
    return url


def _names(events: Sequence[str], tenant_id: int) -> str:
    """The events as they are stored, in their own order."""
    offered = events_for(tenant_id)
    if not events or not set(events) <= set(offered):
        raise InvalidInput(
            _("Choose what the receiver hears of."),
            _("Gateways and pushes are for webhooks of the house alone.")
            if set(events) - set(offered)
            else "",
            "events",
        )
    return " ".join(name for name in offered if name in events)


def _set(connection: Connection, action: str, row: RowMapping, values: dict[str, Any]) -> None:
    connection.execute(update(endpoint).where(endpoint.c.id == row["id"]).values(values))
    _note(connection, action, row["id"], _shown(row), _shown(row) | values)


def _shown(row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in _SHOWN}


def _note(
    connection: Connection,
    action: str,
    number: int,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    audit.record(connection, action=action, object=f"webhook:{number}", before=before, after=after)
    outbox.forget(connection)
