"""What every operation has in common: parameters, bodies, pages, tags, keys, rates."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.api.rate import Limiter
from app.api.tables import api_answer
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity.tables import audit
from app.ledger import account
from app.ledger.tables import entry
from app.opensips.tables import create_opensips_tables
from tests.api.conftest import Program, program
from tests.cdr.calls import call, put
from tests.provisioning.scene import put as put_rule
from tests.provisioning.scene import stored


@pytest.fixture
def client(app: Flask, databases: Databases) -> Program:
    create_opensips_tables(databases.switch)
    return program(app)


def _account(client: Program, code: str = "bob@x") -> Any:
    return client.ask("POST", "/accounts", {"code": code, "currency": "EUR"}).json


def _top_up(client: Program, number: int, amount: str, key: str) -> Any:
    path = f"/accounts/{number}/top-ups"
    return client.ask("POST", path, {"amount": amount}, Idempotency_Key=key)


# ---- what comes in -------------------------------------------------------------------------------


def test_a_parameter_that_is_none_is_refused(client: Program) -> None:
    """A filter with a slip of the pen must not answer with everything."""
    for query, field in (
        ("calller=1", "calller"),
        ("caller=", "caller"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("since=yesterday", "since"),
        ("status=lost", "status"),
        ("caller=1&caller=2", "caller"),
        ("caller=*", "caller"),
        ("after=AAAA", "after"),
        ("fields=nothing", "fields"),
        ("since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "since"),
    ):
        answer = client.ask("GET", f"/calls?{query}")
        assert answer.status_code == 400, query
        assert answer.mimetype == "application/problem+json"
        assert answer.json["errors"][0]["field"] == field, query


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"code": "a", "code": "b", "currency": "EUR"}',
        b'{"code": "a", "currency": "EUR", "credit_limit": NaN}',
        b'{"code": "a", "currency": "EUR", "credit_limit": 1.5}',
        b'{"code": "a", "currency": "EUR", "colour": "red"}',
        b'{"code": "a\\u0000", "currency": "EUR"}',
        b'{"code": "a\\ud800", "currency": "EUR"}',
        b'{"code": "", "currency": "EUR"}',
        b'{"code": "a", "currency": "eur"}',
        b'{"code": "a", "currency": "EUR\\n"}',
        b'{"code": "a"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_account_is_refused_with_the_place(client: Program, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = client.post(
        "/api/v1/accounts", data=body, content_type="application/json", headers=headers
    )
    assert answer.status_code == 400, answer.text
    assert answer.json is not None and answer.json["errors"]
    assert client.ask("GET", "/accounts").json["items"] == []


def test_other_kinds_of_bodies(client: Program) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    form = client.post("/api/v1/accounts", data={"code": "a"}, headers=headers)
    assert form.status_code == 415
    large = client.ask("POST", "/accounts", {"code": "a" * (1 << 20), "currency": "EUR"})
    assert large.status_code == 413
    assert client.ask("PUT", "/accounts", {}).status_code == 405
    assert client.ask("GET", "/nothing").mimetype == "application/problem+json"


# ---- lists ---------------------------------------------------------------------------------------


def test_pages_hold_every_call_once(client: Program, databases: Databases) -> None:
    now = clock.now_ms()
    put(databases, *(call(call_id=f"c{n}", setup_at=now - n * 1000) for n in range(1, 24)))
    found, after, pages = [], "", 0
    while after is not None:
        answer = client.ask("GET", f"/calls?limit=5&fields=call_id{after}")
        assert answer.status_code == 200
        found += [one["call_id"] for one in answer.json["items"]]
        assert all(set(one) == {"call_id"} for one in answer.json["items"])
        pages += 1
        following = answer.json["next"]
        assert ("Link" in answer.headers) == (following is not None)
        after = None if following is None else f"&after={following}"
    assert found == [f"c{n}" for n in range(1, 24)]
    assert pages == 5


def test_the_link_leads_to_the_next_page(client: Program, databases: Databases) -> None:
    now = clock.now_ms()
    put(databases, *(call(call_id=f"c{n}", setup_at=now - n * 1000) for n in range(1, 5)))
    first = client.ask("GET", "/calls?limit=2&caller=4930*")
    link = first.headers["Link"].split(">")[0].removeprefix("</api/v1")
    second = client.ask("GET", link)
    assert [one["call_id"] for one in second.json["items"]] == ["c3", "c4"]


def test_a_cursor_is_good_for_its_list_and_its_tenant(app: Flask, client: Program) -> None:
    for number in range(3):
        _account(client, f"a{number}")
    cursor = client.ask("GET", "/accounts?limit=1").json["next"]
    assert client.ask("GET", f"/accounts?limit=1&after={cursor}").json["items"][0]["code"] == "a1"
    assert client.ask("GET", f"/operators?after={cursor}").status_code == 400
    forged = cursor[:-2] + ("AA" if not cursor.endswith("AA") else "BB")
    assert client.ask("GET", f"/accounts?after={forged}").status_code == 400
    stranger = program(app, "reseller", tenant_id=2)
    assert stranger.ask("GET", f"/accounts?after={cursor}").status_code == 400


def test_files_of_calls(client: Program, databases: Databases) -> None:
    put(databases, call(call_id="=cmd()", caller="493012345678"))
    csv = client.ask("GET", "/calls/export")
    assert csv.mimetype == "text/csv" and "'=cmd()" in csv.text
    lines = client.ask("GET", "/calls/export?format=jsonl").text.splitlines()
    assert len(lines) == 1 and '"call_id":"=cmd()"' in lines[0]
    with reading(databases.panel) as connection:
        actions = connection.scalars(select(audit.c.action)).all()
    assert actions.count("calls.exported") == 2


# ---- tags ----------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_sent_again(client: Program) -> None:
    number = _account(client)["id"]
    first = client.ask("GET", f"/accounts/{number}")
    tag = first.headers["ETag"]
    again = client.ask("GET", f"/accounts/{number}", If_None_Match=tag)
    assert (again.status_code, again.data) == (304, b"")
    assert _top_up(client, number, "1", "k1").status_code == 201
    assert client.ask("GET", f"/accounts/{number}", If_None_Match=tag).status_code == 200


def test_nobody_overwrites_what_he_has_not_seen(client: Program, databases: Databases) -> None:
    row = put_rule(databases)
    path = f"/dialplan/rules/{row['id']}"
    tag = client.ask("GET", path).headers["ETag"]
    assert client.ask("PATCH", path, {"pr": 5}).status_code == 428
    assert client.ask("PATCH", path, {"pr": 5}, If_Match=tag).status_code == 200
    assert client.ask("PATCH", path, {"pr": 6}, If_Match=tag).status_code == 412
    assert client.ask("DELETE", path, If_Match=tag).status_code == 412
    assert stored(databases)[0]["pr"] == 5
    assert client.ask("DELETE", path, If_Match="*").status_code == 200
    assert stored(databases) == []
    assert client.ask("GET", path).status_code == 404


def test_many_rules_at_once_or_none(client: Program, databases: Databases) -> None:
    one, two = put_rule(databases), put_rule(databases, pr=2)
    edits = [
        {"deed": "add", "values": {"dpid": 3, "match_exp": "^1"}},
        {"deed": "change", "id": one["id"], "values": {"disabled": 1}},
        {"deed": "delete", "id": two["id"]},
    ]
    bad = [*edits, {"deed": "delete", "id": 999}]
    refused = client.ask("POST", "/dialplan/changes", {"edits": bad})
    assert refused.json["errors"][0]["field"] == "/edits/3/id"
    wrong = [{"deed": "add", "values": {"dpid": 3, "match_exp": "^("}}]
    refused = client.ask("POST", "/dialplan/changes", {"edits": wrong})
    assert refused.json["errors"][0]["field"] == "/edits/0/values/match_exp"
    assert len(stored(databases)) == 2
    made = client.ask("POST", "/dialplan/changes", {"edits": edits, "comment": "tidy"})
    assert made.status_code == 201, made.text
    assert [(row["dpid"], row["disabled"]) for row in stored(databases)] == [(1, 1), (3, 0)]
    undone = client.ask("POST", f"/changes/{made.json['id']}/undo", {})
    assert undone.status_code == 200, undone.text
    assert [(row["pr"], row["disabled"]) for row in stored(databases)] == [(1, 0), (2, 0)]


# ---- keys ----------------------------------------------------------------------------------------


def test_money_moves_once(client: Program, databases: Databases) -> None:
    number = _account(client)["id"]
    assert client.ask("POST", f"/accounts/{number}/top-ups", {"amount": "5"}).status_code == 400
    first = _top_up(client, number, "12.50", "k1")
    again = _top_up(client, number, "12.50", "k1")
    assert first.status_code == again.status_code == 201
    assert first.json == again.json and again.headers["Idempotency-Replayed"] == "true"
    assert first.json["account"]["balance"] == "12.5"
    other = _top_up(client, number, "13", "k1")
    assert (other.status_code, other.json["code"]) == (422, "key_reused")
    assert client.ask("GET", f"/accounts/{number}").json["balance"] == "12.5"
    for amount in ("0", "-1", "1e3", "1.0000000001", "NaN", ""):
        assert _top_up(client, number, amount, f"k{amount}").status_code == 400, amount
    listed = client.ask("GET", f"/accounts/{number}/entries").json["items"]
    assert [one["amount"] for one in listed] == ["12.5"]


def test_many_that_send_the_same_deed(app: Flask, both_dbs: Databases, settings: Settings) -> None:
    client = program(app)
    number = _account(client)["id"]
    answers: list[int] = []

    def run() -> None:
        mine = Program(app, app.response_class, use_cookies=False)
        mine.token = client.token
        answers.append(_top_up(mine, number, "5", "same").status_code)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {201, 409} and 201 in answers
    with reading(both_dbs.panel) as connection:
        amounts = connection.scalars(
            select(entry.c.amount).where(entry.c.account_id == number)
        ).all()
    assert amounts == [5_000_000_000]
    assert _top_up(client, number, "5", "same").status_code == 201


def test_a_deed_whose_process_died_happens_once(app: Flask, both_dbs: Databases) -> None:
    """Killed after the money moved and before the answer was kept."""
    client = program(app)
    number = _account(client)["id"]
    assert _top_up(client, number, "5", "dead").status_code == 201
    with writing(both_dbs.panel) as connection:
        connection.execute(api_answer.update().values(status=None, answer=None))
    assert _top_up(client, number, "5", "dead").status_code == 409
    with writing(both_dbs.panel) as connection:
        connection.execute(api_answer.update().values(at=clock.now_ms() - 10 * clock.MINUTE))
    assert _top_up(client, number, "5", "dead").status_code == 201
    with reading(both_dbs.panel) as connection:
        assert account.get(connection, number).balance == 5_000_000_000


def test_a_one_time_password_is_kept_sealed(client: Program, databases: Databases) -> None:
    wish = {"login": "bob", "role": "noc"}
    first = client.ask("POST", "/operators", wish, Idempotency_Key="op1")
    again = client.ask("POST", "/operators", wish, Idempotency_Key="op1")
    assert first.json == again.json
    with reading(databases.panel) as connection:
        kept = connection.scalar(select(api_answer.c.answer))
    assert first.json["password"] not in str(kept)
    refused = client.ask("POST", "/operators", wish, Idempotency_Key="op2")
    assert refused.status_code == 409
    # What failed may be tried again by the same key.
    answer = client.ask("POST", "/operators", wish | {"login": "eve"}, Idempotency_Key="op2")
    assert answer.status_code == 201


def test_an_answer_is_for_who_asked(app: Flask, client: Program) -> None:
    other = program(app, login="other")
    wish = {"login": "bob", "role": "noc"}
    assert client.ask("POST", "/operators", wish, Idempotency_Key="k").status_code == 201
    assert other.ask("POST", "/operators", wish, Idempotency_Key="k").status_code == 409


# ---- rates ---------------------------------------------------------------------------------------


def test_who_asks_too_often_waits(app: Flask) -> None:
    app.extensions["api_limiter"] = Limiter(40)
    client, other = program(app), program(app, "noc")
    codes = [client.ask("GET", "/me") for _ in range(42)]
    good = [answer for answer in codes if answer.status_code == 200]
    # A new minute may have begun meanwhile.
    assert 40 <= len(good) <= 42
    assert good[0].headers["RateLimit-Policy"] == '"minute";q=40;w=60'
    refused = [answer for answer in codes if answer.status_code == 429]
    for answer in refused:
        assert answer.json["code"] == "too_many_requests"
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert other.ask("GET", "/me").status_code == 200


def test_processes_share_a_limit(panel_db: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_ms() - clock.now_ms() % 60_000
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    processes = [Limiter(100) for _ in range(4)]
    given: list[bool] = []

    def run(limiter: Limiter) -> None:
        for _ in range(60):
            given.append(limiter.take(panel_db.panel, "token:1", 1).left >= 0)

    threads = [threading.Thread(target=run, args=(one,)) for one in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(given) == 100
    monkeypatch.setattr(clock, "now_ms", lambda: now + 60_000)
    assert processes[0].take(panel_db.panel, "token:1", 1).left >= 0
    assert dataclasses.asdict(processes[1].take(panel_db.panel, "token:2", 1))["left"] == 4
