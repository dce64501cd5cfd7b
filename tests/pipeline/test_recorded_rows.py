"""The recorded rows of a real 3.6 become what a perfect reader can know, on every database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app import invariants
from app.cdr.export import plain
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.ledger import account
from app.mediation.tables import open_call, suspense
from app.opensips.tables import reflect
from app.rating.explain import explain
from app.rounds import Runner
from tests.pipeline import recorded

# Worked out by hand from the recorded lengths: 0.06 a minute is 0.001 a begun second.
PRICES = {
    "answered hold 1.0s": "0.002",
    "answered hold 2.4s": "0.003",
    "ring 2s then callee hangs up 1.5 after": "0.002",
    "dialog timeout 2s with B flag": "0.003",
    "to carrier (weights) +40": "0.06",  # 30 s at least, at 0.12 a minute
    "+44 carB": "0.0005",
    "fraud number 1900": "1.6",  # a minute and the connect fee
}


def run(dbs: Databases, settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Mediates everything; the CDRs by Call-ID, as they are exported."""
    Runner(dbs, settings).to_the_end(lambda _rows: None)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with reading(dbs.panel) as connection:
        for cdr in walk(connection, Filters()):
            found[cdr["call_id"]].append(plain(cdr))
    return found


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_each_call_once_with_right_times_length_and_price(
    both_dbs: Databases, settings: Settings, shared_dir: Path, zone: str
) -> None:
    wanted = list(
        zip(recorded.scenarios(shared_dir), recorded.expectations(shared_dir), strict=True)
    )
    source = "utc" if zone == "UTC" else "new-york"
    wanted = [pair for pair in wanted if pair[1]["source"] == source]
    recorded.load(both_dbs, [scenario for scenario, _ in wanted])
    alice = recorded.price_alice(both_dbs)
    settings = replace(settings, source_zone=zone, country="", trunk_prefix="")
    found = run(both_dbs, settings)
    total = 0
    for scenario, expected in wanted:
        cdrs = found.pop(scenario["callid"], [])
        assert len(cdrs) == (expected["outcome"] == "cdr"), expected
        for cdr in cdrs:
            for name in (
                "status",
                "setup_at",
                "answered_at",
                "ended_at",
                "duration_ms",
                "sip_code",
            ):
                assert cdr[name] == expected.get(name, cdr[name]), (expected["scenario"], name)
            rows = expected.get("rows")
            if rows:
                tables = [name.partition(":")[0] for name in cdr["acc_ids"]]
                assert {name: tables.count(name) for name in rows} == rows
            if expected["scenario"] in PRICES and cdr["callee"].isdigit():
                assert cdr["price"] == PRICES[expected["scenario"]], expected
            if cdr["price"]:
                total += round(float(cdr["price"]) * 10**9)
    assert not found
    with reading(both_dbs.panel) as connection:
        assert account.get(connection, alice).balance == -total
        waiting = [e for _, e in wanted if e["outcome"] == "open call, then suspense"]
        left = connection.scalar(select(func.count()).select_from(open_call)) or 0
        left += connection.scalar(select(func.count()).select_from(suspense)) or 0
        assert left == len(waiting)
    violations = [
        violation
        for finding in invariants.check(both_dbs, settings, offline=True)
        for violation in finding.violations
    ]
    assert violations == []


def test_a_second_run_changes_nothing(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)
    assert run(both_dbs, settings) == run(both_dbs, settings)


def test_call_ids_that_differ_only_in_case_stay_two_calls(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    answered = recorded.scenarios(shared_dir)[0]
    twin = {
        "missed_calls": [],
        "acc": [answered["acc"][0] | {"id": 900, "callid": "86737F31E476@LAB"}],
    }
    recorded.load(both_dbs, [answered, twin])
    found = run(both_dbs, settings)
    assert sorted(found) == ["86737F31E476@LAB", "86737f31e476@lab"]
    with reading(both_dbs.panel) as connection:
        assert len(list(walk(connection, Filters(call_id="86737F31E476@LAB")))) == 1


def test_the_price_is_explained_step_by_step(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir)[43:44])  # the premium number
    recorded.price_alice(both_dbs)
    Runner(both_dbs, settings).to_the_end(lambda _rows: None)
    with reading(both_dbs.panel) as connection:
        (cdr,) = walk(connection, Filters())
        told = explain(connection, cdr)
    assert (told.destination, told.prefix, told.tariff) == ("USA premium", "1900", "Lab")
    assert [step.amount_text for step in told.steps] == ["0.1", "1.5", "0"]
    assert told.total_text == "1.6"


def test_rows_that_are_purged_from_the_switch_stay_in_their_cdr(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir)[:5])
    before = run(both_dbs, settings)
    with writing(both_dbs.switch) as connection:
        acc = reflect(connection, "acc")
        # The newest rows go: the highest id falls, yet the table is no new one.
        connection.execute(acc.delete().where(acc.c.id > 4))
    assert run(both_dbs, settings) == before
