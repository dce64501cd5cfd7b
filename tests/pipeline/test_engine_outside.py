"""An engine behind HTTP: the same calls priced by it, late, once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app import invariants
from app.cdr.export import plain
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.cdr.tables import unpriced
from app.core.database import Databases, reading
from app.core.settings import Settings
from app.ledger import account
from app.rating.engine import Batch, EngineUnavailable, RatableCall
from app.rating.engines.http import HttpEngine
from app.rounds import Runner
from docs.examples import rating_engine
from tests.pipeline import recorded


class Service:
    """The reference engine of the docs on a port of its own; can be stopped, started and killed
    after pricing and before answering."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.dies_after_pricing = False
        self.answer: bytes | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/rate"

    def start(self) -> None:
        service = self

        class Handler(rating_engine.Engine):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.asked.append(json.loads(body))
                self.rfile = _Again(body)
                if service.answer is not None:
                    self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + service.answer)
                    return
                if service.dies_after_pricing:
                    self.wfile = _Nowhere()
                super().do_POST()

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Again:
    def __init__(self, body: bytes) -> None:
        self.body = body

    def read(self, _length: int) -> bytes:
        return self.body

    def readline(self, *_: int) -> bytes:
        return b""

    def close(self) -> None:
        pass


class _Nowhere:
    closed = False

    def write(self, _data: bytes) -> int:
        return 0

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    rating_engine.ANSWERED.clear()
    started = Service()
    yield started
    started.stop()


@pytest.fixture
def outside(settings: Settings, service: Service) -> Settings:
    return replace(settings, engine="http", engine_url=service.url, engine_timeout=5.0)


def cdrs(dbs: Databases) -> list[dict[str, Any]]:
    with reading(dbs.panel) as connection:
        return [plain(cdr) for cdr in walk(connection, Filters(status="answered"))]


def balance(dbs: Databases, number: int) -> int:
    with reading(dbs.panel) as connection:
        return account.get(connection, number).balance


def test_the_same_calls_are_priced_by_it(
    both_dbs: Databases, outside: Settings, service: Service, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    alice = recorded.price_alice(both_dbs)
    Runner(both_dbs, outside).to_the_end(lambda _rows: None)
    found = cdrs(both_dbs)
    assert {cdr["price"] for cdr in found} == {"0.02"}
    assert balance(both_dbs, alice) == -len(found) * 20_000_000
    assert len(service.asked) == 1
    broken = [f for f in invariants.check(both_dbs, outside, offline=True) if f.violations]
    assert broken == []


def test_stopped_they_land_unpriced_and_are_priced_when_it_returns(
    both_dbs: Databases, outside: Settings, service: Service, shared_dir: Path
) -> None:
    service.stop()
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    alice = recorded.price_alice(both_dbs)
    runner = Runner(both_dbs, outside)
    runner.round()
    assert {cdr["unpriced_reason"] for cdr in cdrs(both_dbs)} == {"engine_down"}
    assert balance(both_dbs, alice) == 0
    broken = [f for f in invariants.check(both_dbs, outside, offline=True) if f.violations]
    assert broken == []
    service.start()
    runner.round()
    found = cdrs(both_dbs)
    assert {cdr["unpriced_reason"] for cdr in found} == {None}
    assert balance(both_dbs, alice) == -len(found) * 20_000_000


def test_killed_after_pricing_the_same_batch_is_sent_again_and_priced_once(
    both_dbs: Databases, outside: Settings, service: Service, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir))
    alice = recorded.price_alice(both_dbs)
    service.dies_after_pricing = True
    Runner(both_dbs, outside).round()
    assert balance(both_dbs, alice) == 0
    service.dies_after_pricing = False
    # Another process takes over, and more calls have come meanwhile.
    extra = recorded.scenarios(shared_dir)[0]["acc"][0] | {"id": 900, "callid": "later"}
    recorded.load(both_dbs, [{"acc": [extra], "missed_calls": []}])
    Runner(both_dbs, outside).round()
    first, again, later = service.asked
    assert first == again
    assert [call["number"] for call in later["calls"]] == ["12125550100"]
    found = cdrs(both_dbs)
    assert balance(both_dbs, alice) == -len(found) * 20_000_000
    broken = [f for f in invariants.check(both_dbs, outside, offline=True) if f.violations]
    assert broken == []


def test_a_call_without_account_is_priced_when_the_account_comes(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded.load(both_dbs, recorded.scenarios(shared_dir)[:1])
    runner = Runner(both_dbs, settings)
    runner.round()
    assert [cdr["unpriced_reason"] for cdr in cdrs(both_dbs)] == ["no_account"]
    recorded.price_alice(both_dbs)
    runner.round()
    assert [cdr["price"] for cdr in cdrs(both_dbs)] == ["0.002"]
    with reading(both_dbs.panel) as connection:
        assert connection.execute(select(unpriced)).all() == []


CALL = RatableCall(1, 1, "a", "b", "4930", 0, 1000)


@pytest.mark.parametrize(
    "answer",
    [
        b"not json",
        b"[]",
        b'{"batch": null}',
        b'{"batch": "other", "results": []}',
        b'{"batch": "k", "results": [{"id": "1", "price": 0.02, "currency": "EUR"}]}',
        b'{"batch": "k", "results": [{"id": "1", "price": "NaN", "currency": "EUR"}]}',
        b'{"batch": "k", "results": [{"id": "1", "price": "1e99", "currency": "EUR"}]}',
        b'{"batch": "k", "results": [{"id": "1", "price": "1", "currency": "Euro"}]}',
        b'{"batch": "k", "results": [{"id": "x", "price": "1", "currency": "EUR"}]}',
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(service: Service, answer: bytes) -> None:
    service.answer = answer
    with pytest.raises(EngineUnavailable):
        HttpEngine(service.url, 5.0).rate(Batch("k", [CALL]))


def test_health_says_what_is_wrong(service: Service) -> None:
    engine = HttpEngine(service.url, 5.0)
    assert engine.health() == ""
    service.stop()
    assert "does not answer" in engine.health()
    service.start()
