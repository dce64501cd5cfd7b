"""The switch's rows go when they stand in calls, and nothing else does; reading goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import invariants
from app.cdr.tables import answered, failed
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity.tables import audit
from app.mediation.tables import open_call, reading_position, suspense
from app.opensips.tables import reflect
from app.retention import decisions, purge, run
from app.rounds import Runner
from tests.pipeline import recorded


def ids(dbs: Databases, name: str) -> set[int]:
    with reading(dbs.switch) as connection:
        return set(connection.scalars(select(reflect(connection, name).c.id)))


def count(dbs: Databases, *tables: Any) -> int:
    with reading(dbs.panel) as connection:
        return sum(connection.scalar(select(func.count()).select_from(t)) or 0 for t in tables)


def test_only_rows_of_stored_calls_go_and_new_rows_are_read(
    app: Flask,
    dbs: Databases,
    settings: Settings,
    shared_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded.load(dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(dbs)
    Runner(dbs, settings).to_the_end(lambda _rows: None)
    before, stored = ids(dbs, "acc"), count(dbs, answered, failed)
    wish = purge.Wish(days=30, bite=7, pause_s=0)
    assert purge.run(dbs, dbs.switch, wish).removed == {"acc": 0, "missed_calls": 0}
    real = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + 40 * clock.DAY)
    # Half of the calls are gone themselves: their rows are known by their seal.
    with writing(dbs.panel) as connection:
        decisions.decide(connection, {"failed": 14}, keep_digits=6, by="ann")
    assert sum(calls for _, calls in run.to_the_end(dbs)) > 0

    counted = purge.run(dbs, dbs.switch, purge.Wish(days=30, bite=7, pause_s=0, dry_run=True))
    assert ids(dbs, "acc") == before
    done = app.test_cli_runner().invoke(
        args=["acc", "purge", "--days", "30", "--bite", "7", "--pause", "0"]
    )
    assert done.exit_code == 0, done.output
    with reading(dbs.panel) as connection:
        kept = {
            name: set(connection.scalars(select(table.c.acc_id).where(table.c.table_name == name)))
            for name in ("acc", "missed_calls")
            for table in (suspense,)
        }
        waiting = set(
            connection.scalars(select(open_call.c.acc_id).where(open_call.c.table_name == "acc"))
        )
        noted = connection.scalar(
            select(func.count()).select_from(audit).where(audit.c.action == "acc.purge")
        )
    assert ids(dbs, "acc") == kept["acc"] | waiting
    assert len(before) - len(ids(dbs, "acc")) == counted.removed["acc"] > 20
    assert noted == 2
    checked = invariants.check(dbs, settings, offline=True)
    assert [found.violations for found in checked if found.violations] == []

    # What is left is in suspense; the reading position does not take it for a new table.
    now = clock.wall_clock(clock.now_ms(), "UTC").isoformat(" ")
    fresh = recorded.scenarios(shared_dir)[0]["acc"][0]
    runner = Runner(dbs, settings)
    runner.round()
    stored = count(dbs, answered, failed)
    row = fresh | {"id": max(before) + 1, "callid": "fresh", "time": now, "created": now}
    recorded.load(dbs, [{"acc": [row], "missed_calls": []}])
    runner.round()
    assert count(dbs, answered, failed) == stored + 1
    with reading(dbs.panel) as connection:
        assert set(connection.scalars(select(reading_position.c.epoch))) == {1}

    # Everything goes, and rows come after that.
    with writing(dbs.switch) as connection:
        connection.execute(reflect(connection, "acc").delete())
    runner.round()
    row |= {"id": max(before) + 2, "callid": "fresher"}
    recorded.load(dbs, [{"acc": [row], "missed_calls": []}])
    runner.round()
    assert count(dbs, answered, failed) == stored + 2


def test_a_slow_database_ends_the_purge(
    dbs: Databases, settings: Settings, shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.load(dbs, recorded.scenarios(shared_dir))
    Runner(dbs, settings).to_the_end(lambda _rows: None)
    real = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + 40 * clock.DAY)
    before = len(ids(dbs, "acc"))
    with pytest.raises(purge.TooSlow):
        purge.run(dbs, dbs.switch, purge.Wish(bite=5, pause_s=0, slow_s=0.0))
    assert before - 5 <= len(ids(dbs, "acc")) < before
