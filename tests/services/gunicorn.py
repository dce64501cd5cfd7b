"""The web process as production runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.services import ports

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def started(path: Path, env: Mapping[str, str], *, log: Path) -> Iterator[None]:
    """gunicorn on that socket with those settings, until the block ends."""
    with _running(f"unix:{path}", env, log, (), lambda: _answers(path)):
        yield


@contextmanager
def on_port(
    port: int, env: Mapping[str, str], *, log: Path, options: Sequence[str] = ()
) -> Iterator[None]:
    """gunicorn on that port of 127.0.0.1, with more of its options."""
    with _running(f"127.0.0.1:{port}", env, log, options, lambda: ports.is_open(port)):
        yield


@contextmanager
def _running(
    bind: str,
    env: Mapping[str, str],
    log: Path,
    options: Sequence[str],
    is_up: Callable[[], bool],
) -> Iterator[None]:
    command = [sys.executable, "-m", "gunicorn", "--bind", bind, "--no-control-socket"]
    command += ["--worker-class", "gthread", "--threads", "4", "--graceful-timeout", "2"]
    command += ["--logger-class", "app.launch.gunicorn_log.Logger"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, *options, "wsgi:app"],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], **env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        ports.wait_until(is_up, process=process, what="gunicorn")
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
