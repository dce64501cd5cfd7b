"""``flask backup``: our whole database in one private file."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli.friendly import FriendlyCommand
from app.core import clock, context, schema
from app.core.database import Databases, reading, writing
from app.identity import audit
from app.upkeep import take
from app.upkeep.archive import Manifest
from app.upkeep.shape import UpkeepError

_NAME = "panel-%Y%m%dT%H%M%SZ.tar.gz"
_LIKE = "panel-[0-9]*T[0-9]*Z.tar.gz"


@click.command("backup", cls=FriendlyCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="FILE may be there already.")
@click.option("--keep", type=click.IntRange(1), help="FILE is a folder: keep its newest backups.")
@with_appcontext
def command(file: Path, replace: bool, keep: int | None) -> None:
    """Write the panel's database to FILE; in a folder, to a file named after the moment."""
    dbs, settings = context.databases(), context.settings()
    folder = file if file.is_dir() else None
    if keep is not None and folder is None:
        raise UpkeepError(f"{file} is no folder.", "--keep counts the backups of a folder.")
    target = into(folder) if folder is not None else file
    manifest = take.backup(dbs.panel, settings.secret_key, target, tell, replace=replace)
    note(dbs, target, manifest)
    if folder is not None and keep is not None:
        for old in sorted(folder.glob(_LIKE))[:-keep]:
            old.unlink()
            tell(f"removed {old}")
    click.echo(str(target))


def into(folder: Path) -> Path:
    """A new file's name in a folder of backups; names sort by age."""
    return folder / clock.to_datetime(clock.now_ms()).strftime(_NAME)


def note(dbs: Databases, file: Path, manifest: Manifest) -> None:
    """Who takes all data along is in the audit; older tables have none that could be written."""
    with reading(dbs.panel) as connection:
        if schema.revision(connection) != schema.head():
            return
    detail = {"file": file.name, "rows": sum(manifest.rows.values())}
    with writing(dbs.panel) as connection:
        audit.record(connection, action="database.backup", object="database:panel", detail=detail)


def tell(sentence: str) -> None:
    """Progress goes to standard error."""
    click.echo(sentence, err=True)
