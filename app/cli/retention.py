"""``flask retention``: how long data stays, and what goes."""

from __future__ import annotations

from collections import Counter

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyGroup
from app.core import clock, context
from app.core.database import reading, writing
from app.retention import decisions, figures, run
from app.retention.decisions import KINDS


class Days(click.ParamType[int]):
    """A number of days, or ``never``."""

    name = "DAYS|never"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """-1 stands for never."""
        if value == "never":
            return -1
        if not str(value).isdigit():
            self.fail("Give a number of days, or never.", param, ctx)
        return int(str(value))


@click.group("retention", cls=FriendlyGroup)
def command() -> None:
    """How long calls and their numbers stay."""


@command.command("show")
@with_appcontext
def show() -> None:
    """Print each kind: what is there, since when, what the next run would remove."""
    with reading(context.databases().panel) as connection:
        known = decisions.load(connection)
        decided = decisions.is_decided(connection)
        found = figures.all_of(connection, known)
    if not decided:
        click.echo(
            "Nothing is decided, so nothing is removed. The proposal:"
            " flask --app wsgi retention set --answered 400 --failed 14 --numbers never --yes"
        )
    for one in found:
        days = known[one.kind].days
        stays = "for ever" if days is None else f"{days} days"
        most = "more than " if one.there > figures.MOST else ""
        click.echo(
            f"{one.kind:9} stays {stays:10} there: {most}{min(one.there, figures.MOST)}"
            f" since {clock.iso(one.since) or '-'}"
            f" due: {min(one.due, figures.MOST)} calls, {one.parts} partitions"
            f" (waiting for a price, stay: {one.waiting})"
        )


@command.command("set")
@click.option("--answered", type=Days(), help="answered calls")
@click.option("--failed", type=Days(), help="unanswered calls")
@click.option("--numbers", type=Days(), help="until the ends of numbers are removed")
@click.option("--keep-digits", type=click.IntRange(0, 15), help="of a number that is cut")
@click.option("--yes", is_flag=True, help="do not ask where data will go")
@with_appcontext
def set_(
    answered: int | None,
    failed: int | None,
    numbers: int | None,
    keep_digits: int | None,
    yes: bool,
) -> None:
    """Decide how many days each kind stays; what is not named stays as it is."""
    given = {"answered": answered, "failed": failed, "numbers": numbers}
    days = {
        kind: None if count == -1 else count for kind, count in given.items() if count is not None
    }
    panel = context.databases().panel
    with reading(panel) as connection:
        old = decisions.load(connection)
    if decisions.is_shorter(old, days) and not yes:
        click.confirm("Data that is older goes for good. Decide so?", abort=True)
    with writing(panel) as connection:
        digits = old["numbers"].keep_digits if keep_digits is None else keep_digits
        decisions.decide(connection, days, keep_digits=digits, by="cli")
    click.echo("Decided. The worker removes what is due each night, or: flask retention run")


@command.command("run")
@click.option("--dry-run", is_flag=True, help="only say what would go")
@with_appcontext
def run_(dry_run: bool) -> None:
    """Remove now what is due."""
    dbs = context.databases()
    if dry_run:
        with reading(dbs.panel) as connection:
            known = decisions.load(connection)
            for one in figures.all_of(connection, known):
                more = "more than " if one.due > figures.MOST else ""
                click.echo(f"{one.kind}: {more}{min(one.due, figures.MOST)} calls would go")
        return
    done: Counter[str] = Counter()
    for step, calls in run.to_the_end(dbs):
        done[step] += calls
        if calls:
            click.echo(f"{step}: {done[step]}")
    click.echo(", ".join(f"{kind}: {done[kind]}" for kind in KINDS))
