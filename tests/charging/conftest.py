"""What the charging tests share: accounts with a tariff, a server in a thread, recordings."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from app.charging.server import Server
from app.core.database import Databases, reading, writing
from app.core.settings import Settings, load
from app.ledger import account, reconcile
from app.ledger.account import Account
from app.mediation.call import Call, Flag
from app.rating import store

RECORDING = Path(__file__).parents[3] / "shared" / "opensips" / "cgrates-module-wire.jsonl"
ALICE = "alice@lab.local"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Defaults, in a folder of the test."""
    return load({"PANEL_DATA_DIR": str(tmp_path), "PANEL_SECRET_KEY": "s" * 40})


@dataclass
class Lab:
    """One prepaid account, alice, who pays 0.06 a minute by the second to +1."""

    dbs: Databases
    settings: Settings
    alice: int

    def account(self) -> Account:
        with reading(self.dbs.panel) as connection:
            return account.get(connection, self.alice)

    def check(self) -> None:
        """The ledger is right."""
        with reading(self.dbs.panel) as connection:
            assert [f for f in reconcile.check(connection) if f.violations] == []


@pytest.fixture
def lab(panel_db: Databases, settings: Settings) -> Lab:
    """Alice with 1,000 EUR."""
    with writing(panel_db.panel) as connection:
        alice = account.create(connection, code=ALICE, currency="EUR")
        account.top_up(connection, alice, 1000 * 10**9, "start")
        tariff = store.create_tariff(connection, name="retail", currency="EUR")
        store.add_version(connection, tariff, 0, [store.NewRate("1", "North America", "0.06")])
        store.assign(connection, alice, tariff)
    return Lab(panel_db, settings, alice)


class Client:
    """A switch's connection: sends raw bytes, reads whole replies."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._rest = ""

    def send(self, raw: str | bytes) -> None:
        self._socket.sendall(raw.encode() if isinstance(raw, str) else raw)

    def receive(self) -> tuple[str, dict[str, Any]]:
        """The next reply, as text and as JSON."""
        while True:
            try:
                found, end = json.JSONDecoder().raw_decode(self._rest)
            except ValueError:
                piece = self._socket.recv(65_536)
                if not piece:
                    raise EOFError from None
                self._rest += piece.decode()
                continue
            text, self._rest = self._rest[:end], self._rest[end:]
            return text, found

    def ask(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        self.send(json.dumps(message))
        return self.receive()

    def close(self) -> None:
        self._socket.close()


@dataclass
class Running:
    """A charging server in a thread of its own."""

    lab: Lab
    port: int = 0
    clients: list[Client] = field(default_factory=list)

    def connect(self) -> Client:
        self.clients.append(Client(self.port))
        return self.clients[-1]


@pytest.fixture
def running(lab: Lab) -> Iterator[Running]:
    """The server on a free port, stopped in good order afterwards."""
    up, stop = threading.Event(), asyncio.Event()
    found = Running(lab)
    loop = asyncio.new_event_loop()

    async def main() -> None:
        server = Server(lab.dbs, lab.settings)
        found.port = await server.start("127.0.0.1", 0)
        up.set()
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert up.wait(10)
    yield found
    for client in found.clients:
        client.close()
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    assert not thread.is_alive()
    loop.close()


@pytest.fixture
def statements(panel_db: Databases) -> Iterator[list[str]]:
    """Every statement that is sent to the database, as its SQL."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(panel_db.panel, "before_cursor_execute", note)
    yield seen
    event.remove(panel_db.panel, "before_cursor_execute", note)


@pytest.fixture
def call() -> Call:
    """What mediation makes of the answered call's acc row."""
    setup = 1_795_393_464_000
    return Call(
        call_id="call@host",
        from_tag="f",
        to_tag="t",
        charge_id=None,
        caller="",
        callee="12125550106",
        number="12125550106",
        dialled="0012125550106",
        domain="lab.local",
        account=ALICE,
        gateway="",
        carrier="",
        src_ip="",
        user_agent="",
        setup_at=setup,
        answered_at=setup + 6000,
        ended_at=setup + 65_000,
        duration_ms=59_000,
        sip_code=200,
        sip_reason="OK",
        flags=Flag(0),
        row_names=("acc:7",),
    )
