"""Beats: the newest of a kind counts, silence is noticed, the dead are forgotten."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.database import Databases, reading, writing
from app.jobs import heartbeat
from app.jobs.tables import heartbeat as table


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [1_800_000_000_000]
    monkeypatch.setattr(clock, "now_ms", lambda: moment[0])
    return moment


def _beat(dbs: Databases, process: str, **detail: object) -> None:
    with writing(dbs.panel) as connection:
        heartbeat.beat(connection, process, detail)


def _alive(dbs: Databases, process: str) -> bool:
    with reading(dbs.panel) as connection:
        return heartbeat.alive(connection, process, 30_000)


def test_a_process_lives_until_it_is_silent_for_too_long(
    panel_db: Databases, now: list[int]
) -> None:
    assert not _alive(panel_db, "worker")
    _beat(panel_db, "worker")
    now[0] += 30_000
    assert _alive(panel_db, "worker")
    now[0] += 1
    assert not _alive(panel_db, "worker")
    _beat(panel_db, "worker")
    assert _alive(panel_db, "worker")


def test_one_living_worker_of_several_is_enough(panel_db: Databases, now: list[int]) -> None:
    _beat(panel_db, "worker:one:1")
    now[0] += 60_000
    _beat(panel_db, "worker:two:2", read=5)
    assert _alive(panel_db, "worker")
    assert not _alive(panel_db, "worker:one:1")
    assert not _alive(panel_db, "work")
    with reading(panel_db.panel) as connection:
        last = heartbeat.last(connection, "worker")
    assert last == heartbeat.Beat("worker:two:2", now[0], {"read": 5})


def test_who_was_silent_for_a_day_is_forgotten(panel_db: Databases, now: list[int]) -> None:
    _beat(panel_db, "worker:one:1")
    _beat(panel_db, "charging:one:9")
    now[0] += clock.DAY + 1
    _beat(panel_db, "worker:two:2")
    with reading(panel_db.panel) as connection:
        names = set(connection.scalars(select(table.c.process)))
    assert names == {"charging:one:9", "worker:two:2"}


def test_a_process_that_stops_takes_itself_off(panel_db: Databases, now: list[int]) -> None:
    _beat(panel_db, "worker")
    with writing(panel_db.panel) as connection:
        heartbeat.forget(connection, "worker")
    assert not _alive(panel_db, "worker")
