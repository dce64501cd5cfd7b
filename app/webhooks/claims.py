"""Who sends a delivery, and what came of it.

A delivery is claimed by moving its ``next_at`` and ``tries`` in one conditional UPDATE: of two
workers one moves it. It is due again if that worker dies, so it arrives at least once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, exists, select, update

from app.core import clock, outbox
from app.core.database import reading, writing
from app.core.outbox import DEAD, SENT, WAITING, delivery, endpoint
from app.identity import audit
from app.webhooks.sending import GONE, Sent

# How long after each failed try the next one comes; after the last of them it is dead.
PAUSES_MS = (
    5 * clock.SECOND,
    30 * clock.SECOND,
    2 * clock.MINUTE,
    10 * clock.MINUTE,
    1 * clock.HOUR,
    3 * clock.HOUR,
    6 * clock.HOUR,
    12 * clock.HOUR,
    24 * clock.HOUR,
)
# Longer than a try takes, with room for a database that is slow to note it.
LEASE_MS = 60 * clock.SECOND
# What was not begun by then is left to the next claim: the rest of the lease is for sending.
_BEGIN_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process sends, its own until the instant ``until``.

    ``tries`` counts this one; ``begun_by`` is of time.monotonic().
    """

    id: int
    endpoint_id: int
    tenant_id: int
    url: str
    secret: str
    message_id: str
    body: str
    tries: int
    until: int
    begun_by: float


def claim(panel: Engine, room: int, each: int, busy: Mapping[int, int]) -> list[Claim]:
    """Up to ``room`` deliveries that are due, the oldest of each endpoint.

    ``each`` is how many an endpoint may have at a time, ``busy`` how many it has.
    """
    now = clock.now_ms()
    due = exists().where(
        delivery.c.endpoint_id == endpoint.c.id,
        delivery.c.state == WAITING,
        delivery.c.next_at <= now,
    )
    with reading(panel) as connection:
        ready = connection.execute(select(endpoint).where(endpoint.c.active, due)).all()
        lanes = [
            [(one, row) for row in _queue(connection, one.id, now, each - busy.get(one.id, 0))]
            for one in ready
        ]
    # In turn: an endpoint with a long queue does not keep the others waiting.
    wanted = [lane[place] for place in range(each) for lane in lanes if place < len(lane)][:room]
    if not wanted:
        return []
    until = now + LEASE_MS
    begun_by = time.monotonic() + _BEGIN_WITHIN_S
    # In the order of ids, so that two workers never wait for each other in a circle.
    wanted.sort(key=lambda pair: pair[1].id)
    with writing(panel) as connection:
        return [
            Claim(
                row.id,
                one.id,
                one.tenant_id,
                one.url,
                one.secret,
                row.message_id,
                row.body,
                row.tries + 1,
                until,
                begun_by,
            )
            for one, row in wanted
            if _take(connection, row, until)
        ]


def _queue(connection: Connection, endpoint_id: int, now: int, most: int) -> list[Row[Any]]:
    if most <= 0:
        return []
    query = select(delivery).where(
        delivery.c.endpoint_id == endpoint_id,
        delivery.c.state == WAITING,
        delivery.c.next_at <= now,
    )
    ordered = query.order_by(delivery.c.next_at, delivery.c.id).limit(most)
    return list(connection.execute(ordered).all())


def _take(connection: Connection, row: Row[Any], until: int) -> bool:
    taken = connection.execute(
        update(delivery)
        .where(
            delivery.c.id == row.id,
            delivery.c.state == WAITING,
            delivery.c.tries == row.tries,
            delivery.c.next_at == row.next_at,
        )
        .values(tries=row.tries + 1, next_at=until)
    )
    return taken.rowcount == 1


def note(connection: Connection, held: Claim, sent: Sent) -> None:
    """Writes what came of a try, unless the delivery is in other hands by now."""
    now = clock.now_ms()
    values: dict[str, Any] = {
        "last_status": sent.status,
        "last_problem": sent.problem[:255],
    }
    pause = pause_ms(held.tries)
    if sent.arrived:
        values |= {"state": SENT, "sent_at": now}
    elif pause is None or sent.status == GONE:
        values |= {"state": DEAD}
    else:
        values |= {"next_at": now + pause}
    noted = connection.execute(
        update(delivery)
        .where(
            delivery.c.id == held.id,
            delivery.c.state == WAITING,
            delivery.c.tries == held.tries,
            delivery.c.next_at == held.until,
        )
        .values(values)
    )
    if noted.rowcount and sent.status == GONE:
        _switch_off(connection, held.endpoint_id, now)


def _switch_off(connection: Connection, endpoint_id: int, now: int) -> None:
    """The receiver has said that it is gone for good."""
    off = update(endpoint).where(endpoint.c.id == endpoint_id, endpoint.c.active)
    if connection.execute(off.values(active=False, gone_at=now)).rowcount:
        audit.record(
            connection,
            action="webhook.gone",
            object=f"webhook:{endpoint_id}",
            actor="worker",
            before={"active": True},
            after={"active": False},
        )
        outbox.forget(connection)


def pause_ms(tries: int) -> int | None:
    """How long to wait after that many tries, up to a fifth longer; None: it is dead."""
    if tries > len(PAUSES_MS):
        return None
    usual = PAUSES_MS[tries - 1]
    # Not all that waited for one receiver come back at the same moment.
    return usual + secrets.randbelow(usual // 5)
