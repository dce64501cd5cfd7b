"""Commands that end with one sentence where they would end with a traceback."""

from __future__ import annotations

from typing import Any

import click

from app.core.errors import CompanionError


class FriendlyCommand(click.Command):
    """A CompanionError becomes ``Error: what. Remedy.`` and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except CompanionError as exc:
            raise click.ClickException(str(exc)) from exc


class FriendlyGroup(click.Group):
    """A group of them."""

    command_class = FriendlyCommand
