"""Copies of rows far behind their originals, in large windows, with restarts and two workers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core import clock
from app.core.database import Databases, reading
from app.core.settings import Settings
from app.mediation import met, start
from app.mediation.source import BACKLOG, LIVE
from app.opensips.tables import reflect
from app.pipeline import Pipeline
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import scenario, violations

CALLS, COPIES, STEP = 1_400, 40, 260


def _rows(shared: Path, chance: random.Random) -> list[dict[str, Any]]:
    """Calls three minutes apart, over nearly three days until now; copies of some, anywhere
    behind: their ids and not their times say when they were written."""
    (plain,) = scenario(shared, 0)["acc"]
    begun = clock.now_ms() - CALLS * 3 * clock.MINUTE
    rows = []
    for number in range(CALLS):
        at = begun + number * 3 * clock.MINUTE
        walls = {
            "time": clock.wall_clock(at, "UTC").isoformat(" "),
            "created": clock.wall_clock(at - 2000, "UTC").isoformat(" "),
        }
        rows.append(plain | walls | {"callid": f"{number}@lab", "ms_duration": 1000})
    for number in chance.sample(range(CALLS), COPIES):
        place = next(n for n, row in enumerate(rows) if row["callid"] == f"{number}@lab")
        rows.insert(chance.randrange(place + 1, len(rows) + 1), dict(rows[place]))
    return [row | {"id": number} for number, row in enumerate(rows, 1)]


@pytest.mark.parametrize(("seed", "memory"), [(1, 200_000), (2, 200_000), (3, 300)])
def test_no_copy_makes_a_second_cdr(
    dbs: Databases,
    settings: Settings,
    shared_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    memory: int,
) -> None:
    chance = random.Random(seed)
    # Live and backlog beside each other; with a small memory, what it forgets is told by its time.
    monkeypatch.setattr(start, "_WORTH_SPLITTING", 500 if memory > CALLS else 10**9)
    monkeypatch.setattr(met.Met.__init__, "__defaults__", (memory,))
    recorded.price_alice(dbs)
    recorded.load(dbs, [])
    rows = _rows(shared_dir, chance)
    recorded.load(dbs, [{"acc": rows, "missed_calls": []}])
    workers = [Pipeline(dbs, settings) for _ in range(2)]
    read = {LIVE: 1, BACKLOG: 1}
    while any(read.values()):
        place = chance.randrange(2)
        if chance.random() < 0.4:
            workers[place] = Pipeline(dbs, settings)  # started anew: it remembers nothing
        workers[place].refresh()
        for part in read:
            read[part] = workers[place].step(part, STEP)
    with reading(dbs.panel) as connection:
        found = [str(cdr["acc_ids"]).split() for cdr in walk(connection, Filters())]
    with reading(dbs.switch) as connection:
        table = reflect(connection, "acc")
        by_id = {f"acc:{row.id}": row.callid for row in connection.execute(select(table))}
    assert len(found) == CALLS
    assert all(len({by_id[name] for name in names}) == 1 for names in found)
    assert sum(map(len, found)) == CALLS + COPIES
    assert violations(dbs, settings) == []
