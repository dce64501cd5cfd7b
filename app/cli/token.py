"""``flask token``: what programs sign in to the API with."""

from __future__ import annotations

import json

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyGroup
from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.identity import operators, sessions, tokens
from app.identity.roles import PERMISSIONS


@click.group("token", cls=FriendlyGroup)
def command() -> None:
    """Tokens of the API."""


@command.command("create")
@click.argument("login")
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(sorted(PERMISSIONS)),
    help="A permission; may stand several times.",
)
@click.option("--days", default=90, show_default=True, help="Until it ends.")
@with_appcontext
def create(login: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a token of the operator LOGIN, and print it once."""
    with writing(databases().panel) as connection:
        who = sessions.operator_of_id(connection, operators.number_of(connection, login))
        number, token = tokens.create(connection, who, name=name, scopes=scopes, days=days)
    click.echo(f"Token {number} of '{login}' (shown once): {token}")


@command.command("list")
@click.argument("login")
@with_appcontext
def browse(login: str) -> None:
    """Print number, name, scopes, end and last use of an operator's tokens."""
    with reading(databases().panel) as connection:
        rows = tokens.of(connection, operators.number_of(connection, login))
    for row in rows:
        scopes = ",".join(json.loads(row["scopes"]))
        used = clock.iso(row["used_at"]) or "never"
        click.echo(f"{row['id']}\t{row['name']}\t{scopes}\t{clock.iso(row['expires_at'])}\t{used}")


@command.command("revoke")
@click.argument("login")
@click.argument("token_id", type=int)
@with_appcontext
def revoke(login: str, token_id: int) -> None:
    """End a token at once."""
    with writing(databases().panel) as connection:
        tokens.revoke(connection, operators.number_of(connection, login), token_id)
    click.echo(f"Token {token_id} of '{login}' is revoked.")
