"""``flask operator``: who may sign in."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from app.core import clock
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import CompanionError
from app.identity import audit, operators, second_factor, sessions
from app.identity.roles import ROLES

command = AppGroup("operator", help="Operators: create, list, reset a password.")

_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@command.command("create")
@click.argument("login")
@click.option("--role", type=click.Choice(sorted(ROLES)), default="admin", show_default=True)
@_stdin
def create(login: str, role: str, password_stdin: bool) -> None:
    """Make an operator; without --password-stdin a password is made and printed once."""
    password = _password(password_stdin)
    try:
        with writing(databases().panel) as connection:
            number = operators.create(connection, login=login, password=password, role=role)
            audit.record(
                connection,
                action="operator.create",
                object=f"operator:{number}",
                detail={"login": login, "role": role},
            )
    except CompanionError as error:
        raise click.ClickException(str(error)) from error
    _tell(f"Operator '{login}' ({role}) is made.", password, password_stdin)


@command.command("reset-password")
@click.argument("login")
@_stdin
def reset_password(login: str, password_stdin: bool) -> None:
    """Set a new password and end all sessions of the operator."""
    password = _password(password_stdin)
    try:
        with writing(databases().panel) as connection:
            number = operators.reset_password(connection, login, password)
            audit.record(connection, action="operator.reset", object=f"operator:{number}")
    except CompanionError as error:
        raise click.ClickException(str(error)) from error
    _tell(
        f"The password of '{login}' is changed; the sessions are ended.", password, password_stdin
    )


@command.command("reset-second-factor")
@click.argument("login")
def reset_second_factor(login: str) -> None:
    """Take the second factor away, for who lost it, and end all sessions of the operator."""
    try:
        with writing(databases().panel) as connection:
            number = operators.number_of(connection, login)
            had = second_factor.switch_off(connection, number)
            sessions.revoke_all(connection, number)
            audit.record(connection, action="factor.reset", object=f"operator:{number}")
    except CompanionError as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"The second factor of '{login}' is taken away; the sessions are ended."
        if had
        else f"'{login}' has no second factor; the sessions are ended."
    )


@command.command("deactivate")
@click.argument("login")
def deactivate(login: str) -> None:
    """Lock an operator out and end the sessions; ``activate`` lets in again."""
    _set_active(login, active=False)
    click.echo(f"'{login}' is locked; the sessions are ended.")


@command.command("activate")
@click.argument("login")
def activate(login: str) -> None:
    """Let a locked operator sign in again."""
    _set_active(login, active=True)
    click.echo(f"'{login}' may sign in again.")


def _set_active(login: str, *, active: bool) -> None:
    try:
        with writing(databases().panel) as connection:
            number = operators.set_active(connection, login, active=active)
            audit.record(
                connection,
                action="operator.change",
                object=f"operator:{number}",
                after={"login": login, "active": active},
            )
    except CompanionError as error:
        raise click.ClickException(str(error)) from error


@command.command("list")
def browse() -> None:
    """Print login, role, state and zone of every operator."""
    try:
        with reading(databases().panel) as connection:
            rows = operators.browse(connection)
    except CompanionError as error:
        raise click.ClickException(str(error)) from error
    for row in rows:
        state = "active" if row["active"] else "locked"
        since = clock.iso(row["created_at"])
        click.echo(f"{row['login']}\t{row['role']}\t{state}\t{row['zone']}\t{since}")


def _password(from_stdin: bool) -> str:
    if not from_stdin:
        return operators.generate_password()
    return sys.stdin.readline().rstrip("\r\n")


def _tell(sentence: str, password: str, known: bool) -> None:
    click.echo(sentence)
    if not known:
        click.echo(f"Password (shown once): {password}")
