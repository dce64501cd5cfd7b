"""A lease: one holder at a time, and a token that tells an old holder from the new one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core import clock
from app.core.database import Databases, reading, writing
from app.jobs import lease

TTL = 10_000


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    moment = [1_000_000]
    monkeypatch.setattr(clock, "now_ms", lambda: moment[0])
    return moment


def _acquire(dbs: Databases, owner: str) -> int | None:
    with writing(dbs.panel) as connection:
        return lease.acquire(connection, "calls", owner, TTL)


def test_only_one_holds_it(panel_db: Databases, now: list[int]) -> None:
    assert _acquire(panel_db, "a") == 1
    assert _acquire(panel_db, "b") is None
    assert _acquire(panel_db, "a") is None


def test_after_its_end_it_goes_on_with_a_higher_token(panel_db: Databases, now: list[int]) -> None:
    first = _acquire(panel_db, "a")
    now[0] += TTL
    second = _acquire(panel_db, "b")
    assert first is not None and second is not None and second > first
    with writing(panel_db.panel) as connection:
        assert not lease.renew(connection, "calls", first, TTL)
        with pytest.raises(lease.LeaseLost):
            lease.guard(connection, "calls", first)
        lease.guard(connection, "calls", second)


def test_renewing_moves_the_end(panel_db: Databases, now: list[int]) -> None:
    token = _acquire(panel_db, "a")
    assert token is not None
    now[0] += TTL - 1
    with writing(panel_db.panel) as connection:
        assert lease.renew(connection, "calls", token, TTL)
    now[0] += TTL - 1
    assert _acquire(panel_db, "b") is None
    now[0] += 1
    assert _acquire(panel_db, "b") == token + 1


def test_a_released_lease_is_free_and_an_old_holder_cannot_release_it(
    panel_db: Databases, now: list[int]
) -> None:
    first = _acquire(panel_db, "a")
    assert first is not None
    with writing(panel_db.panel) as connection:
        lease.release(connection, "calls", first)
    second = _acquire(panel_db, "b")
    assert second == first + 1
    with writing(panel_db.panel) as connection:
        lease.release(connection, "calls", first)
    assert _acquire(panel_db, "c") is None


def test_of_many_at_once_one_gets_it(panel_db: Databases) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda n: _acquire(panel_db, f"worker {n}"), range(8)))
    assert [token for token in tokens if token is not None] == [1]


def test_two_names_are_two_leases(panel_db: Databases, now: list[int]) -> None:
    assert _acquire(panel_db, "a") == 1
    with writing(panel_db.panel) as connection:
        assert lease.acquire(connection, "pushes", "b", TTL) == 1
    with reading(panel_db.panel) as connection, pytest.raises(lease.LeaseLost):
        lease.guard(connection, "nobody's", 1)
