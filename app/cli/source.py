"""``flask source``: the switches that calls are read from."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyGroup
from app.core import context
from app.core.database import reading, writing
from app.mediation import source_rules, sources
from app.mediation.columns import USUAL_NAMES
from app.mediation.source import ensure_sources, load_sources


@click.group("source", cls=FriendlyGroup)
def command() -> None:
    """The switches that calls are read from."""


@command.command("list")
@with_appcontext
def list_() -> None:
    """Print each source: name, zone, tables with their versions, rows still to be read, state."""
    dbs = context.databases()
    with writing(dbs.panel) as connection:
        ensure_sources(connection, context.settings())
        rows = connection.execute(sources.over()).mappings().all()
    for row in rows:
        tables = " ".join(f"{name}:{number}" for name, number in sources.versions_of(row))
        waiting = "?" if row["waiting"] is None else row["waiting"]
        state = sources.problem_of(row, dbs) or ("read" if row["looked_at"] else "not looked at")
        click.echo("\t".join((row["name"], row["zone"], tables or "-", str(waiting), state)))


@command.command("show")
@click.argument("name")
@with_appcontext
def show(name: str) -> None:
    """Print how source NAME writes: clock, dialling plan, columns, rules for numbers."""
    dbs = context.databases()
    with reading(dbs.panel) as connection:
        row = sources.named(connection, name)
        rules = source_rules.of_source(connection, row["id"])
    click.echo(f"zone: {row['zone']}")
    click.echo(f"country: {row['country'] or '-'}\ttrunk prefix: {row['trunk_prefix'] or '-'}")
    for rule in rules:
        off = "prefix" if rule.strip is None else rule.strip
        length = f"{rule.least or 0}..{'' if rule.most is None else rule.most}"
        click.echo(
            f"rule {rule.id}: {rule.side} of {rule.domain or 'all'}, {rule.prefix or 'any'},"
            f" length {length}: off {off}, add {rule.add or 'nothing'}"
        )
    for one in sources.columns_of(dbs, row).meanings:
        how = "by name" if one.choice is None else "chosen"
        click.echo(f"column {one.name}: {one.column or 'none'} ({how})")


@command.command("set")
@click.argument("name")
@click.option("--zone", help="The IANA zone of its clock.")
@click.option("--country", help="The country code that national numbers get.")
@click.option("--trunk-prefix", help="What national numbers begin with.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="MEANING=COLUMN",
    help="Which column has a meaning; '-' for none, '?' for a guess by name.",
)
@with_appcontext
def set_(
    name: str,
    zone: str | None,
    country: str | None,
    trunk_prefix: str | None,
    columns: tuple[str, ...],
) -> None:
    """Change how source NAME is read; earlier calls are not changed."""
    given = {"zone": zone, "country": country, "trunk_prefix": trunk_prefix}
    values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    with writing(context.databases().panel) as connection:
        row = sources.named(connection, name)
        mapping = sources.mapping_of(row)
        for text in columns:
            meaning, sign, column = text.partition("=")
            if meaning not in USUAL_NAMES or not sign or not column:
                raise click.UsageError(
                    f"--column takes MEANING=COLUMN; meanings: {', '.join(USUAL_NAMES)}."
                )
            mapping.pop(meaning, None)
            if column != "?":
                mapping[meaning] = "" if column == "-" else column
        sources.change(connection, row, values | ({"columns": mapping} if columns else {}))
    click.echo(f"{name} is set. It counts for rows that are read from now on.")


@command.command("try")
@click.argument("name")
@click.argument("number")
@click.option("--domain", default="", help="The caller's domain.")
@click.option("--caller", "side", flag_value="caller", help="The number is the caller's.")
@click.option("--callee", "side", flag_value="callee", default="callee", help="The callee's.")
@with_appcontext
def try_(name: str, number: str, domain: str, side: str) -> None:
    """Print what the rules of source NAME make of NUMBER."""
    with reading(context.databases().panel) as connection:
        row = sources.named(connection, name)
        (found,) = load_sources(connection, row["id"])
    habits = found.habits
    answer = source_rules.try_number(habits.rules, habits.plan, number, side, domain)
    click.echo(f"rule: {answer.rule.id if answer.rule else 'none'}\tmakes: {answer.changed}")
    known = f"{answer.about.country} {answer.about.kind}" if answer.about else "unknown"
    click.echo(f"number: {answer.number or '-'}\t{known}")
