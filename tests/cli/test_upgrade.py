"""``flask upgrade``: looks, saves, migrates, verifies; up and down, on every database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import inspect, select, text

from app.core import schema
from app.core.database import Databases, reading, writing
from app.core.errors import Conflict
from app.identity.tables import audit
from app.jobs import heartbeat
from app.ledger import account
from app.ledger.tables import entry
from app.upkeep import upgrade as upkeep

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    def runs(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["upgrade", *words])

    return runs


def revision(dbs: Databases) -> str | None:
    with reading(dbs.panel) as connection:
        return schema.revision(connection)


def some_money(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        number = account.create(connection, code="a", currency="EUR", mode="prepaid")
        account.top_up(connection, number, 5_000, "topup:1", "")


def test_down_and_up_again_with_a_backup_each_time(
    panel_db: Databases, app: Flask, run: Run, tmp_path: Path
) -> None:
    some_money(panel_db)
    folder = tmp_path / "backups"
    down = run("--back", "0012", "--backup-dir", str(folder))
    assert down.exit_code == 0, down.output
    assert "start the version that belongs to it" in down.output
    assert revision(panel_db) == "0012"
    assert len(list(folder.iterdir())) == 1
    looked = run("--check", "--backup-dir", str(folder))
    assert looked.exit_code == 0, looked.output
    assert "to do: 0013 The audit is a chain of hashes" in looked.output
    assert "to do: 0014" in looked.output
    assert revision(panel_db) == "0012"
    time.sleep(1.1)  # backups are named after the second
    up = run("--backup-dir", str(folder))
    assert up.exit_code == 0, up.output
    assert "Every invariant holds." in up.output
    assert revision(panel_db) == schema.head()
    assert len(list(folder.iterdir())) == 2
    with reading(panel_db.panel) as connection:
        assert connection.scalars(select(audit.c.action)).all() == ["database.upgrade"]
        assert connection.scalar(text("SELECT COUNT(*) FROM account")) == 2
    again = run("--backup-dir", str(folder))
    assert again.exit_code == 0
    assert "nothing to migrate" in again.output
    assert len(list(folder.iterdir())) == 2


def test_a_broken_invariant_is_told(panel_db: Databases, run: Run) -> None:
    some_money(panel_db)
    with writing(panel_db.panel) as connection:
        connection.execute(entry.update().values(amount=entry.c.amount + 1))
    done = run("--no-backup")
    assert done.exit_code == 1
    assert "An invariant is broken" in done.output


def test_nothing_is_begun_while_a_process_runs(panel_db: Databases, run: Run) -> None:
    schema.downgrade(panel_db.panel, "0013")
    with writing(panel_db.panel) as connection:
        heartbeat.beat(connection, "worker")
    for words in (("--check",), ("--no-backup",)):
        refused = run(*words)
        assert refused.exit_code == 1
        assert "A worker runs: stop the processes first" in refused.output
    assert revision(panel_db) == "0013"
    with writing(panel_db.panel) as connection:
        heartbeat.forget(connection, "worker")
    assert run("--no-backup").exit_code == 0
    assert revision(panel_db) == schema.head()


def test_two_processes_do_not_migrate_at_once(
    panel_db: Databases, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if panel_db.panel.dialect.name == "sqlite":
        pytest.skip("its transaction is its lock")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with writing(panel_db.panel) as connection, schema._alone(connection):
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        refused = run("--check")
        assert refused.exit_code == 1
        assert "Another process changes the tables just now." in refused.output
        monkeypatch.setattr(schema, "_PATIENCE_S", 0.5)
        with pytest.raises(Conflict):
            schema.upgrade(panel_db.panel)
    finally:
        done.set()
        thread.join(10)
    assert run("--check").exit_code == 0


def test_an_empty_database_is_filled_without_a_backup(
    panel_db: Databases, run: Run, tmp_path: Path
) -> None:
    schema.downgrade(panel_db.panel, "base")
    with writing(panel_db.panel) as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    done = run("--backup-dir", str(tmp_path / "b"))
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "b").exists()
    assert revision(panel_db) == schema.head()


def test_tables_of_a_newer_version_are_left_alone(panel_db: Databases, run: Run) -> None:
    with writing(panel_db.panel) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for words in ((), ("--check",), ("--back", "0013")):
        refused = run(*words)
        assert refused.exit_code == 1
        assert "revision 9999, which this version does not know" in refused.output or words[1:]
    with writing(panel_db.panel) as connection:
        here = {"head": schema.head()}
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), here)
    for back in ("9999", "0099"):
        refused = run("--back", back)
        assert refused.exit_code == 1
        assert f"There is no way back to '{back}'" in refused.output


def test_too_little_space_is_told_before(
    dbs: Databases, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_LEAST_FREE", 2**62)
    refused = run("--check")
    assert refused.exit_code == 1
    assert "free for a backup" in refused.output
    assert "free for the database's file" in refused.output


def test_a_migration_that_fails_names_the_backup(
    panel_db: Databases, run: Run, tmp_path: Path
) -> None:
    schema.downgrade(panel_db.panel, "0013")
    with writing(panel_db.panel) as connection:
        connection.execute(text("CREATE TABLE operator_recovery (x INTEGER)"))
    failed = run("--backup-dir", str(tmp_path / "b"))
    assert failed.exit_code == 1
    (file,) = (tmp_path / "b").iterdir()
    assert f"What was before is in {file}" in failed.output
    assert "The migration failed" in failed.output
    assert revision(panel_db) == "0013"
    with writing(panel_db.panel) as connection:
        connection.execute(text("DROP TABLE operator_recovery"))
        if inspect(connection).has_table("operator_factor"):  # MariaDB's tables do not roll back
            connection.execute(text("DROP TABLE operator_factor"))
    assert run("--no-backup").exit_code == 0
