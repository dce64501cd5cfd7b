"""The rows of one call, split over several windows in any order: one CDR, every row used once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.mediation import suspense
from app.rounds import Runner
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import violations

_EPOCH = "1970-01-01 00:00:00"
# How often a call is tried anew per shape: every order of its rows up to so many.
_ORDERS = 4


def _wall(at: int) -> str:
    return clock.wall_clock(at, "UTC").isoformat(" ")


def _row(table: str, **more: Any) -> dict[str, Any]:
    values = {"method": "INVITE", "from_tag": "f", "to_tag": "t", "sip_code": "200"}
    values |= {"sip_reason": "", "setuptime": 0, "table": table}
    if table == "acc":
        values |= {"duration": 0, "ms_duration": 0}
    return values | more


def _by_flag(at: int, **more: Any) -> dict[str, Any]:
    """A row by the cdr flag: 60 s long, 4 s after the INVITE."""
    length = {"ms_duration": 60_000, "duration": 60}
    return _row("acc", time=_wall(at + 4_000), created=_wall(at), **length | more)


def _missed(at: int, after: int, **more: Any) -> dict[str, Any]:
    created = {"created": _wall(at), "sip_code": "503"}
    return _row("missed_calls", time=_wall(at + after), **created | more)


def _plain(at: int, **more: Any) -> dict[str, Any]:
    return _row("acc", time=_wall(at), created=_EPOCH, **more)


SHAPES: dict[str, tuple[Any, int]] = {
    "written twice, far apart": (lambda at: [_by_flag(at), _by_flag(at)], 60_000),
    "gateways tried one after the other": (
        lambda at: [
            _missed(at, 1_000, to_tag="g1"),
            _missed(at, 3_000, to_tag="g2"),
            _by_flag(at),
        ],
        60_000,
    ),
    "early media accounted": (
        lambda at: [
            _row("acc", time=_wall(at + 1_000), created=_wall(at), sip_code="183"),
            _by_flag(at),
        ],
        60_000,
    ),
    "early media accounted, without the flag": (
        lambda at: [
            _plain(at + 1_000, sip_code="183"),
            _plain(at + 4_000),
            _plain(at + 64_000, method="BYE"),
        ],
        60_000,
    ),
    "a re-INVITE was refused": (
        lambda at: [
            _plain(at + 4_000),
            _plain(at + 30_000, sip_code="488"),
            _plain(at + 64_000, method="BYE"),
        ],
        60_000,
    ),
    "two phones answered": (
        lambda at: [
            _plain(at + 4_000, to_tag="b"),
            _plain(at + 4_000),
            _plain(at + 5_000, method="BYE", to_tag="b"),
            _plain(at + 64_000, method="BYE", from_tag="t", to_tag="f"),
        ],
        60_000,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_one_call_in_any_windows(dbs: Databases, settings: Settings, shape: str) -> None:
    settings = replace(settings, settling_ms=0)
    runner = Runner(dbs, settings)
    make, length = SHAPES[shape]
    begin = clock.now_ms() - 12 * clock.HOUR
    orders = list(itertools.permutations(range(len(make(begin)))))
    step = max(len(orders) // _ORDERS, 1)
    row_id, forgotten = 0, set[str]()
    for number, order in enumerate(orders[::step]):
        rows = make(begin + number * clock.HOUR)
        for place in order:
            row_id += 500
            row = rows[place] | {"callid": f"call-{number}", "id": row_id}
            table = row.pop("table")
            recorded.load(dbs, [{"acc": [], "missed_calls": []} | {table: [row]}])
            runner.round()
        with reading(dbs.panel) as connection:
            found = list(walk(connection, Filters(call_id=f"call-{number}")))
            left = suspense.counts(connection)
        assert len(found) == 1, (order, found)
        assert violations(dbs, settings) == [] or "forked" in forgotten, order
        if left:
            # What another phone's BYE had ended and charged before is said, not charged again.
            assert shape == "two phones answered" and set(left) == {"forked"}, (order, left)
            forgotten |= set(left)
            clear(dbs)
        else:
            assert [cdr["duration_ms"] for cdr in found] == [length], (order, found)


def clear(dbs: Databases) -> None:
    """Takes suspense out of the way of the next order."""
    with writing(dbs.panel) as connection:
        connection.execute(suspense.suspense.delete())
