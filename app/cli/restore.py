"""``flask restore``: a backup into a new database."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.backup import tell
from app.cli.friendly import FriendlyCommand
from app.core import context, schema
from app.upkeep import proof
from app.upkeep.restore import restore


@click.command("restore", cls=FriendlyCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--other-key", is_flag=True, help="It was made with another PANEL_SECRET_KEY.")
@with_appcontext
def command(file: Path, other_key: bool) -> None:
    """Put the backup FILE into the panel's database, which must be ready and unused.

    Exits with 1 when an invariant is broken in what was restored.
    """
    dbs, settings = context.databases(), context.settings()
    manifest = restore(dbs.panel, None if other_key else settings.secret_key, file, tell)
    rows, tables = sum(manifest.rows.values()), len(manifest.rows)
    click.echo(f"Restored: {rows} rows of {tables} tables, made at {manifest.header.made_at}.")
    if manifest.header.revision != schema.head():
        click.echo("The tables are of an older version: go on with 'flask --app wsgi upgrade'.")
        return
    if not proof.holds(dbs, settings, tell):
        click.echo("An invariant is broken; it was so when the backup was made.", err=True)
        sys.exit(1)
    click.echo("Every invariant holds.")
