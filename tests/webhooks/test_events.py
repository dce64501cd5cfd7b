"""What happens is in the outbox with the deed, for those who may hear of it and nobody else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select

from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core import clock, outbox
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity import tenants
from app.ledger import account, posting, tables
from app.ledger.posting import Line
from app.opensips.simulator.cast import cast
from app.opensips.simulator.dialogs import Dialogs
from app.opensips.simulator.node import Node
from app.opensips.simulator.provision import provision
from app.opensips.simulator.server import MiServer
from app.provisioning import health, pusher
from app.rating.engines.http import HttpEngine
from app.rounds import Runner
from app.waiting import price_waiting
from tests.opensips.fake_mi import FakeNode
from tests.pipeline import recorded
from tests.provisioning.scene import adding, loader, submit, with_nodes
from tests.webhooks.receiver import Receiver, receiving, status
from tests.webhooks.scene import deliveries, listen, say

CENT = 10**7
PUBLIC = "https://hooks.example.net/panel"


def bodies(dbs: Databases, event: str, **values: Any) -> list[dict[str, Any]]:
    found = []
    for row in deliveries(dbs, event=event, **values):
        said = json.loads(row.body)
        assert said["type"] == event
        assert clock.parse(said["timestamp"]) <= clock.now_ms()
        found.append(said)
    return found


@pytest.fixture
def now_here(settings: Settings) -> Settings:
    return replace(settings, settling_ms=0, country="", trunk_prefix="")


def test_calls_are_told_with_the_cdr_and_their_price_with_the_charge(
    both_dbs: Databases, now_here: Settings, shared_dir: Path
) -> None:
    listen(both_dbs, now_here, PUBLIC)
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)
    Runner(both_dbs, now_here).to_the_end(lambda _rows: None)
    with reading(both_dbs.panel) as connection:
        cdrs = {cdr["id"]: cdr for cdr in walk(connection, Filters())}
    ended = bodies(both_dbs, "call.ended")
    assert sorted(said["data"]["id"] for said in ended) == sorted(cdrs)
    for said in ended:
        cdr = cdrs[said["data"]["id"]]
        assert said["tenant"] == cdr["tenant_id"]
        assert said["data"]["call_id"] == cdr["call_id"]
        assert said["data"]["answered_at"] == clock.iso(cdr["answered_at"])
    priced = {said["data"]["id"]: said["data"] for said in bodies(both_dbs, "call.priced")}
    assert {number for number, cdr in cdrs.items() if cdr["price"] is not None} == set(priced)
    assert len(priced) > 5
    assert all(isinstance(data["amount"], str) for data in priced.values())


def test_a_price_that_comes_later_is_told_when_it_comes(
    both_dbs: Databases, now_here: Settings, shared_dir: Path
) -> None:
    listen(both_dbs, now_here, PUBLIC, "call.priced")
    scenario = recorded.scenarios(shared_dir)[0]
    recorded.load(both_dbs, [scenario])
    outside = replace(now_here, engine="http", engine_url="http://127.0.0.1:1/")
    recorded.price_alice(both_dbs)
    Runner(both_dbs, outside).to_the_end(lambda _rows: None)
    assert bodies(both_dbs, "call.priced") == []
    with receiving() as engine:

        def price(handler: Any) -> None:
            asked = json.loads(engine.got[-1].body)
            results = [
                {"id": call["id"], "price": "0.25", "currency": "EUR", "destination": "USA"}
                for call in asked["calls"]
            ]
            answer = json.dumps({"batch": asked["batch"], "results": results}).encode()
            status(200, answer)(handler)

        engine.answer = price
        asked = HttpEngine(engine.url, 5.0)
        with writing(both_dbs.panel) as connection:
            from app.cdr.tables import unpriced

            connection.execute(unpriced.update().values(try_at=0))
        assert price_waiting(both_dbs.panel, asked, "switch") == 1
    (said,) = bodies(both_dbs, "call.priced")
    assert (said["data"]["amount"], said["data"]["currency"]) == ("0.25", "EUR")
    assert said["data"]["call_id"] == scenario["callid"]


def test_without_endpoints_a_step_costs_one_look_and_no_row(
    both_dbs: Databases, now_here: Settings, shared_dir: Path
) -> None:
    looks: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "webhook" in statement or "FROM tenant" in statement.replace("tenant_domain", ""):
            looks.append(statement)

    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    recorded.price_alice(both_dbs)
    runner = Runner(both_dbs, now_here)
    sqlalchemy_event.listen(both_dbs.panel, "before_cursor_execute", note)
    begun = clock.now_ms()
    runner.to_the_end(lambda _rows: None)
    seconds = (clock.now_ms() - begun) // 1000 + 1
    sqlalchemy_event.remove(both_dbs.panel, "before_cursor_execute", note)
    assert 1 <= len(looks) <= seconds, looks
    assert all(look.lstrip().startswith("SELECT") for look in looks)
    assert deliveries(both_dbs) == []


def test_each_tenant_hears_of_itself_and_of_those_beneath(
    panel_db: Databases, settings: Settings
) -> None:
    with writing(panel_db.panel) as connection:
        north = tenants.create(connection, name="North", parent_id=None)
        shop = tenants.create(connection, name="Shop", parent_id=north)
        south = tenants.create(connection, name="South", parent_id=None)
    owner = {
        listen(panel_db, settings, PUBLIC, "call.ended", tenant_id=one)[0]: one
        for one in (1, north, shop, south)
    }
    for tenant_id, hearers in (
        (1, {1}),
        (north, {1, north}),
        (shop, {1, north, shop}),
        (south, {1, south}),
    ):
        assert say(panel_db, tenant_id=tenant_id) == len(hearers)
        rows = [row for row in deliveries(panel_db) if json.loads(row.body)["tenant"] == tenant_id]
        assert {owner[row.endpoint_id] for row in rows} == hearers
        assert all(row.tenant_id == owner[row.endpoint_id] for row in rows)
    assert say(panel_db, "call.priced") == 0, "nobody asked for it"


def test_what_is_rolled_back_is_not_told(panel_db: Databases, settings: Settings) -> None:
    listen(panel_db, settings, PUBLIC)
    with pytest.raises(RuntimeError), writing(panel_db.panel) as connection:
        outbox.write(connection, "call.ended", [1], lambda _n: 1, lambda n: {"n": n})
        raise RuntimeError
    assert deliveries(panel_db) == []


def test_many_rows_at_once_hold_any_text(panel_db: Databases, settings: Settings) -> None:
    listen(panel_db, settings, PUBLIC)
    texts = [f"Ж{number}\\\t\n'\"%\x00\x1aü😀" for number in range(2_500)]
    with writing(panel_db.panel) as connection:
        outbox.write(connection, "call.ended", texts, lambda _t: 1, lambda t: {"t": t})
    assert [json.loads(row.body)["data"]["t"] for row in deliveries(panel_db)] == texts


def spend(dbs: Databases, account_id: int, amount: int, reference: str) -> None:
    with writing(dbs.panel) as connection:
        revenue = account.system_account(connection, 1, "revenue", "EUR")
        posting.post(
            connection,
            tenant_id=1,
            kind="charges",
            reference=reference,
            lines=[Line(account_id, -amount, "EUR"), Line(revenue, amount, "EUR")],
        )


def test_a_low_balance_is_told_once_per_fall(panel_db: Databases, settings: Settings) -> None:
    listen(panel_db, settings, PUBLIC, "balance.low")
    with writing(panel_db.panel) as connection:
        alice = account.create(connection, code="alice@x.example", currency="EUR")
        other = account.create(connection, code="other@x.example", currency="EUR")
        for number in (alice, other):
            account.top_up(connection, number, 1_000 * CENT, f"t{number}")
        account.set_low_balance(connection, alice, 500 * CENT)
    spend(panel_db, other, 900 * CENT, "b0")
    spend(panel_db, alice, 500 * CENT, "b1")
    assert bodies(panel_db, "balance.low") == [], "at the threshold it is not below"
    spend(panel_db, alice, CENT, "b2")
    spend(panel_db, alice, CENT, "b2")
    spend(panel_db, alice, CENT, "b3")
    (said,) = bodies(panel_db, "balance.low")
    assert said["data"] == {
        "account_id": alice,
        "account": "alice@x.example",
        "balance": "4.99",
        "low_balance": "5",
        "currency": "EUR",
    }
    with writing(panel_db.panel) as connection:
        account.top_up(connection, alice, 100 * CENT, "again")
    spend(panel_db, alice, 200 * CENT, "b4")
    assert len(bodies(panel_db, "balance.low")) == 2
    with writing(panel_db.panel) as connection:
        account.set_low_balance(connection, alice, None)
        account.top_up(connection, alice, 1_000 * CENT, "third")
        connection.execute(select(tables.account.c.low_balance))
    spend(panel_db, alice, 1_000 * CENT, "b5")
    assert len(bodies(panel_db, "balance.low")) == 2


def test_a_failed_push_is_told_once(dbs: Databases, settings: Settings) -> None:
    listen(dbs, settings, PUBLIC, "push.failed")
    with FakeNode(loader(dbs)) as node:
        one = with_nodes(settings, edge=node.url)
        node.mode = "refuse_reload"
        found = submit(dbs, one, adding(dbs))
        for _ in range(2):
            pusher.run_due(dbs, one)
            pusher.try_now(dbs, found.id)
        (said,) = bodies(dbs, "push.failed")
        assert (said["tenant"], said["data"]["change"]) == (1, found.id)
        assert said["data"]["node"] == "edge"
        assert said["data"]["problem"].startswith("The node refused to reload")
        node.mode = "ok"
        pusher.run_due(dbs, one)
    assert len(bodies(dbs, "push.failed")) == 1


@pytest.fixture
def demo_node(dbs: Databases) -> Iterator[tuple[Node, str]]:
    with writing(dbs.switch) as connection:
        provision(connection, cast(), "UTC", clock.now_ms())
    node = Node(dbs.switch, Dialogs("UTC"))
    node.load_all()
    server = MiServer("127.0.0.1", 0, node)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield node, f"http://127.0.0.1:{server.server_port}/mi"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_gateway_that_goes_down_is_told_once_per_fall(
    dbs: Databases, settings: Settings, demo_node: tuple[Node, str]
) -> None:
    node, url = demo_node
    assert node.routes is not None
    one = with_nodes(settings, edge=url)
    gateway = next(iter(node.routes.gateways.values()))
    health.look(dbs, one)
    gateway.state = 2
    health.look(dbs, one)
    assert deliveries(dbs) == [], "nobody has asked"
    gateway.state = 0
    listen(dbs, one, PUBLIC, "gateway.down")
    for state in (0, 2, 2, 0, 1, 0, 2):
        gateway.state = state
        health.look(dbs, one)
    said = bodies(dbs, "gateway.down")
    assert [one["data"] for one in said] == [
        {"node": "edge", "gateway": gateway.name, "address": gateway.address, "state": "Probing"}
    ] * 2


def test_an_endpoint_that_is_off_hears_nothing(
    panel_db: Databases, settings: Settings, receiver: Receiver
) -> None:
    from app.webhooks import endpoints

    number, _ = listen(panel_db, settings, receiver.url)
    with writing(panel_db.panel) as connection:
        endpoints.switch(connection, endpoints.get(connection, number, None), False)
    assert say(panel_db) == 0
    with writing(panel_db.panel) as connection:
        endpoints.switch(connection, endpoints.get(connection, number, None), True)
    assert say(panel_db) == 1


def test_the_command_sets_and_drops_the_low_balance(app: Flask, databases: Databases) -> None:
    with writing(databases.panel) as connection:
        number = account.create(connection, code="alice@x.example", currency="EUR")
    runner = app.test_cli_runner()
    for amount, said, stored in (
        ("5.00", "alice@x.example: below 5 EUR it is low\n", 500 * CENT),
        ("off", "alice@x.example: no balance is a low one\n", None),
    ):
        answer = runner.invoke(args=["account", "low-balance", "alice@x.example", amount])
        assert answer.output == said
        with reading(databases.panel) as connection:
            query = select(tables.account.c.low_balance).where(tables.account.c.id == number)
            assert connection.scalar(query) == stored
    missing = runner.invoke(args=["account", "low-balance", "nobody@x.example", "5"])
    assert missing.exit_code == 1
