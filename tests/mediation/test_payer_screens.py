"""Who pays and own numbers on their screens and the command line; whose numbers are whose."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from app import invariants
from app.cdr import store
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity import operators
from app.ledger import account
from app.mediation.payer import load_order, load_rules
from app.mediation.tables import own_number, payer_rule
from app.mediation.ways import Asked
from app.rounds import Runner
from tests.identity.people import sign_in
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import scenario


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)


def test_rules_order_and_box(app: Flask, databases: Databases) -> None:
    with writing(databases.panel) as connection:
        owner = account.create(connection, code="office", currency="EUR")
    clerk = sign_in(app, "billing")
    rule = {"csrf_token": clerk.csrf, "way": "address", "account": "office", "trunk": "t"}
    assert clerk.post("/payers/new", data={**rule, "pattern": "192.0.2.9/24"}).status_code == 303
    assert clerk.post("/payers/new", data={**rule, "pattern": "192.0.2.0/24"}).status_code == 400
    assert clerk.post("/payers/new", data={**rule, "pattern": "nonsense"}).status_code == 400
    unknown = {**rule, "pattern": "::/0", "account": "nobody"}
    assert clerk.post("/payers/new", data=unknown).status_code == 400
    tech = {**rule, "way": "prefix", "pattern": "77#"}
    assert clerk.post("/payers/new", data=tech).status_code == 303
    page = clerk.get("/payers?src_ip=192.0.2.77&dialled=77%23%2B4930").text
    assert "192.0.2.0/24" in page and "account code, subscriber, domain" in page
    move = clerk.post("/payers/order/prefix/up", data={"csrf_token": clerk.csrf})
    assert move.status_code == 303
    clerk.post("/payers/order/account/off", data={"csrf_token": clerk.csrf})
    with reading(databases.panel) as connection:
        assert load_order(connection)[0] == ("account", False)
        rules = load_rules(connection)
        number = connection.scalar(select(payer_rule.c.id).where(payer_rule.c.way == "prefix"))
    assert list(rules.order) == ["subscriber", "domain", "prefix", "address"]
    found = rules.find("prefix", Asked(dialled="77#1"))
    assert found is not None and found.payer.account_id == owner
    assert "4930" in clerk.get("/payers?src_ip=192.0.2.77&dialled=77%23%2B4930").text
    gone = clerk.post(f"/payers/{number}/delete", data={"csrf_token": clerk.csrf})
    assert gone.status_code == 303
    said = app.test_cli_runner().invoke(args=["payer", "test", "--src-ip", "192.0.2.1"])
    assert "pays: office by address 192.0.2.0/24" in said.output


def test_a_call_without_a_payer_leads_to_its_rule_and_its_price(
    app: Flask, databases: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.price_alice(databases)
    nobody = {"account": "", "caller_domain": "pbx.example", "src_ip": "198.51.100.7"}
    incoming = {**nobody, "src_ip": "203.0.113.9", "callee": "+12125550777", "callid": "in"}
    recorded.load(databases, [scenario(shared_dir, 0, id=1, **nobody)])
    recorded.load(databases, [scenario(shared_dir, 0, id=2, **incoming)])
    with writing(databases.panel) as connection:
        row = {"number": "12125550777", "kind": "geographic", "account_id": 1, "created_at": 1}
        connection.execute(own_number.insert(), row)
    Runner(databases, settings).to_the_end(lambda _rows: None)
    with reading(databases.panel) as connection:
        found = {cdr["call_id"]: cdr for cdr in walk(connection, Filters())}
    free, owed = found.pop("in"), next(iter(found.values()))
    # Nobody pays for a call from outside to a number of ours, and it waits for nothing.
    assert (free["direction"], free["unpriced_reason"]) == ("in", None)
    clerk, noc = sign_in(app, "billing"), sign_in(app, "noc")
    assert "Nobody has to pay" in clerk.get(f"/cdr/{free['id']}").text
    assert "1 answered call has no payer" in noc.get("/suspense").text
    listed = clerk.get("/cdr?range=any&status=unpriced").text
    address = unescape(re.search(r'href="(/payers\?[^"]+)"', listed).group(1))  # type: ignore[union-attr]
    assert address in unescape(clerk.get(f"/cdr/{owed['id']}").text)
    page = clerk.get(address).text
    assert 'value="198.51.100.7"' in page and "1 answered call has no payer" in page
    assert f'value="{owed["dialled"]}"' in page
    new = unescape(re.search(r'href="(/payers/new\?way=address[^"]+)"', page).group(1))  # type: ignore[union-attr]
    assert 'value="198.51.100.7"' in clerk.get(new).text
    assert "nobody has to" in clerk.get("/payers?src_ip=203.0.113.9&dialled=%2B12125550777").text
    none = {"csrf_token": clerk.csrf}
    clerk.post("/payers/price", data=none)
    assert "1 call has none" in clerk.get("/payers").text
    said = app.test_cli_runner().invoke(args=["payer", "price"]).output
    assert "Priced: 0\tstill without a price: 1" in said
    rule = {**none, "way": "address", "pattern": "198.51.100.7", "account": "alice@lab.local"}
    assert clerk.post("/payers/new", data=rule).status_code == 303
    clerk.post("/payers/price", data=none)
    page = clerk.get("/payers").text
    assert "1 call has a price now" in page and "no payer" not in page
    # A free call is priced when a rule for where it came from is made later; else it stays free.
    one = {**none, "cdr": free["id"]}
    assert clerk.post("/payers/price", data=one).status_code == 303
    with reading(databases.panel) as connection:
        assert store.get(connection, free["id"])["unpriced_reason"] is None  # type: ignore[index]
    clerk.post("/payers/new", data={**rule, "pattern": "203.0.113.0/24"})
    clerk.post("/payers/price", data=one)
    with reading(databases.panel) as connection:
        rows = [store.get(connection, cdr["id"]) for cdr in (owed, free)]
        findings = list(invariants.check(databases, settings, offline=True))
    assert [row and row["sell_account_id"] for row in rows] == [1, 1]
    assert [one for one in findings if one.violations] == []
    assert noc.post("/payers/price", data={"csrf_token": noc.csrf}).status_code == 403
    assert clerk.post("/payers/price", data={**none, "cdr": "x"}).status_code == 400


def test_a_rule_of_a_tenant_takes_no_account_of_another(databases: Databases) -> None:
    with writing(databases.panel) as connection:
        theirs = account.create(connection, tenant_id=2, code="theirs", currency="EUR")
        row = {"way": "domain", "account_id": theirs, "created_at": 1}
        for tenant_id in (1, 2, 3):
            one = {**row, "tenant_id": tenant_id, "pattern": f"d{tenant_id}"}
            connection.execute(payer_rule.insert(), one)
        rules = load_rules(connection)
    fits = [n for n in (1, 2, 3) if rules.find("domain", Asked(domain=f"d{n}"))]
    assert fits == [1, 2]


def test_numbers_are_pasted_found_and_ended(app: Flask, databases: Databases) -> None:
    with writing(databases.panel) as connection:
        account.create(connection, code="ours", currency="EUR")
        account.create(connection, tenant_id=2, code="theirs", currency="EUR")
    clerk = sign_in(app, "billing")
    lines = "number;account\n+4930111;ours;mobile;c1;1.50\n4930222;theirs\n"
    values = {"csrf_token": clerk.csrf, "numbers": lines}
    assert clerk.post("/numbers/new", data=values).status_code == 303
    assert clerk.post("/numbers/new", data=values).status_code == 400  # they have owners
    for wrong in ("12", "abc,ours", "4930333,nobody", "4930333,ours,red"):
        bad = {**values, "numbers": wrong}
        assert clerk.post("/numbers/new", data=bad).status_code == 400, wrong
    page = clerk.get("/numbers").text
    assert "4930111" in page and "4930222" in page and "1.50" in page
    theirs = sign_in(app, "billing", "their-clerk", 2)
    page = theirs.get("/numbers").text
    assert "4930111" not in page and "4930222" in page
    assert "4930222" in theirs.get("/search?q=4930222").text
    assert "/numbers?q=4930111" not in theirs.get("/search?q=4930111").text
    assert theirs.get("/payers").status_code == 403
    with reading(databases.panel) as connection:
        number = connection.scalar(select(own_number.c.id).where(own_number.c.number == "4930111"))
    assert theirs.post(f"/numbers/{number}/end", data={}).status_code in (400, 403)
    ended = clerk.post(f"/numbers/{number}/end", data={"csrf_token": clerk.csrf})
    assert ended.status_code == 303
    runner = app.test_cli_runner()
    assert "4930444 is ours's" in runner.invoke(args=["number", "add", "4930444", "ours"]).output
    assert "4930444\tgeographic\tours" in runner.invoke(args=["number", "list"]).output
