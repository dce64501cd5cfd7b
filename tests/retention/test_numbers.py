"""Numbers go after a while; the price stays, and can still be proved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app import invariants, lanes
from app.cdr.tables import answered, failed, unpriced
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.mediation.call import Row
from app.mediation.source import load_sources
from app.mediation.tables import dialog_seen, suspense
from app.retention import decisions, purge, run
from app.retention.numbers import shortened
from app.rounds import Runner
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import scenario


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("4930123456", "4930xxxxxx"),
        ("+49 30 1", "+49x30xx"),
        ("", ""),
        ("alice@lab.local", "xxxxx@lab.local"),
    ],
)
def test_the_beginning_stays(text: str, cut: str) -> None:
    assert shortened(text, 4) == cut


def test_numbers_in_suspense_go_too(
    app: Flask,
    both_dbs: Databases,
    settings: Settings,
    shared_dir: Path,
    admin_client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {"caller": "+4930123456", "callee": "+390612345678", "src_ip": "192.0.2.44"}
    told |= {"account": "alice@lab.local", "caller_domain": "lab.local", "gateway": "gw1"}
    bad = scenario(shared_dir, 0, id=1, callid="late@lab", sip_code="xyz", **told)
    recorded.load(both_dbs, [bad])
    recorded.load(both_dbs, [scenario(shared_dir, 0, id=2, callid="")])
    Runner(both_dbs, settings).to_the_end(lambda _rows: None)
    begun = clock.now_ms()
    with writing(both_dbs.panel) as connection:
        assert connection.scalar(select(func.count()).select_from(suspense)) == 2
        seen = {"source_id": 1, "dlg_id": 7, "call_id": "v@lab", "from_tag": "f", "seen_at": begun}
        seen |= {"caller": "4930123456", "callee": "alice", "start_at": begun, "state": "vanished"}
        connection.execute(dialog_seen.insert(), seen)
        decisions.decide(connection, {"numbers": 30}, keep_digits=4, by="ann")
    assert dict(run.to_the_end(both_dbs))["suspense"] == 0
    real = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + 4000 * clock.DAY)
    assert dict(run.to_the_end(both_dbs))["suspense"] == 2
    assert dict(run.to_the_end(both_dbs))["suspense"] == 0
    with reading(both_dbs.panel) as connection:
        first, second = connection.execute(select(suspense).order_by(suspense.c.acc_id)).all()
        gone = connection.execute(select(dialog_seen)).one()
    row = json.loads(first.row)
    assert (row["caller"], row["callee"]) == ("+4930xxxxxx", "+3906xxxxxxxx")
    assert (row["account"], row["caller_domain"]) == ("xxxxx@lab.local", "lab.local")
    assert (row["gateway"], row["sip_code"], row["src_ip"]) == ("gw1", "xyz", "")
    assert first.call_id == row["callid"] == row["from_tag"] == ""
    assert "123456" not in f"{first}{second}" and first.reason == "bad_code"
    assert (gone.caller, gone.callee, gone.call_id) == ("4930xxxxxx", "xxxxx", "")
    # Nothing is missed or read again because of it, and it is no call any more.
    assert Runner(both_dbs, settings).round() == 0
    checked = invariants.check(both_dbs, settings, offline=True)
    assert [found.violations for found in checked if found.violations] == []
    assert lanes.replay(both_dbs, settings, [first.id]) == (0, 1)
    monkeypatch.setattr(clock, "now_ms", real)
    page = admin_client.get(f"/suspense/{first.id}").text
    assert "were removed on" in page and f"/suspense/{first.id}/replay" not in page
    # Its row at the switch may be purged now.
    with reading(both_dbs.panel) as connection:
        (found,) = load_sources(connection)
        raw = Row("acc", 1, "INVITE", "late@lab", "", "", "xyz", "", None, None, 0, 0, {}, 0)
        assert purge.removable(connection, found, 1, "acc", [raw]) == [1]


def test_numbers_are_removed_and_prices_repeat(
    app: Flask,
    both_dbs: Databases,
    settings: Settings,
    shared_dir: Path,
    admin_client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)
    Runner(both_dbs, settings).to_the_end(lambda _rows: None)
    with reading(both_dbs.panel) as connection:
        before = {row.id: row for row in connection.execute(select(answered))}
        waiting = set(connection.scalars(select(unpriced.c.cdr_id)))
    real = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + 40 * clock.DAY)
    with writing(both_dbs.panel) as connection:
        decisions.decide(connection, {"numbers": 30}, keep_digits=2, by="ann")
    assert sum(calls for _, calls in run.to_the_end(both_dbs)) > 20
    assert sum(calls for _, calls in run.to_the_end(both_dbs)) == 0
    with reading(both_dbs.panel) as connection:
        rows = connection.execute(select(answered)).all()
        assert {row.id for row in rows} == before.keys()
        priced = [row for row in rows if row.id not in waiting]
        for row in priced:
            old = before[row.id]
            assert (row.price, row.destination, row.duration_ms) == (
                old.price,
                old.destination,
                old.duration_ms,
            )
            assert row.call_id == row.from_tag == row.acc_ids == row.src_ip == ""
            assert row.dialled != old.dialled
        # A call without a price keeps what its price will need.
        assert all(row.call_id for row in rows if row.id in waiting)
        assert any(row.callee.startswith("1") and "x" in row.callee for row in priced)
        assert any(not row.call_id for row in connection.execute(select(failed)))
    checked = invariants.check(both_dbs, settings, offline=True)
    assert [found.violations for found in checked if found.violations] == []
    monkeypatch.setattr(clock, "now_ms", real)
    page = admin_client.get(f"/cdr/{priced[0].id}").text
    assert "were removed on" in page
    assert "Why this price" in page
    assert "Same Call-ID" not in page
