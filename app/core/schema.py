"""Our tables' version: bringing a database up to date, and asking whether it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.core.database import is_mysql, reading, writing
from app.core.errors import Conflict

_PATIENCE_S = 30
_MIGRATIONS = Path(__file__).parents[2] / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def upgrade(engine: Engine, to: str = "head") -> None:
    """Runs the migrations that are missing; each in a transaction where the database can."""
    _run(engine, command.upgrade, to)


def downgrade(engine: Engine, to: str) -> None:
    """Takes migrations back, down to a revision or ``base``."""
    _run(engine, command.downgrade, to)


def is_current(engine: Engine) -> bool:
    """Whether every migration has run."""
    with reading(engine) as connection:
        return revision(connection) == head()


def head() -> str:
    """The revision that this version of the code works with."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def revision(connection: Connection) -> str | None:
    """The revision that the database is at; None when no migration has run."""
    return MigrationContext.configure(connection).get_current_revision()


def knows(name: str) -> bool:
    """Whether there is a migration of that revision."""
    return any(script.revision == name for script in _scripts())


def pending(present: str | None) -> list[tuple[str, str]]:
    """Revision and sentence of every migration after that one, oldest first."""
    found = []
    for script in _scripts():
        if script.revision == present:
            break
        found.append((str(script.revision), str(script.doc)))
    return found[::-1]


def _scripts() -> list[Script]:
    """All migrations, newest first."""
    return list(ScriptDirectory.from_config(_config()).walk_revisions())


def busy(connection: Connection) -> bool:
    """Whether another process runs migrations now (SQLite's own lock is not asked)."""
    if not _lock(connection):
        return True
    _unlock(connection)
    return False


def _run(engine: Engine, action: object, to: str) -> None:
    config = _config()
    with writing(engine) as connection, _alone(connection):
        config.attributes["connection"] = connection
        action(config, to)  # type: ignore[operator]


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Only one process changes the tables at a time; raises Conflict after half a minute."""
    until = time.monotonic() + _PATIENCE_S
    while not _lock(connection):
        if time.monotonic() > until:
            raise Conflict(
                "Another process changes the panel's tables.", "Wait until it has ended."
            )
        time.sleep(0.2)
    try:
        yield
    finally:
        _unlock(connection)


# The transaction of a migration holds SQLite's lock, and PostgreSQL's until it ends. MariaDB
# commits in between; its locks are the session's, and have names for the whole server.
_TAKE = text("SELECT GET_LOCK(CONCAT('companion_', DATABASE()), 0)")
_GIVE = text("SELECT RELEASE_LOCK(CONCAT('companion_', DATABASE()))")


def _lock(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return True
    if is_mysql(connection):
        return bool(connection.scalar(_TAKE))
    return bool(connection.scalar(text("SELECT pg_try_advisory_xact_lock(724502)")))


def _unlock(connection: Connection) -> None:
    if is_mysql(connection):
        with suppress(DBAPIError):  # a connection that broke has lost its locks
            connection.execute(_GIVE)
