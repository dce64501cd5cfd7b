"""The recorded traffic of a real OpenSIPS 3.6, played to our server over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from app.charging.settle import SettledCall, close_for_cdrs
from app.charging.tables import session
from app.core.database import reading, writing
from app.ledger.tables import hold
from tests.charging.conftest import ALICE, RECORDING, Running

MESSAGES = [json.loads(line) for line in RECORDING.read_text().splitlines()]
CENT = 10**7


def _requests(setting: str) -> Iterator[dict[str, Any]]:
    for entry in MESSAGES:
        wanted = entry["direction"] == "opensips->server" and entry["module_setting"] == setting
        if wanted and "method" in entry["json"]:
            yield entry


def _play(running: Running, setting: str, shift: int, repeat: int) -> list[tuple[str, Any]]:
    """Plays the recording; ``shift`` makes the ids of the requests fresh."""
    clients: dict[int, Any] = {}
    got = []
    for entry in _requests(setting):
        client = clients.setdefault(entry["tcp_connection"], None) or running.connect()
        clients[entry["tcp_connection"]] = client
        message = entry["json"] | {"id": entry["json"]["id"] + shift}
        raw = entry["raw"].replace(str(entry["json"]["id"]), str(message["id"]))
        for _ in range(repeat):
            client.send(raw)
            text, reply = client.receive()
            assert reply["id"] == message["id"]
            got.append((entry["json"]["method"].partition(".")[2], (text, reply)))
    return got


def _snapshot(running: Running) -> Any:
    columns = [c for c in session.c if c.name not in ("seen_at", "stopped_at")]
    with reading(running.lab.dbs.panel) as connection:
        sessions = connection.execute(select(*columns).order_by(session.c.id)).all()
        holds = connection.execute(
            select(hold.c.id, hold.c.state, hold.c.amount).order_by(hold.c.id)
        ).all()
    return sessions, holds, running.lab.account()


@pytest.mark.parametrize("setting", ["compat_mode=0", "compat_mode=1"])
def test_the_recording_twice_leaves_the_ledger_right(running: Running, setting: str) -> None:
    replies = _play(running, setting, 0, 1)
    first = _snapshot(running)
    _play(running, setting, 1000, 2)
    # Authorised, started, stopped, reported once or three times: the same sessions and holds.
    assert _snapshot(running) == first
    assert all(reply["error"] is None for _, (_, reply) in replies)

    sessions, holds, alice = first
    # 3 calls were answered and ended; of 1 the end is not on record; 2 were not answered.
    states = sorted(row.state for row in sessions)
    assert states.count("stopped") == 3
    assert states.count("started") == 1
    assert states.count("closed") == 2
    assert alice.balance == 10**12  # nothing is debited here
    ended = [row for row in sessions if row.state == "stopped"]
    by_id = {row.id: row for row in holds}
    for row in ended:
        # 0.06 a minute is a tenth of a cent a second
        assert by_id[row.hold_id].amount == row.usage_ms * CENT // 10_000
        assert by_id[row.hold_id].state == "stopped"
    assert alice.held == sum(row.amount for row in holds)
    running.lab.check()

    # The pipeline prices the CDRs: holds close, and a late repetition opens nothing.
    settled = [
        SettledCall(None, "acc", row.call_id, ALICE, row.answered_at + 999, row.id, 1, CENT)
        for row in sessions
        if row.answered_at
    ]
    with writing(running.lab.dbs.panel) as connection:
        assert close_for_cdrs(connection, settled).closed == 4
    closed = _snapshot(running)
    _play(running, setting, 2000, 1)
    assert _snapshot(running)[1] == closed[1]
    assert running.lab.account().held == 0
    running.lab.check()


def test_maximum_usage_is_written_as_each_dialect_reads_it(running: Running) -> None:
    for setting, wanted in (
        ("compat_mode=0", {"AuthorizeEventWithDigest": '"MaxUsage": 10800.0,'}),
        ("compat_mode=1", {"GetMaxUsage": '"result": 10800,'}),
    ):
        first = dict(_play(running, setting, 0, 1)[:1])
        for method, text in wanted.items():
            assert text in first[method][0]


def test_start_of_the_new_dialect_is_told_in_nanoseconds(running: Running) -> None:
    replies = dict(reversed(_play(running, "compat_mode=0", 0, 1)))
    text, reply = replies["InitiateSession"]
    assert reply["result"]["MaxUsage"] == 10800 * 10**9
    assert '"MaxUsage": 10800000000000,' in text
    assert replies["TerminateSession"][1]["result"] == "OK"
    assert replies["ProcessCDR"][1]["result"] == "OK"
