"""``flask cdr``: search and export calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import click
from flask.cli import with_appcontext

from app.cdr.export import plain
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.cli.friendly import FriendlyGroup
from app.core import clock, context
from app.core.database import reading


@click.group("cdr", cls=FriendlyGroup)
def command() -> None:
    """Call detail records."""


def _filters(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--status", type=click.Choice(["answered", "failed"])),
        click.option("--domain"),
        click.option("--account"),
        click.option("--sip-class", type=click.IntRange(1, 6), help="5 for all 5xx"),
        click.option("--call-id"),
        click.option("--callee", help="E.164 digits; 4930* for all that start with it"),
        click.option("--caller", help="as --callee"),
        click.option("--until", "until", help="set up before (ISO 8601, UTC)"),
        click.option("--since", help="set up at or after (ISO 8601, UTC)"),
    ):
        function = option(function)
    return function


@command.command("search")
@_filters
@click.option("--limit", type=click.IntRange(1, 10_000), default=50)
@with_appcontext
def search(limit: int, **chosen: Any) -> None:
    """Print the newest calls that match, one line each."""
    with reading(context.databases().panel) as connection:
        for cdr in islice(walk(connection, _chosen(chosen)), limit):
            item = plain(cdr)
            price = f"{item['price']} {item['currency']}" if item["price"] else "-"
            click.echo(
                f"{item['setup_at']:24} {item['caller']:>20} -> {item['callee']:20}"
                f" {item['sip_code']} {item['duration_ms'] / 1000:9.1f} s  {price}"
            )


@command.command("export")
@_filters
@click.option("--format", "format_", type=click.Choice(["jsonl"]), default="jsonl")
@with_appcontext
def export(format_: str, **chosen: Any) -> None:
    """Print all calls that match, newest first, one JSON object a line."""
    with reading(context.databases().panel) as connection:
        for cdr in walk(connection, _chosen(chosen)):
            click.echo(json.dumps(plain(cdr), ensure_ascii=False))


def _chosen(chosen: dict[str, Any]) -> Filters:
    for name in ("since", "until"):
        if chosen[name] is not None:
            chosen[name] = clock.parse(chosen[name])
    return Filters(**chosen)
