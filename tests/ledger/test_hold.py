"""Holds never promise the same money twice, and each is closed once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.database import Databases, reading, writing
from app.core.errors import InvalidInput, NotFound
from app.ledger import account, hold, reconcile


def _funded(dbs: Databases, balance: int, code: str = "alice") -> int:
    with writing(dbs.panel) as c:
        who = account.create(c, code=code, currency="EUR")
        account.top_up(c, who, balance, f"start:{code}")
    return who


def _state(dbs: Databases, who: int) -> tuple[int, int, int]:
    with reading(dbs.panel) as c:
        now = account.get(c, who)
        assert [f for f in reconcile.check(c) if f.violations] == []
    return now.balance, now.held, now.available


def test_a_hold_lives_and_settles(panel_db: Databases) -> None:
    who = _funded(panel_db, 100)
    with writing(panel_db.panel) as c:
        held = hold.place(c, account_id=who, amount=60, reference="call:1")
        assert (held.state, held.amount) == ("open", 60)
    assert _state(panel_db, who) == (100, 60, 40)
    with writing(panel_db.panel) as c:
        hold.resize(c, held.id, 20)
        assert hold.stop(c, held.id).state == "stopped"
    assert _state(panel_db, who) == (100, 20, 80)
    for _ in range(2):
        with writing(panel_db.panel) as c:
            done = hold.settle(c, held.id, 15)
        assert (done.state, done.settled, done.released, done.overrun) == ("closed", 15, 5, 0)
    # Only the pipeline's posting moves the balance.
    assert _state(panel_db, who) == (100, 0, 100)


def test_the_same_reference_is_the_same_hold(panel_db: Databases) -> None:
    who, other = _funded(panel_db, 100), _funded(panel_db, 100, "bob")
    with writing(panel_db.panel) as c:
        first = hold.place(c, account_id=who, amount=60, reference="call:1")
        assert hold.place(c, account_id=who, amount=99, reference="call:1") == first
    with pytest.raises(InvalidInput, match="another account"), writing(panel_db.panel) as c:
        hold.place(c, account_id=other, amount=1, reference="call:1")
    assert _state(panel_db, who) == (100, 60, 40)
    assert _state(panel_db, other) == (100, 0, 100)


def test_an_overrun_is_told(panel_db: Databases) -> None:
    who = _funded(panel_db, 100)
    with writing(panel_db.panel) as c:
        held = hold.place(c, account_id=who, amount=10, reference="call:1")
        done = hold.settle(c, held.id, 12)
    assert (done.settled, done.released, done.overrun) == (12, 0, 2)
    assert _state(panel_db, who) == (100, 0, 100)


def test_what_does_not_fit_is_refused_and_changes_nothing(panel_db: Databases) -> None:
    who = _funded(panel_db, 100)
    with writing(panel_db.panel) as c:
        held = hold.place(c, account_id=who, amount=60, reference="call:1")
        with pytest.raises(hold.InsufficientFunds):
            hold.place(c, account_id=who, amount=41, reference="call:2")
        with pytest.raises(hold.InsufficientFunds):
            hold.resize(c, held.id, 101)
        assert hold.resize(c, held.id, 100).amount == 100
    assert _state(panel_db, who) == (100, 100, 0)


def test_a_closed_hold_stays_closed(panel_db: Databases) -> None:
    who = _funded(panel_db, 100)
    with writing(panel_db.panel) as c:
        held = hold.place(c, account_id=who, amount=60, reference="call:1")
        closed = hold.release(c, held.id)
        assert closed.released == 60
        assert hold.stop(c, held.id) == hold.resize(c, held.id, 5) == closed
        assert hold.place(c, account_id=who, amount=60, reference="call:1") == closed
        with pytest.raises(NotFound):
            hold.get(c, 99_999)
    assert _state(panel_db, who) == (100, 0, 100)


def test_a_batch_settles_once(panel_db: Databases) -> None:
    alice, bob = _funded(panel_db, 100), _funded(panel_db, 100, "bob")
    with writing(panel_db.panel) as c:
        ids = [
            hold.place(c, account_id=who, amount=10, reference=f"call:{n}").id
            for n, who in enumerate([alice, bob, alice, bob])
        ]
        assert hold.settle_many(c, [(one, 10) for one in ids[:3]]) == 3
        assert hold.settle_many(c, [(one, 3) for one in ids]) == 1
        assert hold.settle_many(c, []) == 0
        assert hold.settle_many(c, [(99_999, 1)]) == 0
    assert _state(panel_db, alice) == _state(panel_db, bob) == (100, 0, 100)


def test_twenty_calls_at_once_share_one_balance(panel_db: Databases) -> None:
    who = _funded(panel_db, 100)

    def call(number: int) -> int:
        try:
            with writing(panel_db.panel) as c:
                return hold.place(c, account_id=who, amount=30, reference=f"c:{number}").amount
        except hold.InsufficientFunds:
            return 0

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(call, range(20))) == 90
    assert _state(panel_db, who) == (100, 90, 10)


def test_holds_and_settlements_at_once_do_not_block_each_other(panel_db: Databases) -> None:
    alice, bob = _funded(panel_db, 1000), _funded(panel_db, 1000, "bob")

    def live(number: int) -> None:
        who = (alice, bob)[number % 2]
        with writing(panel_db.panel) as c:
            held = hold.place(c, account_id=who, amount=30, reference=f"c:{number}")
        with writing(panel_db.panel) as c:
            hold.resize(c, held.id, 20)
            hold.stop(c, held.id)
        with writing(panel_db.panel) as c:
            hold.settle_many(c, [(held.id, 20), (max(held.id - 1, 1), 20)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(live, range(24)))
    assert _state(panel_db, alice) == _state(panel_db, bob) == (1000, 0, 1000)
