"""Rows that became visible after the settling time: found by comparing, used once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import comparison
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.jobs import progress, runner
from app.jobs.tables import job
from app.mediation import compare_job
from app.pipeline import Overtaken, Pipeline
from app.rounds import Runner
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import names, scenario, violations


def _load(dbs: Databases, shared: Path, *ids: int) -> None:
    at = clock.wall_clock(clock.now_ms() - clock.HOUR, "UTC").isoformat(" ")
    change = {"time": at, "created": at, "ms_duration": 1000}
    recorded.load(dbs, [scenario(shared, 0, id=i, callid=f"c{i}", **change) for i in ids])


def test_a_row_that_came_too_late_is_found_and_used_once(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.price_alice(both_dbs)
    _load(both_dbs, shared_dir, 1, 4, 5)
    late = Runner(both_dbs, replace(settings, settling_ms=0))
    late.round()
    _load(both_dbs, shared_dir, 2, 3)
    late.round()
    assert names(both_dbs) == ["acc:1", "acc:4", "acc:5"]
    with writing(both_dbs.panel) as connection:
        number = compare_job.start(connection)
        assert compare_job.start(connection) == number
    runner.run_next(both_dbs, settings)
    assert names(both_dbs) == ["acc:1", "acc:2", "acc:3", "acc:4", "acc:5"]
    with reading(both_dbs.panel) as connection:
        done = progress.get(connection, number)
    assert (done.state, done.done, done.detail) == ("done", 5, {"found": 2})
    assert compare_job.KIND.result(done) == [
        "5 rows were compared.",
        "2 had come later than the settling time and are used now.",
    ]
    with writing(both_dbs.panel) as connection:
        again = compare_job.start(connection)
    runner.run_next(both_dbs, settings)
    with reading(both_dbs.panel) as connection:
        assert progress.get(connection, again).detail == {"found": 0}
    assert violations(both_dbs, settings) == []


def test_who_was_overtaken_writes_nothing(
    dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    _load(dbs, shared_dir, 1, 3)
    Runner(dbs, replace(settings, settling_ms=0)).round()
    _load(dbs, shared_dir, 2)
    first, second = (Pipeline(dbs, settings) for _ in range(2))
    mark = next(one for one in second.bookmarks("live") if one.table == "acc")
    for stretch in comparison.stretches(first):
        comparison.compare(first, stretch)
    with pytest.raises(Overtaken):
        second.pick_up(mark, [2])
    assert names(dbs) == ["acc:1", "acc:2", "acc:3"]


def test_it_runs_once_a_night(dbs: Databases) -> None:
    noon = clock.parse("2026-11-24T12:00:00Z")
    with writing(dbs.panel) as connection:
        for hours in (0, 14, 14.5, 38):
            compare_job.start_if_due(connection, noon + int(hours * clock.HOUR))
            connection.execute(job.update().values(state="done", created_at=noon + 14 * clock.HOUR))
        assert len(connection.execute(select(job.c.id)).all()) == 2


def test_the_button_leads_to_its_job(admin_client: FlaskClient, dbs: Databases) -> None:
    csrf = admin_client.csrf  # type: ignore[attr-defined]
    answer = admin_client.post("/suspense/compare", data={"csrf_token": csrf})
    assert answer.status_code == 303
    page = admin_client.get(answer.headers["Location"])
    assert "Comparison with the switch" in page.text
