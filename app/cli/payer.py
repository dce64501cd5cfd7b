"""``flask payer``: who pays for a call."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyGroup
from app.core import context
from app.core.database import reading
from app.mediation import payer_test, repricing


@click.group("payer", cls=FriendlyGroup)
def command() -> None:
    """Who pays for calls."""


@command.command("test")
@click.option("--account", default="", help="The account code.")
@click.option("--domain", default="", help="The caller's domain.")
@click.option("--caller", default="", help="The caller.")
@click.option("--src-ip", default="", help="The source address.")
@click.option("--dialled", default="", help="What was dialled.")
@with_appcontext
def test(account: str, domain: str, caller: str, src_ip: str, dialled: str) -> None:
    """Print who would pay for a call, by which way, and what was tried before."""
    with reading(context.databases().panel) as connection:
        found = payer_test.run(
            connection,
            account=account,
            domain=domain,
            caller=caller,
            src_ip=src_ip,
            dialled=dialled,
        )
    by = f" by {found.way} {found.pattern}".rstrip() if found.payer else ""
    click.echo(f"pays: {found.payer or 'nobody'}{by}")
    click.echo(f"tried before: {', '.join(found.tried) or 'nothing'}")
    click.echo(f"number: {found.number}\towner: {found.owner or 'not ours'}")


@command.command("price")
@with_appcontext
def price() -> None:
    """Price calls without a payer again, after a rule or an account was made."""
    done = repricing.all_waiting()
    if done.later:
        click.echo("The worker prices them now.")
    else:
        click.echo(f"Priced: {done.priced}\tstill without a price: {done.left}")
