"""What was sent, waits or is dead: looking at it, sending it again, forgetting it in time."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, RowMapping, delete, select, update

from app.core import clock
from app.core.database import reading, writing
from app.core.errors import Conflict, NotFound
from app.core.outbox import DEAD, WAITING, delivery, endpoint
from app.core.words import _
from app.identity import audit

KEPT_MS = 30 * clock.DAY
# Rows of one transaction of the sweep: other writers wait no longer than that takes.
_SWEPT_AT_ONCE = 1_000
_MOST_ID = 2**63 - 1


def get(connection: Connection, endpoint_id: int, number: int) -> RowMapping:
    """A delivery of an endpoint; raises NotFound."""
    query = select(delivery).where(
        delivery.c.id == min(number, _MOST_ID), delivery.c.endpoint_id == endpoint_id
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(
            _("There is no such delivery."), _("It may be older than 30 days: those are forgotten.")
        )
    return row


def replay(connection: Connection, row: RowMapping) -> None:
    """Sends a delivery again, under its own id; raises Conflict while it waits anyway."""
    again = (
        update(delivery)
        .where(delivery.c.id == row["id"], delivery.c.state != WAITING)
        .values(state=WAITING, tries=0, next_at=clock.now_ms())
    )
    if not connection.execute(again).rowcount:
        raise Conflict(_("The delivery waits already."), _("It is sent when its next try is due."))
    audit.record(
        connection,
        action="webhook.replay",
        object=f"webhook:{row['endpoint_id']}",
        detail={"delivery": row["id"]},
    )


def replay_dead(connection: Connection, endpoint_id: int) -> int:
    """Sends all dead deliveries of an endpoint again; returns how many."""
    again = (
        update(delivery)
        .where(delivery.c.endpoint_id == endpoint_id, delivery.c.state == DEAD)
        .values(state=WAITING, tries=0, next_at=clock.now_ms())
    )
    count = connection.execute(again).rowcount
    if count:
        audit.record(
            connection,
            action="webhook.replay",
            object=f"webhook:{endpoint_id}",
            detail={"deliveries": count},
        )
    return count


def sweep(panel: Engine) -> int:
    """Forgets deliveries of more than 30 days ago and those of deleted endpoints; how many."""
    old = delivery.c.created_at < clock.now_ms() - KEPT_MS
    # Written by a process that had not yet heard that the endpoint is gone.
    orphaned = delivery.c.endpoint_id.not_in(select(endpoint.c.id))
    swept = 0
    for which in (old, orphaned):
        while True:
            with reading(panel) as connection:
                ids = connection.scalars(
                    select(delivery.c.id).where(which).limit(_SWEPT_AT_ONCE)
                ).all()
            if not ids:
                break
            with writing(panel) as connection:
                connection.execute(delete(delivery).where(delivery.c.id.in_(ids)))
            swept += len(ids)
    return swept
