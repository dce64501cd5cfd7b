"""Sources on their screens and the command line: clock, columns, rules for numbers, a test box."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity import operators
from app.identity.tables import audit
from app.mediation.tables import number_rule, source, suspense
from app.rounds import Runner
from tests.identity.people import sign_in
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import scenario


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)


def noted(dbs: Databases, action: str) -> list[tuple[Any, Any]]:
    """Before and after of the deeds of a kind, the oldest first."""
    with reading(dbs.panel) as connection:
        query = select(audit.c.before, audit.c.after).where(audit.c.action == action)
        rows = connection.execute(query.order_by(audit.c.id)).all()
    return [(json.loads(b) if b else None, json.loads(a) if a else None) for b, a in rows]


def test_a_wrong_zone_is_put_right_and_suspense_replayed(
    app: Flask, databases: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(databases, [scenario(shared_dir, 0, id=1, time="2099-01-01 00:00:00")])
    runner = Runner(databases, settings)
    runner.round()
    noc = sign_in(app, "noc")
    page = noc.get("/sources").text
    assert "opensips" in page and "acc 7, missed_calls 5" in page
    with reading(databases.panel) as connection:
        number = connection.scalar(select(source.c.id))
        entry = connection.scalar(select(suspense.c.id))
    # From the entry in suspense to the rule that is to be put right.
    assert f'href="/sources/{number}"' in noc.get(f"/suspense/{entry}").text
    assert 'href="/sources"' in noc.get("/suspense").text
    assert "1 row of it lies in suspense" in noc.get(f"/sources/{number}").text
    wish = {"csrf_token": noc.csrf, "zone": "berlin", "country": "43", "trunk_prefix": "0"}
    path = f"/sources/{number}/edit"
    assert noc.post(path, data={**wish, "zone": "Europe/Nowhere"}).status_code == 400
    assert noc.post(path, data={**wish, "country": "+43"}).status_code == 400
    assert "Earlier calls are not changed" in noc.get(path).text
    assert noc.post(path, data=wish).status_code == 303
    page = noc.get(f"/sources/{number}").text
    assert "Europe/Berlin" in page and "a replay uses the new rule" in page
    before = {"zone": "UTC", "country": "49"}
    assert noted(databases, "source.change") == [
        (before, {"zone": "Europe/Berlin", "country": "43"})
    ]
    # Who may only look changes nothing.
    assert sign_in(app, "support").get(path).status_code == 403
    assert sign_in(app, "noc", "theirs", 2).get("/sources").status_code == 403


def test_columns_are_chosen_among_those_that_are_there(
    app: Flask, databases: Databases, settings: Settings, shared_dir: Path
) -> None:
    row = scenario(shared_dir, 0, id=1, src_ip="192.0.2.9", callid="one")
    recorded.load(databases, [row])
    runner = Runner(databases, settings)
    runner.round()
    with reading(databases.panel) as connection:
        number = connection.scalar(select(source.c.id))
    noc = sign_in(app, "noc")
    path = f"/sources/{number}/columns"
    page = noc.get(path).text
    assert "guess by name: gw" not in page  # the shipped column “gateway” is there too
    assert "guess by name: gateway" in page and "src_ip = 192.0.2.9" in page
    names = ("caller", "callee", "caller_domain", "account", "gateway", "carrier", "src_ip")
    names += ("user_agent", "charge_id", "routed", "asserted", "routing_number", "trunk")
    names += ("attempt", "first_ms", "final_ms", "pdd_ms", "cause", "hangup")
    wish = {"csrf_token": noc.csrf, **dict.fromkeys(names, "?")}
    wrong = {**wish, "account": "password"}
    assert noc.post(path, data=wrong).status_code == 400
    assert noc.post(path, data={**wish, "account": "src_ip", "src_ip": "-"}).status_code == 303
    assert noted(databases, "source.change") == [
        ({"columns": None}, {"columns": {"account": "src_ip", "src_ip": ""}})
    ]
    assert "by hand" in noc.get(f"/sources/{number}").text
    recorded.load(databases, [scenario(shared_dir, 0, id=2, src_ip="192.0.2.8", callid="two")])
    runner.round()  # the same runner: nothing was restarted
    with reading(databases.panel) as connection:
        found = {cdr["call_id"]: cdr for cdr in walk(connection, Filters())}
    assert (found["one"]["account"], found["one"]["src_ip"]) == ("alice@lab.local", "192.0.2.9")
    assert (found["two"]["account"], found["two"]["src_ip"]) == ("192.0.2.8", "")
    # A column that is gone is said, and guessed.
    with writing(databases.panel) as connection:
        connection.execute(source.update().values(columns='{"account": "gone"}'))
    assert "gone, which is gone: by name" in noc.get(f"/sources/{number}").text
    assert noc.get(path).status_code == 200


def test_rules_are_ordered_and_tried(
    app: Flask, databases: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(databases, [])
    Runner(databases, settings).round()
    noc = sign_in(app, "noc")
    with reading(databases.panel) as connection:
        base = f"/sources/{connection.scalar(select(source.c.id))}/rules"
    assert f'href="{base}/new"' in noc.get(base).text.partition("where something else")[2]
    assert '<option selected value="callee">' in noc.get(f"{base}/new").text
    blank = {"csrf_token": noc.csrf, "side": "callee"}
    nine = {**blank, "prefix": "9", "least": "5"}
    assert noc.post(f"{base}/new", data=nine).status_code == 303
    ninety = {**blank, "prefix": "90", "strip": "0", "add": "+"}
    assert noc.post(f"{base}/new", data=ninety).status_code == 303
    wien = {**blank, "domain": "Wien.example", "prefix": "9", "strip": "2", "add": "+43"}
    assert noc.post(f"{base}/new", data=wien).status_code == 303
    for wrong in (
        blank,  # every number
        {**blank, "prefix": "9", "least": "8", "most": "7"},
        {**blank, "prefix": "9 + x!"},
        {**blank, "prefix": "9", "add": "tel"},
        {**blank, "prefix": "9", "strip": "65"},
        {**blank, "prefix": "9", "side": "both of them"},
    ):
        assert noc.post(f"{base}/new", data=wrong).status_code == 400, wrong
    page = noc.get(f"{base}?number=9030-23125001").text
    assert "+493023125001" in page and "Germany" in page and "fixed line" in page
    page = noc.get(f"{base}?number=90664123456&domain=wien.example").text
    assert "+43664123456" in page and "Austria" in page and "mobile" in page
    steps = page.partition('class="ways"')[2].partition("</ol>")[0]
    assert steps.count("<li>") == 2 and "takes 2 signs off" in steps
    assert "no telephone number" in noc.get(f"{base}?number=bob").text
    with reading(databases.panel) as connection:
        ids = {(row.prefix, row.domain): row.id for row in connection.execute(select(number_rule))}
    move = f"{base}/{ids['90', '']}/move/up"
    assert noc.post(move, data={"csrf_token": noc.csrf}).status_code == 303
    page = noc.get(f"{base}?number=903023125001").text
    assert "+903023125001" in page and "rkiye" in page
    edit = f"{base}/{ids['90', '']}"
    assert noc.post(edit, data={**ninety, "prefix": "91"}).status_code == 303
    assert "+493023125001" in noc.get(f"{base}?number=903023125001").text
    assert noc.post(f"{edit}/delete", data={"csrf_token": noc.csrf}).status_code == 303
    assert noc.get(edit).status_code == 404
    assert [action[0] is None for action in noted(databases, "number_rule.create")] == [True] * 3
    assert noted(databases, "number_rule.move") == [({"place": 2}, {"place": 1})]
    # What a call becomes is what the box said, and its page tells country and type.
    recorded.load(databases, [scenario(shared_dir, 0, id=1, callee="9030-23125001")])
    Runner(databases, settings).round()
    with reading(databases.panel) as connection:
        (cdr,) = walk(connection, Filters())
    assert (cdr["callee"], cdr["dialled"]) == ("493023125001", "9030-23125001")
    page = noc.get(f"/cdr/{cdr['id']}").text
    assert "Germany" in page and "fixed line" in page


def test_a_source_that_is_away_or_named_no_more_says_so(
    app: Flask, databases: Databases, settings: Settings
) -> None:
    Runner(databases, settings).round()
    with writing(databases.panel) as connection:
        new = {"id": 7, "name": "berlin", "zone": "UTC", "created_at": 0}
        connection.execute(source.insert(), [new, {**new, "id": 8, "name": "charging"}])
    noc = sign_in(app, "noc")
    page = noc.get("/sources").text
    assert "berlin" in page and "PANEL_SOURCES names it no more" in page
    assert "charging" not in page and noc.get("/sources/8").status_code == 404
    page = noc.get("/sources/7").text
    assert "No setting names the database" in page
    assert noc.get("/sources/7/columns").status_code == 503


def test_the_command_line(
    app: Flask, databases: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(databases, [scenario(shared_dir, 0, id=1)])
    run = app.test_cli_runner().invoke
    assert "--column MEANING=COLUMN" in run(args=["source", "set", "--help"]).output
    listed = run(args=["source", "--help"]).output
    assert all(f"{name}  " in listed for name in ("list", "set", "show", "try"))
    assert "opensips\tUTC\t-\t?\tnot looked at" in run(args=["source", "list"]).output
    Runner(databases, settings).round()
    assert "opensips\tUTC\tacc:7 missed_calls:5\t0\tread" in run(args=["source", "list"]).output
    done = run(args=["source", "set", "opensips", "--zone", "Europe/Paris", "--column",
                     "account=src_ip", "--column", "trunk=-"])  # fmt: skip
    assert "opensips is set" in done.output
    shown = run(args=["source", "show", "opensips"]).output
    assert "zone: Europe/Paris" in shown and "country: 49\ttrunk prefix: 0" in shown
    assert "column account: src_ip (chosen)" in shown and "column trunk: none (chosen)" in shown
    run(args=["source", "set", "opensips", "--column", "account=?"])
    assert "column account: account (by name)" in run(args=["source", "show", "opensips"]).output
    tried = run(args=["source", "try", "opensips", "030 23125001"]).output
    assert "number: 493023125001\tDE fixed" in tried
    for wrong in (["--zone", "Nowhere"], ["--column", "colour=red"], ["--country", "x"]):
        assert run(args=["source", "set", "opensips", *wrong]).exit_code != 0
    assert run(args=["source", "show", "nobody"]).exit_code != 0


def test_one_run_reads_what_it_can_and_names_what_it_cannot(
    app: Flask, databases: Databases, settings: Settings, shared_dir: Path, tmp_path: Path
) -> None:
    from app.core.database import make_engine
    from app.core.source_settings import SourceSetting

    recorded.load(databases, [scenario(shared_dir, 0, id=1)])
    url = f"sqlite:///{tmp_path}"
    app.extensions["settings"] = replace(settings, sources=(SourceSetting("berlin", url),))
    app.extensions["databases"] = replace(databases, others={"berlin": make_engine(url)})
    done = app.test_cli_runner().invoke(args=["mediate", "--once"])
    assert done.exit_code == 1
    assert "Rows read: 1 " in done.output and "The source berlin was not read" in done.output
    page = sign_in(app, "noc").get("/sources").text
    assert "not read" in page and "does not answer" in page
