"""Jobs that workers take up: one worker each, bite by bite, through kills, cancels and failures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.errors import Conflict, DatabaseUnavailable
from app.core.settings import Settings
from app.jobs import progress, queue, runner
from app.jobs.kinds import Bite, Kind, Work
from app.jobs.progress import Job
from app.jobs.tables import job


class Killed(BaseException):
    """The process is gone: nothing below it can tidy up."""


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [1_800_000_000_000]
    monkeypatch.setattr(clock, "now_ms", lambda: moment[0])
    return moment


def _kind(bite: Callable[[Work], Bite]) -> dict[str, Kind]:
    return {"count": Kind("count", bite, lambda _job: "Counting", lambda _job: [])}


def _count(work: Work) -> Bite:
    """Counts to the total, one at a bite."""
    done = int(work.place.get("at", 0)) + 1
    return Bite(done, {"at": done} if done < work.total else None, {"seen": done})


def _put(dbs: Databases, total: int = 5, kind: str = "count") -> int:
    with writing(dbs.panel) as connection:
        return queue.put(connection, kind, "Counting", {"to": total}, total=total, operator_id=7)


def _get(dbs: Databases, job_id: int) -> Job:
    with reading(dbs.panel) as connection:
        return progress.get(connection, job_id)


def test_from_waiting_to_done(panel_db: Databases, settings: Settings) -> None:
    number = _put(panel_db)
    assert (_get(panel_db, number).state, _get(panel_db, number).operator_id) == ("waiting", 7)
    assert runner.run_next(panel_db, settings, registry=_kind(_count)) == 5
    found = _get(panel_db, number)
    assert (found.state, found.done, found.detail) == ("done", 5, {"seen": 5})
    assert runner.run_next(panel_db, settings, registry=_kind(_count)) == 0


def test_a_killed_worker_is_followed_by_another_after_the_lease(
    panel_db: Databases, settings: Settings, now: list[int]
) -> None:
    number = _put(panel_db)
    effects: list[int] = []

    def mortal(work: Work) -> Bite:
        bite = _count(work)
        effects.append(bite.done)
        if effects == [1, 2, 3]:
            raise Killed
        return bite

    with pytest.raises(Killed):
        runner.run_next(panel_db, settings, registry=_kind(mortal))
    assert (_get(panel_db, number).state, _get(panel_db, number).done) == ("running", 2)
    now[0] += queue.LEASE_MS - 1
    assert runner.run_next(panel_db, settings, registry=_kind(mortal)) == 0
    now[0] += 1
    assert runner.run_next(panel_db, settings, registry=_kind(mortal)) == 3
    # The bite that was not noted came twice: bites must bear that.
    assert effects == [1, 2, 3, 3, 4, 5]
    assert _get(panel_db, number).state == "done"


def test_cancel_in_the_middle_stops_after_the_bite(panel_db: Databases, settings: Settings) -> None:
    number = _put(panel_db)

    def cancelled(work: Work) -> Bite:
        bite = _count(work)
        if bite.done == 2:
            with writing(panel_db.panel) as connection:
                assert queue.cancel(connection, number)
            assert _get(panel_db, number).stopping
        return bite

    assert runner.run_next(panel_db, settings, registry=_kind(cancelled)) == 2
    found = _get(panel_db, number)
    assert (found.state, found.done, found.stopping) == ("cancelled", 2, False)
    with writing(panel_db.panel) as connection:
        assert not queue.cancel(connection, number)
    assert runner.run_next(panel_db, settings, registry=_kind(_count)) == 0


def test_cancel_before_anybody_took_it_and_after_its_worker_died(
    panel_db: Databases, now: list[int]
) -> None:
    waiting, orphan = _put(panel_db), _put(panel_db)
    with writing(panel_db.panel) as connection:
        assert queue.cancel(connection, waiting)
        taken = queue.take(connection)
    assert taken is not None and taken.id == orphan
    now[0] += queue.LEASE_MS
    with writing(panel_db.panel) as connection:
        assert queue.cancel(connection, orphan)
        assert queue.move(connection, taken, Bite(1, {}, {})) is None
    assert {_get(panel_db, number).state for number in (waiting, orphan)} == {"cancelled"}


def test_what_no_worker_takes_up_is_neither_taken_nor_cancelled(panel_db: Databases) -> None:
    with writing(panel_db.panel) as connection:
        number = progress.start(connection, "backlog", "Reading", 10)
        assert queue.take(connection) is None
        assert not queue.cancel(connection, number)


def test_two_workers_never_hold_the_same_job(panel_db: Databases) -> None:
    numbers = [_put(panel_db) for _ in range(6)]

    def take(_worker: int) -> list[int]:
        found = []
        while True:
            with writing(panel_db.panel) as connection:
                taken = queue.take(connection)
            if taken is None:
                return found
            found.append(taken.id)

    with ThreadPoolExecutor(2) as pool:
        held = [number for part in pool.map(take, range(2)) for number in part]
    # A rival may have taken one between look and grasp; it is then taken in the next turn.
    assert len(held) == len(set(held)) and set(held) <= set(numbers)
    with reading(panel_db.panel) as connection:
        tokens = connection.execute(select(job.c.token)).scalars().all()
    assert sum(tokens) == len(held)


def test_a_worker_that_slept_past_its_lease_writes_nothing(
    panel_db: Databases, now: list[int]
) -> None:
    number = _put(panel_db)
    with writing(panel_db.panel) as connection:
        sleeper = queue.take(connection)
    now[0] += queue.LEASE_MS
    with writing(panel_db.panel) as connection:
        other = queue.take(connection)
        assert sleeper is not None and other is not None and other.token == sleeper.token + 1
        assert queue.move(connection, sleeper, Bite(4, {"at": 4}, {})) is None
        assert not queue.end(connection, sleeper, "done")
        assert queue.move(connection, other, Bite(1, {"at": 1}, {})) is not None
    assert _get(panel_db, number).done == 1


def test_a_stopping_worker_hands_over_at_once(panel_db: Databases, settings: Settings) -> None:
    number = _put(panel_db)
    asked = iter([False, False, True])
    assert runner.run_next(panel_db, settings, lambda: next(asked), _kind(_count)) == 2
    assert runner.run_next(panel_db, settings, registry=_kind(_count)) == 3
    assert _get(panel_db, number).state == "done"


def test_failures_are_tried_again_then_told(
    panel_db: Databases, settings: Settings, now: list[int]
) -> None:
    number = _put(panel_db)
    error: list[Exception] = [Conflict("Somebody was faster.", "Nothing was changed.")]
    tries: list[int] = []

    def broken(work: Work) -> Bite:
        tries.append(1)
        raise error[0]

    for _ in range(queue.MOST_TRIES):
        runner.run_next(panel_db, settings, registry=_kind(broken))
        now[0] += 10 * clock.MINUTE
    found = _get(panel_db, number)
    assert (found.state, len(tries)) == ("failed", queue.MOST_TRIES)
    assert found.detail["problem"]["message"] == "Somebody was faster."


def test_a_database_that_is_away_is_waited_for(
    panel_db: Databases, settings: Settings, now: list[int]
) -> None:
    number = _put(panel_db)
    away = [DatabaseUnavailable("Away.")] * (queue.MOST_TRIES + 3)

    def waits(work: Work) -> Bite:
        if away:
            raise away.pop()
        return _count(work)

    for _ in range(queue.MOST_TRIES + 3):
        with pytest.raises(DatabaseUnavailable):
            runner.run_next(panel_db, settings, registry=_kind(waits))
        now[0] += clock.MINUTE
    runner.run_next(panel_db, settings, registry=_kind(waits))
    assert _get(panel_db, number).state == "done"


def test_a_job_that_kills_its_workers_ends_as_failed(
    panel_db: Databases, settings: Settings, now: list[int]
) -> None:
    number = _put(panel_db)

    def deadly(_work: Work) -> Bite:
        raise Killed

    for _ in range(queue.MOST_TRIES):
        with pytest.raises(Killed):
            runner.run_next(panel_db, settings, registry=_kind(deadly))
        now[0] += queue.LEASE_MS
    runner.run_next(panel_db, settings, registry=_kind(deadly))
    found = _get(panel_db, number)
    assert (found.state, found.detail["problem"]) == ("failed", {"why": "stuck"})


def test_an_unknown_kind_fails_at_once(panel_db: Databases, settings: Settings) -> None:
    number = _put(panel_db, kind="from.the.future")
    registry: dict[str, Any] = {}
    assert runner.run_next(panel_db, settings, registry=registry) == 1
    assert _get(panel_db, number).detail["problem"] == {"why": "unknown"}
