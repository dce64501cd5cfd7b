"""Sessions that the switch forgot."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from app.cdr.partitions import Partitions
from app.cdr.tables import answered as cdr
from app.charging import reaper, reconcile, settle, store
from app.charging.settle import SettledCall
from app.charging.store import Session
from app.charging.tables import session as table
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from tests.charging.conftest import ALICE, Lab
from tests.charging.test_session import AUTHORISE, SECOND_PRICE, START, STOP, T, _say, _sessions

Maker = Callable[[Databases, Settings, Session], Any]


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Moves the clock, which begins at the calls' own time."""
    now = [T]
    monkeypatch.setattr(reaper, "_reported", set())
    monkeypatch.setattr(clock, "now_ms", lambda: now[0])

    def move(ms: int) -> None:
        now[0] += ms

    return move


@pytest.fixture(autouse=True)
def partition(panel_db: Databases) -> None:
    """Room for CDRs of that day."""
    Partitions(panel_db.panel).ensure([T], T)


def _made(found: list[Session], price: int | None = SECOND_PRICE) -> Maker:
    """Makes CDRs as the pipeline does: priced and closed, or unpriced."""

    def make(dbs: Databases, _settings: Settings, one: Session) -> None:
        found.append(one)
        _insert(dbs, one.id, charge_id=one.charge_id, price=price)
        if price is not None:
            call = SettledCall(
                one.charge_id, "", one.call_id, one.account, one.answered_at, one.id, T, price
            )
            with writing(dbs.panel) as c:
                settle.close_for_cdrs(c, [call])

    return make


def _insert(
    dbs: Databases, number: int, *, charge_id: str | None, price: int | None, flags: int = 8
) -> None:
    row = {
        "id": number, "setup_at": T, "source_id": 1, "epoch": 1, "stored_at": T,
        "call_id": "call@host", "charge_id": charge_id, "account": ALICE,
        "answered_at": T + 5_700, "ended_at": T + 65_000, "duration_ms": 60_000,
        "sip_code": 200, "sip_class": 2, "acc_ids": "", "flags": flags, "sell_amount": price,
        "unpriced_reason": "no_rate" if price is None else None,
    }  # fmt: skip
    with writing(dbs.panel) as c:
        c.execute(cdr.insert(), row)


def test_a_stopped_session_becomes_a_cdr_after_its_grace(
    lab: Lab, later: Callable[[int], None]
) -> None:
    _say(lab, AUTHORISE, START, STOP)
    made: list[Session] = []
    later(lab.settings.session_grace_ms - 1)
    assert reaper.run(lab.dbs, lab.settings, _made(made)) == 0
    later(1)
    assert reaper.run(lab.dbs, lab.settings, _made(made)) == 1
    assert reaper.run(lab.dbs, lab.settings, _made(made)) == 0
    assert [(one.call_id, one.usage_ms) for one in made] == [("call@host", 60_000)]
    assert _sessions(lab) == [("closed", "closed", "", 60 * SECOND_PRICE)]
    assert lab.account().held == 0


def test_an_unpriced_cdr_is_made_once(lab: Lab, later: Callable[[int], None]) -> None:
    _say(lab, START, STOP)
    made: list[Session] = []
    later(lab.settings.session_grace_ms)
    for _ in range(3):
        assert reaper.run(lab.dbs, lab.settings, _made(made, price=None)) == 0
    assert len(made) == 1
    assert lab.account().held == 60 * SECOND_PRICE


def test_a_cdr_that_came_from_the_switch_is_the_calls(
    lab: Lab, later: Callable[[int], None]
) -> None:
    _say(lab, START, STOP)
    _insert(lab.dbs, 5, charge_id=None, price=42, flags=0)
    made: list[Session] = []
    later(lab.settings.session_grace_ms)
    assert reaper.run(lab.dbs, lab.settings, _made(made)) == 1
    assert made == []
    with reading(lab.dbs.panel) as c:
        assert c.scalar(select(table.c.cdr_id)) == 5


def test_two_possible_cdrs_are_left_for_people(
    lab: Lab, later: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    _say(lab, START, STOP)
    for number in (5, 6):
        _insert(lab.dbs, number, charge_id=None, price=42)
    later(lab.settings.session_grace_ms)
    assert reaper.run(lab.dbs, lab.settings, _made([])) == 0
    assert "2 possible CDRs" in caplog.text
    assert lab.account().held > 0


def test_an_authorisation_that_came_to_nothing_ends(lab: Lab, later: Callable[[int], None]) -> None:
    _say(lab, AUTHORISE)
    later(reaper.UNANSWERED_MS - 1)
    assert reaper.run(lab.dbs, lab.settings, _made([])) == 0
    later(1)
    assert reaper.run(lab.dbs, lab.settings, _made([])) == 1
    assert _sessions(lab) == [("closed", "", "", None)]


def test_a_call_of_a_day_is_reported_once_and_left(
    lab: Lab, later: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    _say(lab, AUTHORISE, START)
    later(reaper.ENDLESS_MS + 5000)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert reaper.run(lab.dbs, lab.settings, _made([])) == 0
    assert caplog.text.count("more than a day") == 1
    assert _sessions(lab)[0][:2] == ("started", "open")


def test_a_row_that_comes_late_finds_the_sessions_cdr(
    lab: Lab, later: Callable[[int], None], call: Any
) -> None:
    _say(lab, START, STOP)
    later(lab.settings.session_grace_ms)
    reaper.run(lab.dbs, lab.settings, _made([]))
    other = call._replace(call_id="other@host")
    failed = call._replace(answered_at=None)
    with reading(lab.dbs.panel) as c:
        one = c.scalar(select(table.c.id))
        assert settle.find_session_cdrs(c, [other, failed, call]) == [(call, (one, T))]
    with writing(lab.dbs.panel) as c:
        c.execute(update(cdr).values(acc_ids="acc:7"))
        assert settle.find_session_cdrs(c, [call]) == []


def test_reconcile_sees_holds_that_stay(lab: Lab, later: Callable[[int], None]) -> None:
    _say(lab, START, STOP)
    with reading(lab.dbs.panel) as c:
        assert [f.violations for f in reconcile.check(c, lab.settings)] == [[], []]
    later(lab.settings.session_grace_ms + 2 * clock.MINUTE)
    with reading(lab.dbs.panel) as c:
        found = list(reconcile.check(c, lab.settings))
    assert [len(f.violations) for f in found] == [0, 1]
    with writing(lab.dbs.panel) as c:
        store.close(c, [(1, None, None)])
        found = list(reconcile.check(c, lab.settings))
    assert [len(f.violations) for f in found] == [1, 0]
    assert found[0].checked == 1
