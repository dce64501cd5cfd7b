"""Our charging server, pipeline and ledger behind a real OpenSIPS with its cgrates module.

Runs when ``PANEL_TEST_OPENSIPS`` names an OpenSIPS 3.6 binary; see ``test_real_switch``.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app import invariants
from app.cdr.tables import answered as cdr
from app.charging.server import Server
from app.charging.tables import session
from app.core import schema
from app.core.database import Databases, make_engine, reading, writing
from app.core.settings import Settings, load
from app.ledger import account, hold
from app.ledger.tables import account as account_table
from app.rating import store
from app.rounds import Runner
from tests.integration.lab import Lab, private_mariadb, running_lab
from tests.integration.sipp import sipp_calls
from tests.integration.switch import free_port

BINARY = os.environ.get("PANEL_TEST_OPENSIPS", "")
pytestmark = pytest.mark.skipif(not BINARY, reason="PANEL_TEST_OPENSIPS names no OpenSIPS binary")

SECOND_PRICE = 10**6  # 0.06 a minute, by the second


@dataclass
class Charged:
    """A switch that asks our server, and both databases."""

    lab: Lab
    dbs: Databases
    settings: Settings
    payer: int
    grants: list[Any] = field(default_factory=list)

    def call(self, number: str, **options: Any) -> str:
        """Makes calls from the trunk; returns their Call-ID prefix."""
        batch = sipp_calls(
            self.lab.switch.sip_port,
            self.lab.workdir,
            number=number,
            # Whoever has a password does not call from the trunk's address.
            local_port=free_port() if "password" in options else self.lab.trunk_port,
            **options,
        )
        assert batch.ok, f"{batch.output}\n{self.lab.switch.log[-3000:]}"
        return batch.prefix

    def sessions(self, prefix: str, state: str, count: int) -> list[Any]:
        """Those sessions, as soon as so many are in that state."""
        deadline = time.monotonic() + 5
        while True:
            query = select(session).where(session.c.call_id.startswith(prefix))
            with reading(self.dbs.panel) as connection:
                rows = connection.execute(query.order_by(session.c.id)).all()
            if len([row for row in rows if row.state == state]) == count:
                return list(rows)
            assert time.monotonic() < deadline, f"{rows}\n{self.lab.switch.log[-3000:]}"
            time.sleep(0.05)

    def money(self, units: int | None = None) -> account.Account:
        """The payer; with ``units`` its balance is made that by a posting."""
        with writing(self.dbs.panel) as connection:
            now = account.get(connection, self.payer)
            if units is not None and units > now.balance:
                reference = f"t{time.monotonic_ns()}"
                account.top_up(connection, self.payer, units - now.balance, reference)
            elif units is not None:
                lower = units - now.balance
                connection.execute(update(account_table).values(credit_limit=lower))
            return account.get(connection, self.payer)

    def mediate(self) -> None:
        """The pipeline to its end."""
        Runner(self.dbs, self.settings).to_the_end(lambda _: None)

    def verify(self) -> None:
        """All invariants hold."""
        found = list(invariants.check(self.dbs, self.settings, offline=True))
        assert [one for one in found if one.violations] == []


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charged]:
    folder = tmp_path_factory.mktemp("charging")
    with private_mariadb(Path(BINARY), tmp_path_factory.mktemp("mariadb")) as engine:
        env = {"PANEL_DATA_DIR": str(folder), "PANEL_SECRET_KEY": "s" * 40}
        settings = load(env | {"PANEL_SETTLING_SECONDS": "2"})
        dbs = Databases(make_engine(settings.database_url), engine)
        schema.upgrade(dbs.panel)
        with writing(dbs.panel) as connection:
            payer = account.create(connection, code="trunk-one", currency="EUR")
            tariff = store.create_tariff(connection, name="t", currency="EUR")
            rates = [store.NewRate(str(digit), "anywhere", "0.06") for digit in range(1, 7)]
            store.add_version(connection, tariff, 0, rates)
            store.assign(connection, payer, tariff)
        with _server(dbs, settings) as port:
            where = f"127.0.0.1:{port}"
            workdir = tmp_path_factory.mktemp("switch")
            with running_lab(Path(BINARY), engine, workdir, charging=where) as lab:
                yield Charged(lab, dbs, settings, payer)
        dbs.panel.dispose()


class _server:
    """Our server in a thread."""

    def __init__(self, dbs: Databases, settings: Settings) -> None:
        self.server = Server(dbs, settings)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> int:
        self.thread.start()
        started = self.server.start("127.0.0.1", 0)
        return asyncio.run_coroutine_threadsafe(started, self.loop).result(10)

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def test_answered_calls_are_held_and_then_charged_once(charged: Charged) -> None:
    charged.money(1000 * 10**9)
    before = charged.money().balance
    prefix = charged.call("1001", count=10, hold_ms=1100)
    charged.sessions(prefix, "stopped", 10)
    rows = charged.lab.wait_rows("acc", prefix, 10)
    charged.mediate()
    sessions = charged.sessions(prefix, "closed", 10)
    assert {row.charge_id for row in sessions} == {row["charge_id"] for row in rows}
    assert {row.granted_ms for row in sessions} == {10_800_000}
    with reading(charged.dbs.panel) as connection:
        prices = connection.scalars(
            select(cdr.c.sell_amount).where(cdr.c.call_id.startswith(prefix))
        ).all()
        holds = [hold.get(connection, row.hold_id) for row in sessions]
    assert sorted(prices) == sorted(2 * SECOND_PRICE for _ in rows)
    assert [one.settled for one in holds] == [2 * SECOND_PRICE] * 10
    now = charged.money()
    assert (now.balance, now.held) == (before - 20 * SECOND_PRICE, 0)
    charged.verify()


@pytest.mark.parametrize(("number", "expect"), [("2001", 486), ("3001", 404), ("5001", "cancel")])
def test_calls_nobody_answers_hold_nothing(charged: Charged, number: str, expect: Any) -> None:
    charged.money(1000 * 10**9)
    prefix = charged.call(number, expect=expect, hold_ms=300, count=3)
    charged.sessions(prefix, "closed", 3)
    assert charged.money().held == 0


def test_the_switch_ends_the_call_when_its_money_is_used_up(charged: Charged) -> None:
    with writing(charged.dbs.panel) as connection:
        poor = account.create(connection, code="alice@example.org", currency="EUR")
        account.top_up(connection, poor, 4 * SECOND_PRICE, "little")
        store.assign(connection, poor, 1)
    prefix = charged.call("1001", expect="switch-bye", user="alice", password="not-a-secret")
    (found,) = charged.sessions(prefix, "stopped", 1)
    assert found.granted_ms == 3000
    (row,) = charged.lab.wait_rows("acc", prefix, 1)
    assert 2000 <= row["ms_duration"] <= 4000
    charged.mediate()
    with reading(charged.dbs.panel) as connection:
        left = account.get(connection, poor)
    assert 0 <= left.balance <= SECOND_PRICE
    assert left.held == 0
    again = charged.call("1001", expect=402, user="alice", password="not-a-secret")
    charged.sessions(again, "closed", 0)
    charged.verify()


def test_who_has_no_account_does_not_call(charged: Charged) -> None:
    prefix = charged.call("1001", expect=403, user="bob", password="not-a-secret")
    with reading(charged.dbs.panel) as connection:
        query = select(func.count()).where(session.c.call_id.startswith(prefix))
        assert connection.scalar(query) == 0
