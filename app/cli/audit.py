"""``flask audit``: whether the record of all deeds is whole."""

from __future__ import annotations

import json
import sys

import click
from flask.cli import AppGroup

from app.core.context import databases
from app.core.database import reading
from app.identity import chain

command = AppGroup("audit", help="The audit: verify its chain, print its head.")


@command.command("verify")
@click.option("--head", "kept", help="NUMBER:HASH that was printed before; must still be there.")
def verify(kept: str | None) -> None:
    """Walk the whole chain; exit 1 when it is broken."""
    with reading(databases().panel) as connection:
        finding = chain.check(connection)
        wrong = list(finding.violations)
        if kept and not chain.holds(connection, kept):
            wrong.append(f"the entry {kept[:80]} is not in the chain any more")
    line = {"invariant": finding.invariant, "checked": finding.checked, "violations": wrong}
    click.echo(json.dumps(line, ensure_ascii=False))
    sys.exit(1 if wrong else 0)


@command.command("head")
def head() -> None:
    """Print NUMBER:HASH of the newest entry, to be kept where nobody can change it."""
    with reading(databases().panel) as connection:
        number, digest = chain.head(connection)
    click.echo(f"{number}:{digest}")
