"""Endpoints and deliveries for tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from app.core import outbox
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.webhooks import endpoints
from app.webhooks.deliverer import Deliverer


def listen(
    dbs: Databases, settings: Settings, url: str, *events: str, tenant_id: int = 1
) -> tuple[int, str]:
    """An endpoint for all events of its tenant, or some; its number and secret."""
    with writing(dbs.panel) as connection:
        return endpoints.create(
            connection,
            settings,
            tenant_id=tenant_id,
            url=url,
            events=events or endpoints.events_for(tenant_id),
            sees=None,
        )


def say(dbs: Databases, event: str = "call.ended", count: int = 1, tenant_id: int = 1) -> int:
    """Events of that kind in a transaction of their own; how many deliveries they made."""
    with writing(dbs.panel) as connection:
        return outbox.write(
            connection, event, range(count), lambda _n: tenant_id, lambda n: {"number": n}
        )


def deliveries(dbs: Databases, **values: Any) -> list[Any]:
    """The outbox's rows with these values, by id."""
    query = select(outbox.delivery).order_by(outbox.delivery.c.id).filter_by(**values)
    with reading(dbs.panel) as connection:
        return list(connection.execute(query).all())


def make_due(dbs: Databases) -> None:
    """As if all pauses were over."""
    with writing(dbs.panel) as connection:
        connection.execute(outbox.delivery.update().values(next_at=0))


def deliver(deliverer: Deliverer, until: Callable[[], bool], seconds: float = 15.0) -> None:
    """Turns until something has come about."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not come about in time"
        if not deliverer.turn():
            time.sleep(0.01)
