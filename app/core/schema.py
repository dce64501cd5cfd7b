"""Our tables' version: bringing a database up to date, and asking whether it is."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from app.core.database import reading, writing

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
        present = MigrationContext.configure(connection).get_current_revision()
    return present == ScriptDirectory.from_config(_config()).get_current_head()


def _run(engine: Engine, action: object, to: str) -> None:
    config = _config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        action(config, to)  # type: ignore[operator]
