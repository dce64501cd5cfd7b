"""The outbox: what happened, written in the very transaction of the deed for whoever asked to hear.

Rooms say ``outbox.write(connection, "call.ended", calls, tenant_of, describe)``; the room webhooks
keeps the endpoints and delivers the rows. Where no endpoint wants an event, that costs a look at
what was read a second ago, and nothing is described or written.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Boolean, Column, Connection, Engine, Index, Integer, String, Text, select
from sqlalchemy import column as lightweight_column
from sqlalchemy import table as lightweight_table

from app.core import bulk, clock
from app.core.database import BigId, Instant, table, tenant_column

Thing = TypeVar("Thing")

HOUSE = 1
# What happens to the house's own equipment: no tenant hears of it.
HOUSE_EVENTS = ("push.failed", "gateway.down")
EVENTS = ("call.ended", "call.priced", "balance.low", *HOUSE_EVENTS)
# Sent by a button to one endpoint; nobody needs to ask for it.
TEST = "test"
WAITING, SENT, DEAD = "waiting", "sent", "dead"
# So long an endpoint that another process made or switched off may go unnoticed.
_KNOWN_FOR_S = 1.0

endpoint = table(
    "webhook_endpoint",
    Column("id", Integer, primary_key=True),
    tenant_column(),
    Column("url", String(500), nullable=False),
    # names of EVENTS, a blank between them
    Column("events", String(255), nullable=False),
    # sealed: what deliveries are signed with
    Column("secret", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default="1"),
    # when it answered 410 Gone and was switched off for it
    Column("gone_at", Instant),
    Column("created_at", Instant, nullable=False),
    Index("ix_webhook_endpoint_tenant_id", "tenant_id", "id"),
)

delivery = table(
    "webhook_delivery",
    Column("id", BigId, primary_key=True),
    # the endpoint's tenant; whose event it is stands in the body
    tenant_column(),
    Column("endpoint_id", Integer, nullable=False),
    Column("event", String(32), nullable=False),
    Column("message_id", String(40), nullable=False, unique=True),
    # JSON, as it is signed and sent
    Column("body", Text, nullable=False),
    # waiting, sent, dead
    Column("state", String(8), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    # when it is due; ahead of now while a worker sends it
    Column("next_at", Instant, nullable=False),
    Column("last_status", Integer),
    Column("last_problem", String(255), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Index("ix_webhook_delivery_due", "endpoint_id", "state", "next_at"),
    Index("ix_webhook_delivery_state", "endpoint_id", "state", "id"),
    Index("ix_webhook_delivery_endpoint_id", "endpoint_id", "id"),
    Index("ix_webhook_delivery_created_at", "created_at"),
)

# The room identity owns it; here only who stands above whom is read.
_tenant = lightweight_table("tenant", lightweight_column("id"), lightweight_column("parent_id"))


@dataclass(slots=True)
class _Known:
    """Who wants what: event → (endpoint, its tenant), and tenant → the one above it."""

    at: float
    wanted: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    above: dict[int, int] = field(default_factory=dict)

    def hearers(self, event: str, tenant_id: int) -> list[tuple[int, int]]:
        """Endpoints of the tenant, of those above it and of the house."""
        may = {HOUSE, tenant_id}
        up = self.above.get(tenant_id)
        while up is not None and up not in may:
            may.add(up)
            up = self.above.get(up)
        return [pair for pair in self.wanted[event] if pair[1] in may]


_known: WeakKeyDictionary[Engine, _Known] = WeakKeyDictionary()


def write(
    connection: Connection,
    event: str,
    things: Iterable[Thing],
    tenant_of: Callable[[Thing], int],
    describe: Callable[[Thing], Mapping[str, Any]],
) -> int:
    """One waiting delivery for each thing and each endpoint that may hear of it; returns how many.

    ``describe`` gives what stands in the body under ``data``; it is asked only for things that
    somebody hears of.
    """
    known = _look(connection)
    if event not in known.wanted:
        return 0
    rows: list[dict[str, Any]] = []
    hearers: dict[int, list[tuple[int, int]]] = {}
    for thing in things:
        tenant_id = tenant_of(thing)
        if tenant_id not in hearers:
            hearers[tenant_id] = known.hearers(event, tenant_id)
        if hearers[tenant_id]:
            text = body(event, tenant_id, describe(thing))
            rows += [row(number, owner, event, text) for number, owner in hearers[tenant_id]]
    bulk.insert(connection, delivery, rows)
    return len(rows)


def is_wanted(connection: Connection, event: str) -> bool:
    """Whether any endpoint wants to hear of such events: before asking others for them."""
    return event in _look(connection).wanted


def body(event: str, tenant_id: int, data: Mapping[str, Any]) -> str:
    """The JSON text of an event that happened now, in ASCII."""
    what = {"type": event, "timestamp": clock.iso(clock.now_ms()), "tenant": tenant_id}
    return json.dumps({**what, "data": dict(data)}, separators=(",", ":"))


def row(endpoint_id: int, tenant_id: int, event: str, text: str) -> dict[str, Any]:
    """A delivery that is due at once; ``tenant_id`` is the endpoint's."""
    now = clock.now_ms()
    return {
        "tenant_id": tenant_id,
        "endpoint_id": endpoint_id,
        "event": event,
        "message_id": f"msg_{secrets.token_hex(16)}",
        "body": text,
        "state": WAITING,
        "tries": 0,
        "next_at": now,
        "created_at": now,
    }


def forget(connection: Connection) -> None:
    """Looks anew before the next write: endpoints have changed."""
    _known.pop(connection.engine, None)


def _look(connection: Connection) -> _Known:
    known = _known.get(connection.engine)
    if known is not None and time.monotonic() - known.at < _KNOWN_FOR_S:
        return known
    known = _Known(time.monotonic())
    active = select(endpoint.c.id, endpoint.c.tenant_id, endpoint.c.events)
    for one in connection.execute(active.where(endpoint.c.active)).all():
        for event in one.events.split():
            known.wanted.setdefault(event, []).append((one.id, one.tenant_id))
    if known.wanted:
        tree = select(_tenant.c.id, _tenant.c.parent_id).where(_tenant.c.parent_id.is_not(None))
        known.above = {child: parent for child, parent in connection.execute(tree)}
    _known[connection.engine] = known
    return known
