"""Rows that come when their call has its CDR already: they join it, no second one is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cdr import store
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core import clock
from app.core.database import Databases, reading
from app.core.settings import Settings
from app.rounds import Runner
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import scenario, violations


def _wall(at: int) -> str:
    return clock.wall_clock(at, "UTC").isoformat(" ")


def _row(shared: Path, row_id: int, at: int, **change: Any) -> dict[str, Any]:
    """A recorded answered row, at an instant."""
    values = {"id": row_id, "time": _wall(at), "created": _wall(at - 2000), "setuptime": 2}
    return scenario(shared, 0, **values | change)


def _cdrs(dbs: Databases) -> list[str]:
    with reading(dbs.panel) as connection:
        return sorted(str(cdr["acc_ids"]) for cdr in walk(connection, Filters()))


def test_a_leg_of_the_next_window_is_no_second_call(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.price_alice(both_dbs)
    at = clock.now_ms() - clock.HOUR
    leg = {"callid": "legs@lab", "ms_duration": 60_000, "duration": 60}
    runner = Runner(both_dbs, settings)
    for row_id in (1, 2, 3):
        recorded.load(both_dbs, [_row(shared_dir, row_id, at, **leg)])
        runner.round()
    assert _cdrs(both_dbs) == ["acc:1 acc:2 acc:3"]
    # The very same parties, an hour on: a call of its own.
    recorded.load(both_dbs, [_row(shared_dir, 4, at + clock.HOUR, **leg | {"ms_duration": 5})])
    runner.round()
    assert _cdrs(both_dbs) == ["acc:1 acc:2 acc:3", "acc:4"]
    assert violations(both_dbs, settings) == []


@pytest.mark.parametrize("what", ["bye", "invite", "missed"])
def test_what_waited_in_vain_finds_its_cdr(
    dbs: Databases, settings: Settings, shared_dir: Path, what: str
) -> None:
    settings = replace(settings, settling_ms=0, open_call_ms=0)
    at = clock.now_ms() - clock.HOUR
    call = {"callid": "c@lab", "ms_duration": 60_000, "duration": 60}
    runner = Runner(dbs, settings)
    recorded.load(dbs, [_row(shared_dir, 1, at, **call)])
    runner.round()
    late = {
        "bye": {"method": "BYE", "time": _wall(at + 61_000), "created": "1970-01-01 00:00:00"},
        "invite": {"time": _wall(at + 30_000), "created": "1970-01-01 00:00:00"},
        "missed": {"sip_code": "503", "time": _wall(at - 1000)},
    }[what]
    found = _row(shared_dir, 7, at, **call | {"ms_duration": 0, "duration": 0} | late)
    if what == "missed":
        for name in ("duration", "ms_duration"):
            found["acc"][0].pop(name)
        found = {"acc": [], "missed_calls": found["acc"]}
    recorded.load(dbs, [found])
    runner.round()
    runner.round()
    table = "missed_calls" if what == "missed" else "acc"
    assert _cdrs(dbs) == [f"acc:1 {table}:7"]
    assert violations(dbs, settings) == []


def test_gateways_that_were_tried_stand_with_the_call(
    dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    at = clock.now_ms() - clock.HOUR
    call = {"callid": "f@lab", "ms_duration": 60_000, "duration": 60, "gateway": "gw3"}
    found = _row(shared_dir, 1, at, **call)
    created = {"callid": "f@lab", "created": found["acc"][0]["created"], "sip_code": "503"}
    missed = []
    for number, gateway in ((1, "gw1"), (2, "gw2")):
        row = _row(shared_dir, number, at - 3000 + number * 1000, **created | {"gateway": gateway})
        missed.append({n: v for n, v in row["acc"][0].items() if not n.endswith("duration")})
    recorded.load(dbs, [found | {"missed_calls": missed}])
    Runner(dbs, settings).round()
    with reading(dbs.panel) as connection:
        (cdr,) = walk(connection, Filters())
        tries = store.tries_of(connection, cdr["id"], cdr["setup_at"])
    # 0: this script does not count them.
    assert (cdr["gateway"], cdr["attempts"]) == ("gw3", 0)
    assert [(one["n"], one["gateway"], one["sip_code"]) for one in tries] == [
        (1, "gw1", 503),
        (2, "gw2", 503),
    ]


def test_a_missed_call_over_two_gateways_is_one(
    dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    settings = replace(settings, settling_ms=0)
    at = clock.now_ms() - clock.HOUR
    rows = []
    for number, code in ((1, "503"), (2, "486")):
        row = _row(shared_dir, number, at + number * 3000, callid="m@lab", sip_code=code)
        row["acc"][0]["created"] = _wall(at)
        rows.append({n: v for n, v in row["acc"][0].items() if not n.endswith("duration")})
    recorded.load(dbs, [{"acc": [], "missed_calls": rows}])
    runner = Runner(dbs, settings)
    runner.round()
    assert _cdrs(dbs) == ["missed_calls:2 missed_calls:1"]
    # The main row comes after all: it takes the provisional one over, with both.
    main = _row(shared_dir, 5, at + 9000, callid="m@lab", ms_duration=9_000, duration=9)
    main["acc"][0]["created"] = _wall(at)
    recorded.load(dbs, [main])
    runner.round()
    assert _cdrs(dbs) == ["acc:5 missed_calls:1 missed_calls:2"]
    assert violations(dbs, settings) == []
