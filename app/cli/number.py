"""``flask number``: the numbers that we own."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyGroup
from app.core import clock, context
from app.core.database import reading, writing
from app.mediation import numbers
from app.mediation.tables import own_number


@click.group("number", cls=FriendlyGroup)
def command() -> None:
    """Numbers that we own."""


@command.command("list")
@with_appcontext
def browse() -> None:
    """Print number, kind, account and the end of every number."""
    with reading(context.databases().panel) as connection:
        rows = connection.execute(numbers.over(None).order_by(own_number.c.number)).all()
    for row in rows:
        click.echo(f"{row.number}\t{row.kind}\t{row.code}\t{clock.iso(row.valid_till) or ''}")


@command.command("add")
@click.argument("number")
@click.argument("account")
@click.option("--kind", type=click.Choice(numbers.KINDS), default=numbers.KINDS[0])
@click.option("--carrier", default="", help="Where it comes in.")
@click.option("--rental", default="", help="Of a month, such as 1.50.")
@with_appcontext
def add(number: str, account: str, kind: str, carrier: str, rental: str) -> None:
    """Take in NUMBER (E.164 digits) for the account with the code ACCOUNT."""
    one = numbers.NewNumber(number.removeprefix("+"), account, kind, carrier, rental)
    with writing(context.databases().panel) as connection:
        numbers.add(connection, [one])
    click.echo(f"{one.number} is {account}'s")
