"""``flask verify``: every invariant over the whole database, one JSON line each."""

from __future__ import annotations

import json
import sys

import click
from flask.cli import with_appcontext

from app import invariants
from app.cli.friendly import FriendlyCommand
from app.core import context


@click.command("verify", cls=FriendlyCommand)
@click.option("--offline", is_flag=True, help="Do not ask the nodes.")
@with_appcontext
def command(offline: bool) -> None:
    """Prove that nothing is lost, double or out of balance; exit 1 when something is."""
    broken = False
    for finding in invariants.check(context.databases(), context.settings(), offline=offline):
        broken = broken or bool(finding.violations)
        click.echo(
            json.dumps(
                {
                    "invariant": finding.invariant,
                    "checked": finding.checked,
                    "violations": finding.violations,
                },
                ensure_ascii=False,
            )
        )
    sys.exit(1 if broken else 0)
