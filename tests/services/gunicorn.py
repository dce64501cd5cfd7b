"""The web process as production runs it, on a Unix socket."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.services import ports

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def started(path: Path, env: Mapping[str, str], *, log: Path) -> Iterator[None]:
    """gunicorn on that socket with those settings, until the block ends."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"unix:{path}", "--no-control-socket"]
    command += ["--worker-class", "gthread", "--threads", "4", "--graceful-timeout", "2"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "wsgi:app"],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], **env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        ports.wait_until(lambda: _answers(path), process=process, what="gunicorn")
        yield
    finally:
        process.terminate()
        process.wait(10)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
