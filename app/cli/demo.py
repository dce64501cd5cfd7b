"""``flask demo``: demo data; ``flask demo switch``: the demo switch."""

from __future__ import annotations

import time

import click
from flask.cli import with_appcontext

from app.cli import demo_masterdata
from app.core import clock
from app.core.context import databases, settings
from app.core.database import writing
from app.core.errors import CompanionError, SettingsError
from app.opensips.simulator import history
from app.opensips.simulator.cast import cast
from app.opensips.simulator.run import run
from app.opensips.simulator.seed import check_empty, seed


@click.group("demo", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Demo data and the demo switch (only with PANEL_DEMO=1 and without a real switch)."""
    if context.invoked_subcommand is None:
        context.invoke(seed_command)


@command.command("seed")
@with_appcontext
def seed_command() -> None:
    """Ninety days of calls of a small carrier, and its customers and tariffs."""
    began = time.monotonic()
    try:
        _check_demo()
        check_empty(databases().switch)
        now = clock.now_ms()
        zone = settings().source_zone
        calls = history.calls(cast(), zone, now)
        with writing(databases().panel) as connection:
            demo_masterdata.create(connection, cast(), calls, now)
        done = seed(databases().switch, cast(), calls, zone, now)
    except CompanionError as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(
        f"Demo data: {done.acc} rows in acc, {done.missed_calls} in missed_calls,"
        f" in {time.monotonic() - began:.1f} s."
    )


@command.command("switch")
@click.option(
    "--mi-bind",
    default="127.0.0.1:8888",
    show_default=True,
    help="HOST:PORT of the MI.",
)
@click.option("--pace", default=1.0, show_default=True, help="Calls: 2 means twice as many.")
@with_appcontext
def switch_command(mi_bind: str, pace: float) -> None:
    """The demo switch: traffic and MI, until it is told to stop."""
    try:
        _check_demo()
        host, _, port = mi_bind.rpartition(":")
        if not port.isdigit() or pace <= 0:
            raise SettingsError("That is no address or no pace.", "Write --mi-bind 127.0.0.1:8888.")
        run(databases().switch, settings().source_zone, host, int(port), pace)
    except CompanionError as exc:
        raise click.ClickException(str(exc)) from exc


def _check_demo() -> None:
    if not settings().demo:
        raise SettingsError(
            "This is not a demo: PANEL_DEMO is off, or a real switch is configured.",
            "Set PANEL_DEMO=1 and neither PANEL_NODES nor PANEL_OPENSIPS_DATABASE_URL.",
        )
