"""``flask push``: brings everything that waits to the nodes now, and says what came of it."""

from __future__ import annotations

from collections import Counter

import click
from flask.cli import with_appcontext
from sqlalchemy import Connection, func, or_, select, update

from app.cli.friendly import FriendlyCommand
from app.core import clock, context
from app.core.database import reading, writing
from app.provisioning import nodes, pusher
from app.provisioning.nodes import Node
from app.provisioning.tables import change_set, push

_ROUNDS = 50


@click.command("push", cls=FriendlyCommand)
@with_appcontext
def command() -> None:
    """Writes drafted changes and pushes what waits to every node; exit code 1 when one fails."""
    dbs, settings = context.databases(), context.settings()
    unfinished = push.c.state.in_(pusher.UNFINISHED)
    with writing(dbs.panel) as connection:
        used = nodes.sync(connection, settings)
        mine = set(connection.scalars(select(push.c.id).where(unfinished)))
        newest = connection.scalar(select(func.max(push.c.id))) or 0
        connection.execute(update(push).where(unfinished).values(next_at=clock.now_ms()))
    # Each round serves what is due; only nodes that go on at once are due again.
    for _ in range(_ROUNDS):
        if not pusher.run_due(dbs, settings):
            break
    if not used:
        click.echo("There is no node. Name your nodes in PANEL_NODES.")
    with reading(dbs.panel) as connection:
        failed = any([_report(connection, one, mine, newest) for one in used])
        failed |= _unwritten(connection)
    if failed:
        raise SystemExit(1)


def _report(connection: Connection, one: Node, mine: set[int], newest: int) -> bool:
    """One line for a node and one for each change that has not arrived; whether one has not."""
    rows = connection.execute(
        select(push)
        .where(push.c.node_id == one.id, or_(push.c.id.in_(mine), push.c.id > newest))
        .order_by(push.c.change_set_id)
    ).all()
    bad = [row for row in rows if row.state != "verified"]
    levels = ", ".join(
        f"{count} {level}"
        for level, count in sorted(Counter(row.level for row in rows if row not in bad).items())
    )
    done = f"{len(rows) - len(bad)} verified" + (f" ({levels})" if levels else "")
    if not rows:
        done = "nothing waits"
    click.echo(f"{one.name}: {done}" + (f", {len(bad)} not" if bad else ""))
    for row in bad:
        click.echo(f"  change {row.change_set_id}: {row.state}: {row.problem}")
    return bool(bad)


def _unwritten(connection: Connection) -> bool:
    rows = connection.execute(
        select(change_set.c.id, change_set.c.problem).where(change_set.c.state == "drafted")
    ).all()
    for row in rows:
        click.echo(f"change {row.id}: not written yet: {row.problem or 'it waits'}")
    return bool(rows)
