"""``flask init``: our tables, the first source, and on request OpenSIPS's tables for a trial."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyCommand
from app.core import context, schema
from app.core.database import ping, writing
from app.mediation.source import ensure_sources
from app.opensips.tables import create_opensips_tables


@click.command("init", cls=FriendlyCommand)
@click.option(
    "--with-opensips-tables",
    is_flag=True,
    help="Also create the OpenSIPS tables that are missing (for a trial).",
)
@with_appcontext
def command(with_opensips_tables: bool) -> None:
    """Create or update the panel's tables."""
    dbs = context.databases()
    ping(dbs.panel)
    ping(dbs.switch)
    if with_opensips_tables:
        made = create_opensips_tables(dbs.switch)
        click.echo(f"OpenSIPS tables created: {', '.join(made) or 'none, all were there'}.")
    schema.upgrade(dbs.panel)
    with writing(dbs.panel) as connection:
        ensure_sources(connection, context.settings())
    click.echo("The panel's tables are up to date.")
