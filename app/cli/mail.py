"""``flask mail``: whether mail leaves the house."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyGroup
from app.core import context, mail
from app.core.database import writing
from app.identity import audit


@click.group("mail", cls=FriendlyGroup)
def command() -> None:
    """Mail by the server in PANEL_SMTP_HOST."""


@command.command("test")
@click.argument("address")
@with_appcontext
def test(address: str) -> None:
    """Send a short mail to ADDRESS and say what became of it."""
    mail.send(
        context.settings().smtp,
        to=address,
        subject="A test of OpenSIPS Companion",
        text="Mail from the panel arrives.",
    )
    with writing(context.databases().panel) as connection:
        audit.record(connection, action="mail.test", object="mail", detail={"to": address})
    click.echo(f"The server took the mail to {address}.")
