"""Migrations: linear, reversible, with data, the same as the tables that the code knows."""

from __future__ import annotations

import re
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text

from app.cdr.partitions import Partitions
from app.charging import tables as charging
from app.core import clock, schema
from app.core.database import Databases, metadata, reading, writing
from app.core.settings import Settings
from app.identity import tables as identity
from app.jobs import tables as jobs
from app.provisioning import tables as provisioning
from app.rounds import Runner
from tests.pipeline import recorded

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"
ROOMS = (charging, identity, jobs, provisioning)


def test_every_migration_follows_the_one_before() -> None:
    files = sorted(VERSIONS.glob("*.py"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    names = [re.search(r'^revision = "(\d{4})"', found, re.M).group(1) for found in texts]  # type: ignore[union-attr]
    assert names == [f"{number:04d}" for number in range(1, len(files) + 1)]
    for before, found in zip(names, texts[1:], strict=False):
        assert f'down_revision = "{before}"' in found


def test_up_down_and_up_again_with_data(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    assert schema.is_current(both_dbs.panel)
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)
    Runner(both_dbs, settings).to_the_end(lambda _rows: None)
    with reading(both_dbs.panel) as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM cdr")) == 32
    schema.downgrade(both_dbs.panel, "0005")
    assert "cdr_answered" not in inspect(both_dbs.panel).get_table_names()
    with reading(both_dbs.panel) as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM account")) == 2
    assert not schema.is_current(both_dbs.panel)
    schema.upgrade(both_dbs.panel)
    assert schema.is_current(both_dbs.panel)
    schema.downgrade(both_dbs.panel, "base")
    assert inspect(both_dbs.panel).get_table_names() == ["alembic_version"]
    schema.upgrade(both_dbs.panel)
    with writing(both_dbs.panel) as connection:
        assert connection.execute(select(identity.tenant.c.name)).scalars().all() == ["House"]


def test_migrated_tables_are_those_that_the_code_knows(panel_db: Databases) -> None:
    Partitions(panel_db.panel).ensure([clock.now_ms()], clock.now_ms())
    ours = set(metadata.tables)

    def mine(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in ours

    with reading(panel_db.panel) as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": mine, "compare_type": False}
        )
        assert compare_metadata(context, metadata) == []
