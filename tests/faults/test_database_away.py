"""A database that goes away and comes back: sentences meanwhile, and nothing lost afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from app import create_app, invariants, recording
from app.cdr.tables import answered, failed
from app.core.database import Databases, reading
from app.core.errors import DatabaseUnavailable
from app.core.settings import Settings, load
from app.mediation.tables import open_call, suspense
from app.provisioning import writer
from app.rounds import Runner
from tests.conftest import Lender
from tests.faults.gate import Gate
from tests.identity.people import sign_in
from tests.pipeline import recorded
from tests.provisioning import scene

ROOT = Path(__file__).parents[2]
ALL_ROWS = 47
ALL_CDRS = 32
NEVER_ENDED = 3


@dataclass
class Gated:
    """An application whose two databases are behind gates; ``direct`` goes around them."""

    direct: Databases
    panel: Gate
    switch: Gate
    env: dict[str, str]
    app: Flask

    @property
    def dbs(self) -> Databases:
        found: Databases = self.app.extensions["databases"]
        return found

    @property
    def settings(self) -> Settings:
        found: Settings = self.app.extensions["settings"]
        return found

    def cdrs(self) -> int:
        with reading(self.direct.panel) as connection:
            return sum(
                connection.scalar(select(func.count()).select_from(table)) or 0
                for table in (answered, failed)
            )

    def violations(self) -> list[str]:
        found = invariants.check(self.direct, self.settings, offline=True)
        return [sentence for finding in found for sentence in finding.violations]


@pytest.fixture(params=("mariadb", "postgresql"))
def gated(request: pytest.FixtureRequest, lender: Lender, tmp_path: Path) -> Iterator[Gated]:
    with ExitStack() as stack:
        urls = [lender.url(request.param, role) for role in ("panel", "switch")]
        direct = lender.databases(*urls)
        gates = [Gate(make_url(url).port or 0) for url in urls]
        behind = [
            make_url(url).set(port=gate.port).render_as_string(hide_password=False)
            for url, gate in zip(urls, gates, strict=True)
        ]
        env = {
            "PANEL_DATA_DIR": str(tmp_path),
            "PANEL_DATABASE_URL": behind[0],
            "PANEL_OPENSIPS_DATABASE_URL": behind[1],
            "PANEL_SECRET_KEY": "only-for-tests-0123456789abcdef0123456789",
            "PANEL_INSECURE_COOKIES": "1",
            "PANEL_COUNTRY": "49",
            "PANEL_TRUNK_PREFIX": "0",
            "PANEL_SETTLING_SECONDS": "2",
        }
        app = create_app(load(env))
        dbs: Databases = app.extensions["databases"]
        for engine in (dbs.panel, dbs.switch):
            stack.callback(engine.dispose)
        for gate in gates:
            stack.callback(gate.shut)
        yield Gated(direct, gates[0], gates[1], env, app)


def problems(client: Any) -> dict[str, str]:
    """What ``/readyz`` says is wrong."""
    answer = client.get("/readyz")
    assert answer.status_code == 503
    found: dict[str, str] = answer.get_json()["problems"]
    return found


def test_without_its_own_database_the_panel_says_so(gated: Gated) -> None:
    client = sign_in(gated.app, "admin")
    assert client.get("/audit").status_code == 200
    assert set(problems(client)) == {"worker"}
    gated.panel.shut()
    for address in ("/", "/audit", "/subscribers"):
        answer = client.get(address)
        assert answer.status_code == 503, address
        assert "does not answer" in answer.text
        assert "Traceback" not in answer.text
    machine = client.get("/audit", headers={"Accept": "application/json"})
    assert (machine.status_code, machine.get_json()["code"]) == (503, "database_unavailable")
    line = client.get("/audit", headers={"HX-Request": "true"})
    assert line.status_code == 503
    assert "<html" not in line.text
    assert client.get("/healthz").status_code == 200
    assert problems(client)["database"] == "It does not answer."
    gated.panel.open()
    # The same session, and no connection that is dead.
    assert [client.get("/audit").status_code for _ in range(3)] == [200, 200, 200]
    assert set(problems(client)) == {"worker"}


def test_without_the_switch_database_only_its_screens_are_away(gated: Gated) -> None:
    client = sign_in(gated.app, "admin")
    assert client.get("/subscribers").status_code == 200
    gated.switch.shut()
    answer = client.get("/subscribers")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert client.get("/audit").status_code == 200
    assert client.get("/healthz").status_code == 200
    found = problems(client)
    assert "database" not in found
    assert found["switch_database"] == "It does not answer."
    gated.switch.open()
    assert client.get("/subscribers").status_code == 200


def test_a_change_waits_for_the_switch_database(gated: Gated) -> None:
    edit = scene.adding(gated.direct, dpid=9)
    gated.switch.shut()
    kept = scene.submit(gated.dbs, gated.settings, edit)
    assert kept.state == "drafted"
    assert "does not answer" in kept.problem
    assert writer.finish_drafted(gated.dbs, gated.settings) == 0
    gated.switch.open()
    assert writer.finish_drafted(gated.dbs, gated.settings) == 1
    assert scene.look(gated.dbs, kept.id).state == "written"
    assert [rule["dpid"] for rule in scene.stored(gated.direct)] == [9]


def test_a_step_that_is_cut_in_its_middle_is_done_again(
    gated: Gated, shared_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.load(gated.direct, recorded.scenarios(shared_dir))
    recorded.price_alice(gated.direct)

    def cut(*_: object) -> None:
        gated.panel.shut()

    with monkeypatch.context() as patch:
        patch.setattr(recording.pricing, "close_holds", cut)
        with pytest.raises(DatabaseUnavailable):
            Runner(gated.dbs, gated.settings).round()
    assert gated.cdrs() == 0
    with pytest.raises(DatabaseUnavailable):
        Runner(gated.dbs, gated.settings).round()
    gated.panel.open()
    Runner(gated.dbs, gated.settings).to_the_end(lambda _rows: None)
    assert gated.cdrs() == ALL_CDRS
    assert gated.violations() == []


@pytest.mark.parametrize("away", [("panel",), ("switch",), ("panel", "switch")], ids="+".join)
def test_the_worker_goes_on_when_it_returns(
    gated: Gated, shared_dir: Path, away: tuple[str, ...]
) -> None:
    scenarios = recorded.scenarios(shared_dir)
    half = len(scenarios) // 2
    recorded.load(gated.direct, scenarios[:half])
    recorded.price_alice(gated.direct)
    with _worker(gated) as worker:
        until(lambda: gated.cdrs() > 5)
        for name in away:
            getattr(gated, name).shut()
        recorded.load(gated.direct, scenarios[half:])
        time.sleep(3)
        assert worker.poll() is None
        assert gated.cdrs() < ALL_CDRS
        for name in away:
            getattr(gated, name).open()
        until(lambda: gated.cdrs() == ALL_CDRS)
    assert worker.returncode == 0
    with reading(gated.direct.panel) as connection:
        kept = [
            tuple(row)
            for table in (open_call, suspense)
            for row in connection.execute(select(table.c.call_id))
        ]
        reasons = set(connection.scalars(select(suspense.c.reason)))
    # Calls without a BYE are open until their recording is a day old, and in suspense from then on.
    assert len(kept) == len(set(kept)) == NEVER_ENDED
    assert reasons <= {"no_bye"}
    assert gated.violations() == []


class _worker:
    """``flask worker`` behind the gates, until the block ends."""

    def __init__(self, gated: Gated) -> None:
        self.env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.env |= gated.env

    def __enter__(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Returns when it is true; fails after that many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.2)
