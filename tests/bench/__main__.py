"""``make bench``: every figure as a JSON line on standard output.

``SIZE`` is how many rows (``100k`` by default, ``1M``, ``10M``), ``DB`` limits it to one database
(``sqlite``, ``mariadb``, ``postgresql``), ``RUNS`` is how often each is measured (the median is
printed, by ratio). ``PANEL_BULK_LOAD=off`` measures ordinary inserts. Rows per second stand there
for each tenth of the run: where the last is as fast as the first, a longer run is no slower.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from app.core.database import make_engine
from tests.services import mariadb, postgresql, run
from tests.services.server import Server

DATABASES = ("sqlite", "mariadb", "postgresql")
_UNITS = {"k": 1_000, "M": 1_000_000}


def main() -> None:
    """Prints the figures of every database that was asked for."""
    rows = _size(os.environ.get("SIZE", "100k"))
    wanted = os.environ.get("DB")
    run.begin()
    try:
        for kind in [wanted] if wanted else DATABASES:
            runs = [_measure(kind, rows) for _ in range(int(os.environ.get("RUNS", "1")))]
            middle = statistics.median_low(run_["ratio"] for run_ in runs)
            figure = next(run_ for run_ in runs if run_["ratio"] == middle)
            sys.stdout.write(json.dumps(figure | {"runs": len(runs)}) + "\n")
            sys.stdout.flush()
    finally:
        run.end()


def _size(text: str) -> int:
    unit = _UNITS.get(text[-1:], 1)
    return int(text.rstrip("kM")) * unit


def _measure(kind: str, rows: int) -> dict[str, Any]:
    """One run in a process of its own, so that the memory is its own."""
    with tempfile.TemporaryDirectory(prefix="companion-bench-") as folder:
        url = _url(kind, Path(folder))
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.one", url, str(rows), folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
    figure: dict[str, Any] = json.loads(done.stdout)
    return figure


def _url(kind: str, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/bench.db"
    server: Server = {"mariadb": mariadb, "postgresql": postgresql}[kind].start()
    name = f"bench_{secrets.token_hex(4)}"
    engine = make_engine(server.system_url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.url(name)


if __name__ == "__main__":
    main()
