"""Calls of one row each, many at once: stored and charged as they are one by one."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Table, insert, select

from app.cdr.tables import answered, failed, unpriced
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.ledger import account
from app.ledger.tables import account as accounts
from app.ledger.tables import entry
from app.mediation import payer_rules
from app.mediation.tables import own_number
from app.opensips.tables import reflect
from app.rating import store
from app.rounds import Runner
from tests.conftest import Lender
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import violations

# What differs from run to run.
_OWN = {"id", "created_at", "cdr_id", "stored_at", "since", "try_at", "sell_batch_id", "batch_id"}


def _rows(count: int) -> list[dict[str, Any]]:
    """Rows of acc: calls of one row and of two, with prices and without."""
    draw = random.Random(11)
    start = clock.now_ms() - clock.HOUR
    found = []
    for number in range(1, count + 1):
        at = clock.wall_clock(start + number * clock.SECOND, "UTC")
        code = draw.choice(("200", "200", "200", "486"))
        length = draw.randrange(100_000) if code == "200" else 0
        found.append(
            {"id": number, "method": "INVITE", "from_tag": f"f{number}", "to_tag": f"t{number}"}
            # every tenth row is one of two of its call
            | {"callid": f"call-{number - (number % 10 == 0)}", "sip_code": code}
            | {"sip_reason": "it's\ta \\ back\nslash", "time": at, "created": at, "setuptime": 0}
            | {"duration": length // 1000, "ms_duration": length, "caller_domain": "one.example"}
            | {"caller": f"+4930{number:05}", "src_ip": f"192.0.2.{number % 3}", "gw": "gw1"}
            | {"callee": draw.choice(("+12125550100", "0040744123400", "+9991", "alice", "+44123"))}
            | {"account": draw.choice(("alice@lab.local", "dollars", "nothing", "nobody", ""))}
        )
    return found


def _prepare(dbs: Databases) -> None:
    alice = recorded.price_alice(dbs)
    with writing(dbs.panel) as connection:
        tariff = connection.execute(select(store.tariff.c.id)).scalar_one()
        dollars = account.create(connection, code="dollars", currency="USD", mode="postpaid")
        store.assign(connection, dollars, tariff)
        account.create(connection, code="nothing", currency="EUR", mode="postpaid")
        payer_rules.add(connection, way="address", pattern="192.0.2.1", code="alice@lab.local")
        number = {"number": "44123", "kind": "geographic", "account_id": alice}
        connection.execute(own_number.insert(), {**number, "created_at": clock.now_ms()})


def _told(dbs: Databases, table: Table) -> list[dict[str, Any]]:
    with reading(dbs.panel) as connection:
        rows = [dict(row) for row in connection.execute(select(table)).mappings()]
    kept = [{name: value for name, value in row.items() if name not in _OWN} for row in rows]
    return sorted(kept, key=repr)


def test_as_one_by_one(
    lender: Lender, db_kind: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, source_zone="UTC", country="", trunk_prefix="")
    switch = lender.url(db_kind, "switch")
    by_column = lender.databases(lender.url(db_kind, "panel"), switch)
    by_row = lender.databases(lender.url(db_kind, "both"), switch)
    recorded.load(by_column, [])
    with writing(by_column.switch) as connection:
        connection.execute(insert(reflect(connection, "acc")), _rows(400))
    for dbs, small in ((by_column, 1), (by_row, 1_000_000)):
        monkeypatch.setattr("app.windows.SMALL", small)
        _prepare(dbs)
        Runner(dbs, settings).to_the_end(lambda _rows: None)
        assert violations(dbs, settings) == []
    for table in (answered, failed, unpriced):
        assert _told(by_column, table) == _told(by_row, table) != []
    for dbs in (by_column, by_row):
        with reading(dbs.panel) as connection:
            lines = connection.execute(select(entry)).all()
            assert connection.execute(select(accounts.c.id).where(accounts.c.balance < 0)).all()
        assert len(lines) < 20, "one line for each payer of a batch"
    assert _told(by_column, accounts) == _told(by_row, accounts)
