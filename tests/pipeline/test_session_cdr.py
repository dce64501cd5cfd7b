"""A prepaid call whose row never comes is charged all the same; once, should the row come late."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from app import invariants
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.charging import reaper
from app.charging.tables import session
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.ledger import account, hold
from app.mediation.tables import source
from app.recording import store_session_cdr
from app.rounds import Runner
from tests.pipeline import recorded

CENT = 10**7


def stopped_session(dbs: Databases, alice: int, call_id: str, answered_at: int) -> None:
    """A call of two seconds that has ended, with its hold of ten cents."""
    with writing(dbs.panel) as connection:
        held = hold.place(connection, account_id=alice, amount=10 * CENT, reference="s1")
        hold.stop(connection, held.id)
        row = {
            "charge_id": "one",
            "call_id": call_id,
            "account_id": alice,
            "account": "alice@lab.local",
            "destination": "+12125550100",
            "state": "stopped",
            "setup_at": answered_at,
            "answered_at": answered_at,
            "stopped_at": answered_at + 2 * clock.SECOND,
            "usage_ms": 2_000,
            "granted_ms": 60_000,
            "hold_id": held.id,
            "seen_at": answered_at,
        }
        connection.execute(session.insert(), row)


@pytest.mark.parametrize("row_first", [False, True])
def test_one_debit_whichever_comes_first(
    both_dbs: Databases, settings: Settings, shared_dir: Path, row_first: bool
) -> None:
    alice = recorded.price_alice(both_dbs)
    with writing(both_dbs.panel) as connection:
        account.top_up(connection, alice, 100 * CENT, "t1")
    scenario = recorded.scenarios(shared_dir)[0]
    answered_at = clock.parse(scenario["acc"][0]["time"])
    stopped_session(both_dbs, alice, scenario["callid"], answered_at)
    hasty = replace(settings, session_grace_ms=0, country="", trunk_prefix="")
    recorded.load(both_dbs, [])

    def row_comes() -> None:
        recorded.load(both_dbs, [scenario])
        Runner(both_dbs, hasty).round()

    def grace_ends() -> None:
        reaper.run(both_dbs, hasty, store_session_cdr)

    for happens in (row_comes, grace_ends) if row_first else (grace_ends, row_comes):
        happens()
    grace_ends()
    with reading(both_dbs.panel) as connection:
        (cdr,) = walk(connection, Filters())
        assert cdr["acc_ids"] == "acc:2"
        named = connection.scalar(select(source.c.name).where(source.c.id == cdr["source_id"]))
        assert named == "opensips"  # whose row it is, whoever made the CDR
        alone = account.get(connection, alice)
        assert (alone.balance, alone.held) == (100 * CENT - cdr["price"], 0)
        assert cdr["price"] == 2_000_000  # two begun seconds at 0.06 a minute, either way
        closed = connection.execute(select(session.c.state, session.c.cdr_id)).one()
        assert closed == ("closed", cdr["id"])
    broken = [f for f in invariants.check(both_dbs, hasty, offline=True) if f.violations]
    assert broken == []
