"""``flask webhook``: who is told of what, and sending again what did not arrive."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from app.cli.friendly import FriendlyGroup
from app.core import context
from app.core.database import reading, writing
from app.core.outbox import DEAD, SENT, WAITING, delivery, endpoint
from app.webhooks import endpoints, log


@click.group("webhook", cls=FriendlyGroup)
def command() -> None:
    """Webhooks: programs that are told what happens."""


@command.command("list")
@with_appcontext
def browse() -> None:
    """Print number, tenant, state, address, events and deliveries of every webhook."""
    with reading(context.databases().panel) as connection:
        rows = connection.execute(select(endpoint).order_by(endpoint.c.id)).all()
        counts = {
            (row.endpoint_id, row.state): row.count
            for row in connection.execute(
                select(delivery.c.endpoint_id, delivery.c.state, func.count().label("count"))
                .group_by(delivery.c.endpoint_id, delivery.c.state)
                .order_by(delivery.c.endpoint_id)
            )
        }
    for row in rows:
        state = "on" if row.active else "gone" if row.gone_at else "off"
        said = ", ".join(f"{counts.get((row.id, one), 0)} {one}" for one in (WAITING, SENT, DEAD))
        events = row.events.replace(" ", ",")
        click.echo(f"{row.id}\ttenant {row.tenant_id}\t{state}\t{row.url}\t{events}\t{said}")


@command.command("replay")
@click.argument("number", type=int)
@click.option("--delivery", "delivery_id", type=int, help="This one; default: all dead ones.")
@with_appcontext
def replay(number: int, delivery_id: int | None) -> None:
    """Send dead deliveries of the webhook NUMBER again, or one delivery whatever became of it."""
    with writing(context.databases().panel) as connection:
        row = endpoints.get(connection, number, None)
        if delivery_id is None:
            count = log.replay_dead(connection, row["id"])
        else:
            log.replay(connection, log.get(connection, row["id"], delivery_id))
            count = 1
    click.echo(f"{count} to be sent again")
