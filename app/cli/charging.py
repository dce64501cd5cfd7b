"""``flask charging``: answers OpenSIPS while calls run."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import click
from flask.cli import with_appcontext

from app.charging.server import serve
from app.core import context
from app.core.database import writing
from app.core.errors import CompanionError
from app.jobs import heartbeat

log = logging.getLogger(__name__)


@click.command("charging")
@with_appcontext
def command() -> None:
    """Answer the cgrates module of OpenSIPS until told to stop."""
    dbs, settings = context.databases(), context.settings()

    def ready(host: str, port: int) -> None:
        log.info("charging listens on %s:%d", host, port)

    def beat() -> None:
        with writing(dbs.panel) as connection:
            heartbeat.beat(connection, "charging")

    try:
        asyncio.run(serve(dbs, settings, ready=ready, beat=beat))
    except CompanionError as exc:
        raise click.ClickException(str(exc)) from exc
    with contextlib.suppress(CompanionError), writing(dbs.panel) as connection:
        heartbeat.forget(connection, "charging")
