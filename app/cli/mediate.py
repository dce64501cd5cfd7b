"""``flask mediate --once``: from acc rows to priced CDRs, to the end of what there is."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import timedelta

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from app import comparison, lanes
from app.cdr.tables import answered, failed, unpriced
from app.cli.friendly import FriendlyCommand
from app.core import context
from app.core.database import Databases, reading
from app.mediation.call import Trouble
from app.mediation.suspense import ids_of
from app.mediation.tables import open_call, suspense
from app.rounds import Runner

# So often a run without a terminal says how far it is.
_TELL_S = 10


@click.command("mediate", cls=FriendlyCommand)
@click.option("--once", is_flag=True, help="Stop when everything that is there has been read.")
@click.option(
    "--replay", type=click.Choice(sorted(map(str, Trouble))), help="Try suspense of a reason again."
)
@click.option("--compare", is_flag=True, help="Find rows that came after the settling time.")
@with_appcontext
def command(once: bool, replay: str | None, compare: bool) -> None:
    """Turn the switch's acc rows into priced CDRs."""
    if not once and replay is None and not compare:
        raise click.UsageError("Use --once, or 'flask worker' to mediate continuously.")
    dbs = context.databases()
    runner = Runner(dbs, context.settings())
    if replay is not None:
        with reading(dbs.panel) as connection:
            ids = ids_of(connection, replay)
        done, still = lanes.replay(dbs, context.settings(), ids)
        click.echo(f"Replayed: {done} rows are part of a call now, {still} stay in suspense.")
    if compare:
        looked, found = _compare(runner)
        click.echo(f"Compared: {looked} rows, {found} of them had not been used and are now.")
    if not once:
        return
    runner.refresh()
    before = _counts(dbs)
    started = time.monotonic()
    total = runner.backlog_left() + runner.live_left()
    rows = 0
    # On a terminal a bar with the time left; in a log a line now and then.
    with click.progressbar(
        length=max(total, 1), label="Reading", show_eta=True, show_pos=True
    ) as bar:
        told = started

        def progress(step: int) -> None:
            nonlocal rows, told
            rows += step
            bar.update(step)
            if not sys.stdout.isatty() and time.monotonic() - told >= _TELL_S:
                told = time.monotonic()
                click.echo(_sentence(rows, total, told - started))

        runner.to_the_end(progress)
    seconds = max(time.monotonic() - started, 0.001)
    after = _counts(dbs)
    click.echo(f"Rows read: {rows} in {seconds:.1f} s ({rows / seconds:.0f} a second)")
    for name in after:
        click.echo(f"{name}: {after[name]} ({after[name] - before[name]:+d})")
    for name, problem in runner.problems.items():
        click.echo(f"The source {name} was not read: {problem}", err=True)
    if runner.problems:
        raise SystemExit(1)


def _compare(runner: Runner) -> tuple[int, int]:
    """Compares the last days' rows with what was used; (rows, those mediated now)."""
    runner.refresh()
    looked = found = 0
    for pipeline in runner.pipelines:
        for stretch in comparison.stretches(pipeline):
            after: int | None = stretch.after
            while after is not None:
                some, used, after = comparison.compare(pipeline, replace(stretch, after=after))
                looked, found = looked + some, found + used
    return looked, found


def _sentence(rows: int, total: int, seconds: float) -> str:
    left = int(max(total - rows, 0) * seconds / max(rows, 1))
    pace = rows / max(seconds, 0.001)
    return f"Read {rows} of about {total} rows, {pace:.0f} a second, {timedelta(seconds=left)} left"


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
