"""``flask mediate --once``: from acc rows to priced CDRs, to the end of what there is."""

from __future__ import annotations

import time

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from app.cdr.tables import answered, failed, unpriced
from app.cli.friendly import FriendlyCommand
from app.core import context
from app.core.database import Databases, reading
from app.mediation.call import Trouble
from app.mediation.source import LIVE, id_range
from app.mediation.suspense import ids_of
from app.mediation.tables import open_call, suspense
from app.rounds import Runner


@click.command("mediate", cls=FriendlyCommand)
@click.option("--once", is_flag=True, help="Stop when everything that is there has been read.")
@click.option(
    "--replay", type=click.Choice(sorted(map(str, Trouble))), help="Try suspense of a reason again."
)
@with_appcontext
def command(once: bool, replay: str | None) -> None:
    """Turn the switch's acc rows into priced CDRs."""
    if not once and replay is None:
        raise click.UsageError("Use --once, or 'flask worker' to mediate continuously.")
    dbs = context.databases()
    runner = Runner(dbs, context.settings())
    if replay is not None:
        with reading(dbs.panel) as connection:
            ids = ids_of(connection, replay)
        done, still = runner.pipeline.replay(ids)
        click.echo(f"Replayed: {done} rows are part of a call now, {still} stay in suspense.")
    if not once:
        return
    runner.pipeline.refresh()
    before = _counts(dbs)
    started = time.monotonic()
    total = runner.backlog_left() + _ahead(runner)
    rows = 0
    with click.progressbar(length=max(total, 1), label="Reading") as bar:

        def progress(step: int) -> None:
            nonlocal rows
            rows += step
            bar.update(step)

        runner.to_the_end(progress)
    seconds = max(time.monotonic() - started, 0.001)
    after = _counts(dbs)
    click.echo(f"Rows read: {rows} in {seconds:.1f} s ({rows / seconds:.0f} a second)")
    for name in after:
        click.echo(f"{name}: {after[name]} ({after[name] - before[name]:+d})")


def _ahead(runner: Runner) -> int:
    """About how many rows of the live part are still to be read."""
    left = 0
    highs = {mark.table: mark.position.high for mark in runner.pipeline.bookmarks(LIVE)}
    with reading(runner.dbs.switch) as connection:
        for reader in runner.pipeline.readers:
            span = id_range(connection, reader)
            left += max(span[1] - highs.get(reader.name, 0), 0) if span else 0
    return left


def _counts(dbs: Databases) -> dict[str, int]:
    tables = {
        "Answered calls": answered,
        "Unanswered calls": failed,
        "Without a price yet": unpriced,
        "Open calls": open_call,
        "In suspense": suspense,
    }
    with reading(dbs.panel) as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in tables.items()
        }
