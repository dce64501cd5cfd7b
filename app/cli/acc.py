"""``flask acc purge``: the switch's own rows go once they stand in calls of ours."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyGroup
from app.core import context
from app.core.database import make_engine
from app.retention import purge


@click.group("acc", cls=FriendlyGroup)
def command() -> None:
    """The switch's tables acc and missed_calls."""


@command.command("purge")
@click.option("--days", type=click.IntRange(2, 36_500), default=30, show_default=True)
@click.option("--bite", type=click.IntRange(1, 5_000), default=500, show_default=True)
@click.option("--pause", type=click.FloatRange(0, 60), default=0.2, show_default=True)
@click.option(
    "--slow",
    type=click.FloatRange(0.05, 60),
    default=2.0,
    show_default=True,
    help="stop when a bite takes longer, in seconds",
)
@click.option("--dry-run", is_flag=True, help="only count")
@with_appcontext
def purge_(days: int, bite: int, pause: float, slow: float, dry_run: bool) -> None:
    """Remove rows older than DAYS that are part of a stored call."""
    engine = make_engine(context.settings().acc_purge_database_url)
    wish = purge.Wish(days, bite, pause, slow, dry_run)

    def progress(table: str, seen: int, removed: int) -> None:
        click.echo(f"{table}: {seen} rows seen, {removed} {'would go' if dry_run else 'gone'}")

    try:
        total = purge.run(context.databases(), engine, wish, progress)
    finally:
        engine.dispose()
    verb = "would go" if dry_run else "are gone"
    click.echo(f"{sum(total.removed.values())} of {sum(total.seen.values())} rows {verb}.")
