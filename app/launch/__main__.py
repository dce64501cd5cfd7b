"""The entry: ``python -m app.launch``."""

from __future__ import annotations

import os
import sys

from app.core.errors import CompanionError
from app.core.settings import Settings, load
from app.launch import ground
from app.launch.child import become, say
from app.launch.prepare import prepare
from app.launch.programs import is_ready, programs, url, why_not_ready
from app.launch.supervisor import Supervisor

_READY_S = 60


def main() -> int:
    """Runs until Ctrl-C or SIGTERM; 0 after a clean stop, 1 or 2 when it could not start."""
    supervisor = Supervisor()
    try:
        os.environ.update(ground.demo_settings(os.environ))
        ground.secret_key(os.environ)
        settings = load()
        with ground.only_one(settings.data_dir):
            ground.ports_are_free(settings)
            password = _prepared()
            if password is None:
                return 0 if supervisor.stopping else 2
            return _run(supervisor, settings, password)
    except CompanionError as exc:
        say(f"make run: {exc}")
        return 2


def _run(supervisor: Supervisor, settings: Settings, password: str) -> int:
    logs = settings.data_dir / "log"
    try:
        for name, program in programs(settings).items():
            supervisor.start(name, program, logs / f"{name}.log")
        ready = supervisor.until(lambda: is_ready(settings), _READY_S)
        if ready:
            _tell(f"\nOpenSIPS Companion runs on {url(settings)}")
        if password:
            _tell(f"Sign in as admin with the password {password} (shown only this once)")
        if ready:
            _tell(f"Logs are in {logs}; Ctrl-C stops everything.\n")
        elif not supervisor.stopping:
            say(f"make run: not ready after {_READY_S} s: {why_not_ready(settings)} See {logs}.")
            return 1
        supervisor.forever()
    finally:
        supervisor.stop_all()
    return 0


def _prepared() -> str | None:
    """Prepares in a process of its own, which gives back its memory and connections.

    Returns the first admin's password, "" when there are operators; None when it failed and
    has said why, or was told to stop.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        become(lambda: prepare(write), os.getppid(), None, "prepare")
    os.close(write)
    with os.fdopen(read) as answer:
        password = answer.read()
    _, status = os.waitpid(pid, 0)
    return password if os.waitstatus_to_exitcode(status) == 0 else None


def _tell(sentence: str) -> None:
    try:
        print(sentence, flush=True)
    except OSError:
        pass  # nobody reads it; the panel runs


if __name__ == "__main__":
    sys.exit(main())
