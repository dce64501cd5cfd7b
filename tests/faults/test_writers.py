"""Eight writers that commit out of order, a worker killed at random: every row is used once.

Each process of OpenSIPS has a connection of its own, so rows become visible in any order, late
ones after minutes (a lock, a slow disk), and some never.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from app import invariants
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core import clock
from app.core.database import Databases, inserted_id, reading
from app.core.settings import Settings
from app.mediation.tables import open_call, suspense
from app.opensips.tables import reflect
from tests.pipeline import recorded

ROOT = Path(__file__).parents[2]
WRITERS = 8
SECONDS = 7.0
# Within and beyond the settling time of the tests, two seconds.
WITHIN_S, BEYOND_S = 0.7, 3.5
# The worker as it is, but for its lease: the next one goes on at once.
WORKER = "from app.cli import worker; worker._LEASE_MS = 300; from flask.cli import main; main()"


class Writer(threading.Thread):
    """One process of the switch: transactions of a few rows, held back, rolled back, committed."""

    def __init__(self, dbs: Databases, acc: Table, number: int) -> None:
        super().__init__()
        self.dbs, self.acc, self.number = dbs, acc, number
        self.draw = random.Random(number)
        self.committed: list[str] = []
        self.late = 0

    def run(self) -> None:
        until = time.monotonic() + SECONDS
        turn = 0
        while time.monotonic() < until:
            turn += 1
            self._transaction(turn)

    def _transaction(self, turn: int) -> None:
        fate = self.draw.random()
        # One that is held for long, early enough to be over when the others are.
        hold = BEYOND_S if turn == 3 and self.number % 2 else self.draw.random() * WITHIN_S
        with self.dbs.switch.connect() as connection:
            rows = [self._row(connection, f"{turn}-{n}") for n in range(self.draw.randrange(1, 4))]
            time.sleep(hold)
            if fate < 0.15 and hold < BEYOND_S:
                connection.rollback()
                return
            connection.commit()
        self.committed += rows
        self.late += len(rows) if hold == BEYOND_S else 0

    def _row(self, connection: Connection, name: str) -> str:
        return insert(connection, self.acc, f"w{self.number}-{name}@lab", self.draw)


def insert(
    connection: Connection, acc: Table, call_id: str, draw: random.Random, **more: Any
) -> str:
    """One call's row, answered or not, in the transaction under way; its name."""
    at = clock.wall_clock(clock.now_ms(), "UTC")
    code = draw.choice(("200", "200", "486"))
    result = connection.execute(
        acc.insert(),
        {
            "method": "INVITE",
            "callid": call_id,
            "from_tag": f"f-{call_id}",
            "to_tag": f"t-{call_id}",
            "sip_code": code,
            "sip_reason": "OK",
            "time": at,
            "created": at,
            "setuptime": 0,
            "duration": 0,
            "ms_duration": draw.randrange(1, 900) if code == "200" else 0,
            "caller": "alice",
            "callee": "+12125550100",
            "account": "alice@lab.local",
        }
        | more,
    )
    return f"acc:{more.get('id') or inserted_id(result)}"


@contextmanager
def _mortal_worker(env: dict[str, str], draw: random.Random) -> Iterator[list[int]]:
    """``flask worker``, killed and started again until the block ends; then it stops in peace."""
    deaths: list[int] = []
    over = threading.Event()

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WORKER, "--app", "wsgi", "worker"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | env, **quiet)  # type: ignore[call-overload, no-any-return]

    def live() -> None:
        process = start()
        while not over.wait(draw.uniform(2.0, 3.4)):
            process.kill()
            deaths.append(process.wait())
            process = start()
        over.wait()
        process.terminate()
        process.wait(20)

    keeper = threading.Thread(target=live)
    keeper.start()
    try:
        yield deaths
    finally:
        over.set()
        keeper.join()


def _flask(env: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _uses(dbs: Databases) -> Counter[str]:
    """How often each row is in a CDR, an open call or suspense."""
    found: Counter[str] = Counter()
    with reading(dbs.panel) as connection:
        for cdr in walk(connection, Filters()):
            found.update(cdr["acc_ids"].split())
        for table in (open_call, suspense):
            query = select(table.c.table_name, table.c.acc_id)
            found.update(f"{name}:{number}" for name, number in connection.execute(query))
    return found


def test_every_row_is_used_once(
    both_dbs: Databases, settings: Settings, test_env: dict[str, str]
) -> None:
    recorded.price_alice(both_dbs)
    with reading(both_dbs.switch) as connection:
        acc = reflect(connection, "acc")
    with _mortal_worker(test_env, random.Random(1)) as deaths:
        if both_dbs.switch.dialect.name == "sqlite":
            committed, late = _gaps(both_dbs, acc)
        else:
            writers = [Writer(both_dbs, acc, number) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            committed = [name for writer in writers for name in writer.committed]
            late = sum(writer.late for writer in writers)
    assert len(committed) > 40 and late > 3 and len(deaths) > 1
    assert set(deaths) == {-signal.SIGKILL}
    _flask(test_env, "mediate", "--once")
    time.sleep(2.1)
    said = _flask(test_env, "mediate", "--compare", "--once")
    assert "Compared: " in said
    uses = _uses(both_dbs)
    assert sorted(uses) == sorted(committed)
    assert set(uses.values()) == {1}
    time.sleep(2.1)
    found = invariants.check(both_dbs, settings, offline=True)
    assert [sentence for finding in found for sentence in finding.violations] == []


def _gaps(dbs: Databases, acc: Table) -> tuple[list[str], int]:
    """SQLite has one writer: it leaves gaps and fills them later, some beyond settling."""
    draw, committed, number = random.Random(3), [], 0
    open_gaps: list[tuple[float, int]] = []
    late = 0
    began = time.monotonic()
    while time.monotonic() < began + SECONDS:
        with dbs.switch.begin() as connection:
            for _ in range(draw.randrange(1, 4)):
                number += 1
                fate = draw.random()
                if fate < 0.3:
                    beyond = fate < 0.1 and time.monotonic() < began + 3
                    wait = BEYOND_S if beyond else WITHIN_S
                    late += beyond
                    open_gaps.append((time.monotonic() + wait, number))
                elif fate < 0.9:
                    committed.append(insert(connection, acc, f"g{number}@lab", draw, id=number))
            for due, gap in list(open_gaps):
                if time.monotonic() > due:
                    open_gaps.remove((due, gap))
                    committed.append(insert(connection, acc, f"g{gap}@lab", draw, id=gap))
        time.sleep(0.05)
    return committed, late
