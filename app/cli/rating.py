"""``flask rating``: what would this call cost, and does the engine agree with known prices?"""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from app.cli.friendly import FriendlyGroup
from app.core import clock, context, money
from app.core.database import reading
from app.core.errors import InvalidInput
from app.core.numbering import NumberPlan, to_e164
from app.ledger.tables import account
from app.rating import conformance, reference, steps, store
from app.rating.explain import in_words
from app.rating.tariff import Match


@click.group("rating", cls=FriendlyGroup)
def command() -> None:
    """Prices and tariffs."""


@command.command("quote")
@click.argument("account_code")
@click.argument("number")
@click.argument("seconds", type=click.FloatRange(0, 86_400 * 2))
@click.option("--at", "moment", help="When the call is answered (ISO 8601, UTC); default: now.")
@with_appcontext
def quote(account_code: str, number: str, seconds: float, moment: str | None) -> None:
    """Price a call of ACCOUNT_CODE to NUMBER that lasts SECONDS, step by step."""
    settings = context.settings()
    digits = to_e164(number, NumberPlan(settings.country, settings.trunk_prefix))
    if digits is None:
        raise InvalidInput(f"'{number}' is not a telephone number.", "Use digits, such as +4930…")
    at_ms = clock.parse(moment) if moment else clock.now_ms()
    with reading(context.databases().panel) as connection:
        found = connection.scalar(select(account.c.id).where(account.c.code == account_code))
        if found is None:
            raise InvalidInput(f"There is no account '{account_code}'.", "See 'flask account'.")
        match = store.load_book(connection).look_up(found, digits, at_ms)
    if not isinstance(match, Match):
        raise InvalidInput("The call has no price.", in_words(match))
    priced = reference.price(match, round(seconds * 1000))
    click.echo(f"{digits}: {match.destination}, prefix {match.prefix}, {match.version.tariff}")
    for step in priced.steps:
        amount = steps.exact_text(step.amount)
        click.echo(f"  {step.label:12} {amount:>14}  {step.calculation}")
    click.echo(
        f"  {'Price':12} {money.to_text(priced.units, priced.currency):>14}  {priced.currency}"
    )


@command.command("conformance")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def run_conformance(ctx: click.Context, file: Path) -> None:
    """Price the cases of FILE, exactly and as CGRateS does: one JSON line a case and mode.

    Exits with 1 when one of them comes out wrong.
    """
    failed = False
    for verdict in conformance.run(file.read_text(encoding="utf-8")):
        click.echo(verdict.line())
        failed = failed or not verdict.ok
    if failed:
        ctx.exit(1)
