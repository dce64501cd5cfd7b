"""Webhooks: who is told of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from app.api.operations import Call, Reply, operation
from app.api.schema import Shape, choice, flag, maybe, moment, several, text, whole
from app.core import clock, outbox
from app.core.context import databases, settings
from app.core.database import LARGEST_ID, reading, writing
from app.core.outbox import endpoint
from app.webhooks import endpoints

_EVENTS = several(choice(*outbox.EVENTS), len(outbox.EVENTS), 1)
WEBHOOK = Shape(
    "Webhook",
    {
        "id": whole(1, LARGEST_ID),
        "tenant_id": whole(1),
        "url": text(500),
        "events": several(text(32)),
        "active": flag(),
        "gone_at": maybe(moment()),
        "created_at": moment(),
    },
    {
        "id": 2,
        "tenant_id": 1,
        "url": "https://crm.example.net/hook",
        "events": ["call.ended", "balance.low"],
        "active": True,
        "gone_at": None,
        "created_at": "2026-11-23T12:00:00.000Z",
    },
)
NEW = Shape(
    "NewWebhook",
    {"url": text(500, 1), "events": _EVENTS, "tenant_id": whole(1, LARGEST_ID)},
    {"url": "https://crm.example.net/hook", "events": ["call.ended"]},
    frozenset({"tenant_id"}),
    inbound=True,
)
PATCH = Shape(
    "WebhookPatch",
    {"url": text(500, 1), "events": _EVENTS, "active": flag()},
    {"active": True},
    frozenset({"url", "events", "active"}),
    inbound=True,
)
SECRET = Shape(
    "WebhookSecret",
    {"webhook_id": whole(1), "secret": text(100)},
    {"webhook_id": 2, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
)


@operation(
    "GET",
    "/webhooks",
    "webhook.read",
    "List webhooks, newest first",
    answer=WEBHOOK,
    lists=True,
    screens=("webhooks.index",),
)
def index(call: Call) -> Reply:
    """Those of the tenants that one sees."""
    with reading(databases().panel) as connection:
        query = endpoints.over(call.who.sees)
        found = call.page(connection, query, {"id": endpoint.c.id}, descending=True)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "POST",
    "/webhooks",
    "webhook.write",
    "Make a webhook; its secret is in this answer alone",
    body=NEW,
    answer=SECRET,
    status=201,
    screens=("webhooks.new",),
)
def add(call: Call) -> dict[str, Any]:
    """What is sent is signed with the secret (Standard Webhooks)."""
    with writing(databases().panel) as connection:
        number, secret = endpoints.create(
            connection,
            settings(),
            tenant_id=call.body.get("tenant_id", call.who.tenant_id),
            url=call.body["url"],
            events=call.body["events"],
            sees=call.who.sees,
        )
    return {"webhook_id": number, "secret": secret}


@operation(
    "GET",
    "/webhooks/{webhook_id}",
    "webhook.read",
    "One webhook",
    answer=WEBHOOK,
    etag=True,
    screens=("webhooks.edit",),
)
def one(call: Call) -> dict[str, Any]:
    """Without its secret."""
    with reading(databases().panel) as connection:
        return _plain(_get(call, connection))


@operation(
    "PATCH",
    "/webhooks/{webhook_id}",
    "webhook.write",
    "Change a webhook's address or events, switch it on or off",
    body=PATCH,
    answer=WEBHOOK,
    etag=True,
    needs_match=True,
    screens=("webhooks.edit", "webhooks.switch"),
)
def change(call: Call) -> dict[str, Any]:
    """What is not named stays as it is."""
    with writing(databases().panel) as connection:
        row = _get(call, connection)
        call.must_match(_plain(row))
        if "url" in call.body or "events" in call.body:
            url, events = call.body.get("url", row["url"]), row["events"].split()
            wanted = call.body.get("events", events)
            endpoints.change(connection, settings(), row, url=url, events=wanted)
            row = _get(call, connection)
        if call.body.get("active", bool(row["active"])) != bool(row["active"]):
            endpoints.switch(connection, row, call.body["active"])
        return _plain(_get(call, connection))


@operation(
    "DELETE",
    "/webhooks/{webhook_id}",
    "webhook.write",
    "Delete a webhook and all that was or should be sent to it",
    needs_match=True,
    screens=("webhooks.delete",),
)
def delete(call: Call) -> None:
    """What waits for it is not sent."""
    with writing(databases().panel) as connection:
        row = _get(call, connection)
        call.must_match(_plain(row))
        endpoints.remove(connection, row)


@operation(
    "POST",
    "/webhooks/{webhook_id}/secret",
    "webhook.write",
    "Make a new secret, which is in this answer alone",
    answer=SECRET,
    screens=("webhooks.secret",),
)
def secret(call: Call) -> dict[str, Any]:
    """The old one signs no more."""
    with writing(databases().panel) as connection:
        row = _get(call, connection)
        made = endpoints.renew_secret(connection, settings(), row)
    return {"webhook_id": row["id"], "secret": made}


@operation(
    "POST",
    "/webhooks/{webhook_id}/test",
    "webhook.write",
    "Send a test; what came of it stands among the deliveries",
    screens=("webhooks.test",),
)
def test(call: Call) -> None:
    """Refused while the webhook is off."""
    with writing(databases().panel) as connection:
        endpoints.test(connection, _get(call, connection))


def _get(call: Call, connection: Connection) -> RowMapping:
    return endpoints.get(connection, call.path["webhook_id"], call.who.sees)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "tenant_id": row["tenant_id"],
        "url": row["url"],
        "events": row["events"].split(),
        "active": bool(row["active"]),
        "gone_at": clock.iso(row["gone_at"]),
        "created_at": clock.iso(row["created_at"]),
    }
