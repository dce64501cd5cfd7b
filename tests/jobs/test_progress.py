"""Progress: the row says how far, when it will be over, and how it ended."""

from __future__ import annotations

import pytest

from app.core import clock
from app.core.database import Databases, writing
from app.core.errors import NotFound
from app.jobs import progress


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [1_800_000_000_000]
    monkeypatch.setattr(clock, "now_ms", lambda: moment[0])
    return moment


def test_a_job_from_start_to_end(panel_db: Databases, now: list[int]) -> None:
    with writing(panel_db.panel) as connection:
        number = progress.start(connection, "mediation", "Reading the backlog", 200)
        now[0] += 10_000
        assert progress.advance(connection, number, 50, detail={"suspense": 2})
        job = progress.get(connection, number)
        assert (job.percent, job.left_ms, job.detail) == (25, 30_000, {"suspense": 2})
        assert progress.running(connection) == [job]
        assert progress.running(connection, "other") == []
        assert progress.finish(connection, number)
        assert progress.running(connection) == []
        assert progress.get(connection, number).state == "done"


def test_a_job_that_ended_stays_as_it_ended(panel_db: Databases, now: list[int]) -> None:
    with writing(panel_db.panel) as connection:
        number = progress.start(connection, "export", "Calls of May", 10)
        assert progress.finish(connection, number, "cancelled")
        assert not progress.advance(connection, number, 5)
        assert not progress.finish(connection, number)
        assert progress.get(connection, number).state == "cancelled"


def test_hundred_percent_means_all_and_unknown_stays_unknown(
    panel_db: Databases, now: list[int]
) -> None:
    with writing(panel_db.panel) as connection:
        number = progress.start(connection, "mediation", "x", 1000)
        progress.advance(connection, number, 999)
        assert progress.get(connection, number).percent == 99
        unknown = progress.start(connection, "mediation", "y")
        assert progress.get(connection, unknown).percent is None
        assert progress.get(connection, unknown).left_ms is None
        with pytest.raises(NotFound):
            progress.get(connection, 999_999)
