"""Old calls go and everything can still be proved: on all three databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app import invariants
from app.cdr import store
from app.cdr.partitions import Partitions, parts
from app.cdr.tables import answered, attempt, failed, unpriced
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.mediation.tables import open_call
from app.rating.tables import charge
from app.retention import decisions, run
from app.retention.tables import removal, sealed_rows
from app.rounds import Runner
from tests.cdr import calls
from tests.pipeline import recorded


def violations(dbs: Databases, settings: Settings) -> list[str]:
    checked = invariants.check(dbs, settings, offline=True)
    return [violation for finding in checked for violation in finding.violations]


def count(dbs: Databases, table: Any) -> int:
    with reading(dbs.panel) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def decide(dbs: Databases, **days: int | None) -> None:
    with writing(dbs.panel) as connection:
        decisions.decide(connection, days, keep_digits=4, by="ann")


def test_calls_go_with_their_proof_and_rows_stay_known(
    both_dbs: Databases, settings: Settings, shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)
    Runner(both_dbs, settings).to_the_end(lambda _rows: None)
    before_ms = clock.now_ms
    # Nobody has decided: nothing goes.
    before = count(both_dbs, answered), count(both_dbs, failed)
    assert sum(calls for _, calls in run.to_the_end(both_dbs)) == 0
    assert (count(both_dbs, answered), count(both_dbs, failed)) == before

    # An old call without a price, which must stay, and an old tried gateway of a failed one.
    old = clock.now_ms() - 20 * clock.DAY
    waiting, gone = calls.put(
        both_dbs,
        calls.call(setup_at=old, acc_ids="", call_id="waits"),
        calls.failed(setup_at=old, acc_ids="", call_id="busy"),
    )
    with writing(both_dbs.panel) as connection:
        tried = {"tenant_id": 1, "cdr_id": gone, "setup_at": old, "n": 1, "at": old}
        connection.execute(attempt.insert().values(**tried, sip_code=503))
        newest = connection.scalar(select(func.max(answered.c.setup_at)))
    monkeypatch.setattr(clock, "now_ms", lambda: before_ms() + 40 * clock.DAY)
    with writing(both_dbs.panel) as connection:
        one = connection.execute(
            select(answered).where(answered.c.sell_batch_id.is_not(None)).limit(1)
        ).one()
        account, batch = one.sell_account_id, one.sell_batch_id
        for amount in (7, -7):
            connection.execute(
                charge.insert().values(
                    cdr_id=one.id,
                    cdr_setup_at=one.setup_at,
                    side="sell",
                    kind="resale",
                    account_id=account,
                    amount=amount,
                    currency="EUR",
                    batch_id=batch,
                    created_at=1,
                )
            )
    memory = Partitions(both_dbs.panel)
    memory.ensure([int(newest or 0)], clock.now_ms())
    decide(both_dbs, answered=30, failed=14)
    removed = sum(calls for _, calls in run.to_the_end(both_dbs))
    # What waits for a price, or for the rest of its rows, stays.
    with reading(both_dbs.panel) as connection:
        left = set(connection.scalars(select(answered.c.id)))
        assert left >= set(connection.scalars(select(unpriced.c.cdr_id))) >= {waiting}
        left_failed = set(connection.scalars(select(failed.c.id)))
        kept = select(open_call.c.cdr_id).where(open_call.c.cdr_id.is_not(None))
        assert left_failed >= set(connection.scalars(kept))
    assert gone not in left_failed
    assert removed == sum(before) + 2 - len(left) - len(left_failed) > 20
    assert len(left) == count(both_dbs, unpriced)
    assert count(both_dbs, attempt) == 0
    assert count(both_dbs, charge) == 0
    assert count(both_dbs, sealed_rows) > 0
    wrong = violations(both_dbs, settings)
    assert wrong == []

    # An old call that comes after its partition went is stored all the same, also by a process
    # that remembers the partition, and goes the next time.
    record = calls.call(setup_at=int(newest or 0), acc_ids="", unpriced_reason=None)
    memory.ensure([record["setup_at"]], clock.now_ms())
    with writing(both_dbs.panel) as connection:
        number = store.mint_ids(connection, 1)
        # by an engine outside, for nothing
        store.insert(connection, [record | {"id": number, "sell_amount": 0, "price": 0}])
    assert count(both_dbs, answered) == len(left) + 1
    # (On MariaDB it lies in the next partition, whose own calls stay.)
    assert sum(calls for _, calls in run.to_the_end(both_dbs)) == 1
    # The switch's newest row is of a call that is gone: its table is no new one.
    again = Runner(both_dbs, settings)
    again.to_the_end(lambda _rows: None)
    assert count(both_dbs, answered) == len(left)


def test_a_partition_with_younger_calls_stays(panel_db: Databases) -> None:
    now = clock.now_ms()
    due = clock.day_start(now - 14 * clock.DAY)
    calls.put(
        panel_db,
        *(
            calls.failed(setup_at=at, acc_ids="", call_id=f"c{at}")
            for at in (due - 1, due, due + clock.DAY, now - 20 * clock.DAY)
        ),
    )
    decide(panel_db, failed=14)
    assert sum(calls for _, calls in run.to_the_end(panel_db)) == 2
    with reading(panel_db.panel) as connection:
        left = connection.scalars(select(failed.c.setup_at)).all()
        assert sorted(left) == [due, due + clock.DAY]
        if panel_db.panel.dialect.name != "sqlite":
            assert all(part.high > due for part in parts(connection, "cdr_failed"))
        noted = connection.scalars(select(removal.c.state)).all()
        assert set(noted) == {"done"}
    # What comes for a day that went finds room, on MariaDB below or in the next partition.
    calls.put(panel_db, calls.failed(setup_at=due - 1, acc_ids="", call_id="late"))
    assert count(panel_db, failed) == 3
