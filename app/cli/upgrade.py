"""``flask upgrade``: a look, a backup, the migrations, a proof."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.backup import into, tell
from app.cli.friendly import FriendlyCommand
from app.core import context, schema
from app.core.database import writing
from app.core.errors import InvalidInput
from app.identity import audit
from app.mediation.source import ensure_sources
from app.upkeep import proof, upgrade
from app.upkeep.shape import UpkeepError
from app.upkeep.upgrade import Look


@click.command("upgrade", cls=FriendlyCommand)
@click.option("--check", is_flag=True, help="Only look: exit code 1 when something is against it.")
@click.option("--back", metavar="REVISION", help="Take migrations back, down to REVISION.")
@click.option("--backup-dir", type=click.Path(path_type=Path), help="Default: backups in the data.")
@click.option("--no-backup", is_flag=True, help="Do not save before.")
@with_appcontext
def command(check: bool, back: str | None, backup_dir: Path | None, no_backup: bool) -> None:
    """Bring the panel's tables to this version; the processes must be stopped.

    Exits with 1 when an invariant is broken afterwards.
    """
    dbs, settings = context.databases(), context.settings()
    folder = None if no_backup else backup_dir or settings.data_dir / "backups"
    found = upgrade.look(dbs, folder)
    target = _target(found, back)
    _show(found, target)
    if check:
        sys.exit(1 if found.problems else 0)
    if found.problems:
        raise UpkeepError("The upgrade was not begun.", "Put right what is written above.")
    if found.present != target:
        file = _file(folder) if found.present is not None else None
        upgrade.move(dbs, settings.secret_key, target, file, tell)
        if file is not None:
            click.echo(f"The backup is {file}.")
    if target != schema.head():
        click.echo(f"The tables are of revision {target}: start the version that belongs to it.")
        return
    with writing(dbs.panel) as connection:
        ensure_sources(connection, settings)
        if found.present != target:
            audit.record(
                connection,
                action="database.upgrade",
                object="database:panel",
                before={"revision": found.present},
                after={"revision": target},
            )
    if not proof.holds(dbs, settings, tell):
        click.echo("The tables are up to date. An invariant is broken.", err=True)
        sys.exit(1)
    click.echo("The tables are up to date. Every invariant holds.")


def _target(found: Look, back: str | None) -> str:
    if back is None:
        return schema.head()
    newer = {name for name, _ in found.pending}
    if found.present is None or back in newer or not schema.knows(back):
        raise InvalidInput(
            f"There is no way back to '{back}'.",
            f"Name a revision before {found.present or 'the first'}, such as 0001.",
        )
    return back


def _show(found: Look, target: str) -> None:
    for sentence in found.findings:
        click.echo(sentence)
    if found.present == target:
        click.echo(f"The tables are of revision {target}: nothing to migrate.")
    elif target == schema.head():
        for name, what in found.pending:
            click.echo(f"to do: {name} {what}")
    for sentence in found.problems:
        click.echo(f"Against it: {sentence}")


def _file(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise UpkeepError(f"{folder} cannot be made: {exc.strerror}.") from exc
    return into(folder)
