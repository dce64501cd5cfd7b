"""What was sent to a webhook, waits or is dead, and sending it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, choice, maybe, moment, text, whole
from app.core import clock, outbox
from app.core.context import databases
from app.core.database import reading, writing
from app.core.outbox import delivery
from app.webhooks import endpoints, log

_STATES = choice(outbox.WAITING, outbox.SENT, outbox.DEAD)
DELIVERY = Shape(
    "Delivery",
    {
        "id": whole(1),
        "event": text(32),
        "message_id": text(40),
        "state": _STATES,
        "tries": whole(),
        "next_at": maybe(moment()),
        "last_status": maybe(whole()),
        "last_problem": text(255),
        "created_at": moment(),
        "sent_at": maybe(moment()),
        "body": {"type": "object"},
    },
    {
        "id": 5,
        "event": "balance.low",
        "message_id": "msg_2f5a",
        "state": "sent",
        "tries": 1,
        "next_at": None,
        "last_status": 200,
        "last_problem": "",
        "created_at": "2026-11-23T12:00:00.000Z",
        "sent_at": "2026-11-23T12:00:01.000Z",
        "body": {"type": "balance.low"},
    },
)
AGAIN = Shape("SentAgain", {"deliveries": whole()}, {"deliveries": 3})


@operation(
    "GET",
    "/webhooks/{webhook_id}/deliveries",
    "webhook.read",
    "List what was or will be sent to a webhook, newest first",
    params=(Param("state", _STATES, "Of one state."),),
    answer=DELIVERY,
    lists=True,
    screens=("webhooks.deliveries",),
)
def index(call: Call) -> Reply:
    """One page of the last 30 days."""
    with reading(databases().panel) as connection:
        query = select(delivery).where(delivery.c.endpoint_id == _endpoint(call, connection))
        if "state" in call.query:
            query = query.where(delivery.c.state == call.query["state"])
        found = call.page(connection, query, {"id": delivery.c.id}, descending=True)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "GET",
    "/webhooks/{webhook_id}/deliveries/{delivery_id}",
    "webhook.read",
    "One delivery with its body",
    answer=DELIVERY,
    screens=("webhooks.delivery",),
)
def one(call: Call) -> dict[str, Any]:
    """As it was signed and sent."""
    with reading(databases().panel) as connection:
        found = log.get(connection, _endpoint(call, connection), call.path["delivery_id"])
    return _plain(found)


@operation(
    "POST",
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    "webhook.write",
    "Send a delivery again, under its own id",
    screens=("webhooks.replay",),
)
def replay(call: Call) -> None:
    """Refused while it waits anyway."""
    with writing(databases().panel) as connection:
        number = _endpoint(call, connection)
        log.replay(connection, log.get(connection, number, call.path["delivery_id"]))


@operation(
    "POST",
    "/webhooks/{webhook_id}/deliveries/replay-dead",
    "webhook.write",
    "Send all dead deliveries of a webhook again",
    answer=AGAIN,
    screens=("webhooks.replay_dead",),
)
def replay_dead(call: Call) -> dict[str, Any]:
    """How many."""
    with writing(databases().panel) as connection:
        return {"deliveries": log.replay_dead(connection, _endpoint(call, connection))}


def _endpoint(call: Call, connection: Connection) -> int:
    return int(endpoints.get(connection, call.path["webhook_id"], call.who.sees)["id"])


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    waits = row["state"] == outbox.WAITING
    return {
        "id": row["id"],
        "event": row["event"],
        "message_id": row["message_id"],
        "state": row["state"],
        "tries": row["tries"],
        "next_at": clock.iso(row["next_at"]) if waits else None,
        "last_status": row["last_status"],
        "last_problem": row["last_problem"],
        "created_at": clock.iso(row["created_at"]),
        "sent_at": clock.iso(row["sent_at"]),
        "body": json.loads(row["body"]),
    }
