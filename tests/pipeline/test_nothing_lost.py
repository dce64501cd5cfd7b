"""Late rows, restarted ids, killed workers, suspense: no row is lost and none is used twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app import invariants, recording
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.cdr.tables import answered
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.mediation import suspense
from app.opensips.tables import reflect
from app.pipeline import Overtaken, Pipeline
from app.rounds import Runner
from tests.pipeline import recorded


def scenario(shared: Path, index: int, **change: Any) -> dict[str, Any]:
    """A recorded scenario with its one acc row changed."""
    found = recorded.scenarios(shared)[index]
    return {"missed_calls": [], "acc": [found["acc"][0] | change]}


def names(dbs: Databases) -> list[str]:
    """The rows that CDRs are made of."""
    with reading(dbs.panel) as connection:
        return sorted(
            name for cdr in walk(connection, Filters()) for name in cdr["acc_ids"].split()
        )


def violations(dbs: Databases, settings: Settings) -> list[str]:
    """What ``flask verify`` would complain about."""
    checked = invariants.check(dbs, settings, offline=True)
    return [violation for finding in checked for violation in finding.violations]


def test_a_row_that_commits_late_is_read(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    settings = replace(settings, settling_ms=clock.HOUR)
    fresh = clock.wall_clock(clock.now_ms(), "UTC").isoformat(" ")
    now = {"time": fresh, "created": fresh, "ms_duration": 0}
    recorded.load(both_dbs, [scenario(shared_dir, 0, id=i, callid=f"c{i}", **now) for i in (1, 3)])
    runner = Runner(both_dbs, settings)
    runner.round()
    assert names(both_dbs) == ["acc:1", "acc:3"]
    recorded.load(both_dbs, [scenario(shared_dir, 0, id=2, callid="c2", **now)])
    runner.round()
    assert names(both_dbs) == ["acc:1", "acc:2", "acc:3"]


def test_ids_that_restart_begin_a_new_epoch(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(both_dbs, [scenario(shared_dir, 0, id=i, callid=f"old{i}") for i in (1, 2, 3)])
    runner = Runner(both_dbs, settings)
    runner.round()
    with writing(both_dbs.switch) as connection:
        connection.execute(reflect(connection, "acc").delete())
    recorded.load(both_dbs, [scenario(shared_dir, 0, id=i, callid=f"new{i}") for i in (1, 2)])
    runner.round()
    assert names(both_dbs) == ["acc:1", "acc:1", "acc:2", "acc:2", "acc:3"]
    assert violations(both_dbs, settings) == []


def test_a_second_worker_with_the_same_window_writes_nothing(
    both_dbs: Databases, settings: Settings, shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    first, second = (Pipeline(both_dbs, settings) for _ in range(2))
    first.refresh()
    second.refresh()
    stale = second.bookmarks("live")
    first.step("live", 500)
    before = names(both_dbs)
    monkeypatch.setattr(second, "bookmarks", lambda _part: stale)
    with pytest.raises(Overtaken):
        second.step("live", 500)
    assert names(both_dbs) == before
    assert violations(both_dbs, settings) == []


def test_killed_while_storing_leaves_nothing_and_loses_nothing(
    both_dbs: Databases, settings: Settings, shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(recording.pricing, "close_holds", killed)
        with pytest.raises(KeyboardInterrupt):
            Runner(both_dbs, settings).round()
    assert names(both_dbs) == []
    Runner(both_dbs, settings).to_the_end(lambda _rows: None)
    assert len(names(both_dbs)) > 30
    assert violations(both_dbs, settings) == []


def test_suspense_is_replayed_once_its_cause_is_gone(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(both_dbs, [scenario(shared_dir, 0, id=1, time="2099-01-01 00:00:00")])
    runner = Runner(both_dbs, settings)
    runner.round()
    with reading(both_dbs.panel) as connection:
        assert suspense.counts(connection) == {"in_future": 1}
        ids = suspense.ids_of(connection, "in_future")
        entry = suspense.entry(connection.execute(suspense.entries()).mappings().one())
    assert "zone" in entry["remedy"]
    assert runner.pipeline.replay(ids) == (0, 1)
    # The switch's clock is put right, and the row with it.
    raw = entry["row"].replace("2099-01-01 00:00:00", "2026-11-20 00:00:00")
    with writing(both_dbs.panel) as connection:
        table = suspense.suspense
        connection.execute(table.update().where(table.c.id == ids[0]).values(row=raw))
    assert runner.pipeline.replay(ids) == (1, 0)
    assert names(both_dbs) == ["acc:1"]
    with reading(both_dbs.panel) as connection:
        assert suspense.counts(connection) == {}


def test_an_invite_without_bye_is_open_then_in_suspense_then_completed(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    pair = recorded.scenarios(shared_dir)[51]
    invite, bye = pair["acc"]
    recorded.load(both_dbs, [{"acc": [invite], "missed_calls": []}])
    patient = replace(settings, open_call_ms=400 * clock.DAY)
    Runner(both_dbs, patient).round()
    with reading(both_dbs.panel) as connection:
        assert list(
            connection.scalars(suspense.open_rows().with_only_columns(suspense.open_call.c.acc_id))
        ) == [invite["id"]]
    hasty = replace(settings, open_call_ms=1)
    Runner(both_dbs, hasty).round()
    with reading(both_dbs.panel) as connection:
        assert suspense.counts(connection) == {"no_bye": 1}
    recorded.load(both_dbs, [{"acc": [bye], "missed_calls": []}])
    Runner(both_dbs, patient).round()
    assert names(both_dbs) == [f"acc:{invite['id']}", f"acc:{bye['id']}"]
    assert violations(both_dbs, settings) == []


def test_a_lone_missed_call_is_taken_over_by_its_main_row(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    failover = recorded.scenarios(shared_dir)[7]
    recorded.load(both_dbs, [{"acc": [], "missed_calls": failover["missed_calls"]}])
    Runner(both_dbs, replace(settings, open_call_ms=400 * clock.DAY)).round()
    missed = f"missed_calls:{failover['missed_calls'][0]['id']}"
    assert names(both_dbs) == [missed]
    recorded.load(both_dbs, [{"acc": failover["acc"], "missed_calls": []}])
    Runner(both_dbs, replace(settings, open_call_ms=400 * clock.DAY)).round()
    assert names(both_dbs) == [f"acc:{failover['acc'][0]['id']}", missed]
    with reading(both_dbs.panel) as connection:
        assert len(list(walk(connection, Filters()))) == 1
    assert violations(both_dbs, settings) == []


def test_a_large_table_is_read_newest_day_first(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    model = recorded.scenarios(shared_dir)[0]["acc"][0]
    now = clock.now_ms()
    rows = []
    for number in range(1, 6_001):
        at = clock.wall_clock(now - (6_000 - number) * 10 * clock.DAY // 6_000, "UTC")
        text = at.isoformat(" ")
        rows.append(model | {"id": number, "callid": f"c{number}", "time": text, "created": text})
    recorded.load(both_dbs, [{"acc": rows, "missed_calls": []}])
    runner = Runner(both_dbs, settings)
    runner.round(paused=True)
    with reading(both_dbs.panel) as connection:
        first = connection.scalar(select(func.count()).select_from(answered)) or 0
    assert 500 < first < 700
    assert runner.backlog_left() == 6_000 - first
    runner.to_the_end(lambda _rows: None)
    assert len(names(both_dbs)) == 6_000
    assert violations(both_dbs, settings) == []
