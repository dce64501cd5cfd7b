"""The server: segments, many connections, faults of the database, a clean end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from app.charging import session
from app.charging.server import address
from app.core.database import writing
from app.core.errors import SettingsError
from app.ledger import account
from app.rating import store
from tests.charging.conftest import ALICE, Client, Running

ROOT = Path(__file__).parents[2]


def _authorise(number: int, call_id: str = "a@b", who: str = ALICE) -> dict[str, Any]:
    event = {
        "Account": who,
        "Destination": "0012125550106",
        "OriginID": call_id,
        "SetupTime": "1795393464",
    }
    return {
        "id": number,
        "method": "SessionSv1.AuthorizeEventWithDigest",
        "params": [{"Event": event, "GetMaxUsage": True}],
    }


def test_segments_and_several_messages_at_once(running: Running) -> None:
    client = running.connect()
    raw = "".join(json.dumps(_authorise(n, f"ü{n}@b")) for n in range(20)).encode()
    for start in range(0, len(raw), 37):
        client.send(raw[start : start + 37])
    assert {client.receive()[1]["id"] for _ in range(20)} == set(range(20))


def test_many_connections(running: Running) -> None:
    def switch(number: int) -> list[float]:
        client = running.connect()
        replies = [client.ask(_authorise(n, f"{number}-{n}"))[1] for n in range(5)]
        return [reply["result"]["MaxUsage"] for reply in replies]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(switch, range(16))) == [[10_800.0] * 5] * 16


def test_refusals_are_text_and_the_connection_lives_on(running: Running) -> None:
    client = running.connect()
    wanted: list[tuple[dict[str, Any], str]] = [
        (_authorise(1, who="nobody"), "ACCOUNT_NOT_FOUND"),
        ({"id": 2, "method": "SessionSv1.Nothing", "params": [{}]}, "Unknown Method"),
        ({"id": 3, "method": "SessionSv1.ProcessCDR", "params": 5}, "MANDATORY_IE_MISSING"),
    ]
    for message, text in wanted:
        reply = client.ask(message)[1]
        assert (reply["id"], reply["result"]) == (message["id"], None)
        assert reply["error"].startswith(text)
    client.send("{nonsense}")
    assert client.receive()[1] == {"id": None, "result": None, "error": "NOT_JSON"}
    client.send('{"id": 4, "result": "OK", "error": null}')  # an answer to us: no reply
    ping = client.ask({"id": 5, "method": "CoreSv1.Ping", "params": [{}]})[1]
    assert ping == {"id": 5, "result": "Pong", "error": None}


def test_garbage_closes_the_connection_only(running: Running) -> None:
    client = running.connect()
    client.send("GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(EOFError):
        client.receive()
    assert running.connect().ask(_authorise(1))[1]["error"] is None


def test_a_database_that_breaks_is_a_refusal(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = running.connect()
    assert client.ask(_authorise(1))[1]["error"] is None

    def broken(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception(2013, "Lost connection"))

    monkeypatch.setattr(session, "handle", broken)
    assert client.ask(_authorise(2))[1] == {"id": 2, "result": None, "error": "SERVER_ERROR"}


def test_a_deadlock_is_tried_again(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    handle = session.handle

    def first_time(*arguments: Any) -> Any:
        tried.append(1)
        if len(tried) < 3:
            raise OperationalError("UPDATE", {}, Exception(1213, "Deadlock found"))
        return handle(*arguments)

    monkeypatch.setattr(session, "handle", first_time)
    assert running.connect().ask(_authorise(1))[1]["error"] is None
    assert len(tried) == 3


def test_the_answer_comes_after_the_commit(running: Running) -> None:
    """While somebody has the account, start waits; authorise holds nothing and does not."""
    client, other = running.connect(), running.connect()
    if running.lab.dbs.panel.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: everything waits there")
    start = _authorise(2)
    start["method"] = "SessionSv1.InitiateSession"
    start["params"][0]["Event"]["AnswerTime"] = "1795393465"
    with writing(running.lab.dbs.panel) as connection:
        account.lock(connection, running.lab.alice)
        client.send(json.dumps(start))
        assert other.ask(_authorise(1))[1]["id"] == 1
        got = threading.Event()
        reader = threading.Thread(target=lambda: (client.receive(), got.set()))
        reader.start()
        assert not got.wait(0.2)
    reader.join(10)
    assert got.is_set()


@pytest.mark.parametrize(
    ("text", "where"), [("127.0.0.1:2014", ("127.0.0.1", 2014)), ("[::1]:1", ("::1", 1))]
)
def test_addresses(text: str, where: tuple[str, int]) -> None:
    assert address(text) == where


@pytest.mark.parametrize("text", ["2014", ":2014", "host:", "host:x", "host:70000"])
def test_wrong_addresses_are_explained(text: str) -> None:
    with pytest.raises(SettingsError, match="PANEL_CHARGING_BIND"):
        address(text)


PROGRAM = """
import asyncio, sys
import app.ledger.tables, app.charging.tables, app.rating.tables, app.identity.tables
from pathlib import Path
from app.charging.server import serve
from app.core import database
from app.core.settings import load
settings = load({"PANEL_DATA_DIR": sys.argv[1], "PANEL_SECRET_KEY": "s" * 40,
                 "PANEL_CHARGING_BIND": sys.argv[2]})
dbs = database.connect(settings)
tables = ["tariff", "tariff_version", "tariff_assignment", "rate", "account", "tenant_domain",
          "payer_way", "payer_rule", "own_number"]
with dbs.panel.begin() as c:
    database.metadata.create_all(c, tables=[database.metadata.tables[t] for t in tables])
asyncio.run(serve(dbs, settings, ready=lambda h, p: print(f"on {h}:{p}", flush=True),
                  beat=lambda: None))
print("ended", flush=True)
"""


@contextmanager
def ends(process: subprocess.Popen[str]) -> Iterator[None]:
    """A failed test leaves no server behind that it would wait for."""
    try:
        yield
    finally:
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_good_order(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), "127.0.0.1:0"]
    with (
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"]},
        ) as process,
        ends(process),
    ):
        assert process.stdout is not None
        found = re.fullmatch(r"on 127\.0\.0\.1:(\d+)\n", process.stdout.readline())
        assert found
        client = Client(int(found[1]))
        assert client.ask(_authorise(1))[1]["error"] == "ACCOUNT_NOT_FOUND"
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        client.close()
    assert (process.returncode, out) == (0, "ended\n"), err
    assert "Traceback" not in err


def test_a_rate_made_this_second_is_found(running: Running) -> None:
    client = running.connect()
    assert client.ask(_authorise(1))[1]["error"] is None
    with writing(running.lab.dbs.panel) as connection:
        bob = account.create(connection, code="bob", currency="EUR", credit_limit=10**12)
    assert client.ask(_authorise(2, who="bob"))[1]["error"] == "NO_RATE"
    with writing(running.lab.dbs.panel) as connection:
        store.assign(connection, bob, 1)
    assert client.ask(_authorise(3, who="bob"))[1]["error"] is None
