"""Calls that others pay than their account code says: by rule, and for a number that is theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app import invariants, waiting
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.findings import Finding
from app.core.settings import Settings
from app.ledger.tables import account
from app.mediation import payer_rules
from app.mediation.tables import own_number
from app.rating import engines
from app.rounds import Runner
from tests.pipeline import recorded

NUMBER = "40744123400"


def test_by_rule_at_once_and_late(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    taken = [
        scenario
        for scenario in recorded.scenarios(shared_dir)
        if any((row["callee"] or "").startswith("+40") for row in scenario["acc"])
    ][:1]
    assert taken, "a recorded call to Romania"
    for row in (row for scenario in taken for row in scenario["acc"]):
        row |= {"account": "nobody", "caller": "pbx", "callee": "77#" + row["callee"]}
    recorded.load(both_dbs, taken)
    alice = recorded.price_alice(both_dbs)
    settings = replace(settings, source_zone="UTC", country="", trunk_prefix="")
    Runner(both_dbs, settings).to_the_end(lambda _rows: None)
    with reading(both_dbs.panel) as connection:
        (cdr,) = walk(connection, Filters())
    assert (cdr["unpriced_reason"], cdr["direction"]) == ("no_account", "")
    with writing(both_dbs.panel) as connection:
        payer_rules.add(connection, way="prefix", pattern="77#", code="alice@lab.local")
        number = {"number": NUMBER, "kind": "geographic", "account_id": alice}
        connection.execute(own_number.insert(), {**number, "created_at": clock.now_ms()})
    waiting.wake(both_dbs.panel)
    engine = engines.make(settings, both_dbs.panel)
    assert waiting.price_waiting(both_dbs.panel, engine, "demo") == 1
    with reading(both_dbs.panel) as connection:
        (late,) = walk(connection, Filters())
        balance = connection.execute(account.select().where(account.c.id == alice)).one().balance
        assert [one for one in _findings(both_dbs, settings) if one.violations] == []
    assert (late["callee"], late["trunk"]) == (NUMBER, "77#")
    assert (late["direction"], late["sell_account_id"]) == ("onnet", alice)
    assert late["price"] == -balance > 0


def _findings(dbs: Databases, settings: Settings) -> list[Finding]:
    return list(invariants.check(dbs, settings, offline=True))
