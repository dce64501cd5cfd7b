"""What belongs to one test run: its folder, its owner, and the servers it has started.

The first pytest process (with xdist: the controller) owns the run and passes it on in the
environment; whichever worker needs a server first starts it, the others wait for it and share.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FOLDER = "COMPANION_TEST_RUN"
_OWNER = "COMPANION_TEST_OWNER"
# Kept so that nobody warns that they still run; end() stops them by their notes.
_started: list[subprocess.Popen[bytes]] = []


class MissingService(Exception):
    """A program that the tests need is not installed; the message names its package."""


def begin() -> None:
    """Makes this process the owner of a new run, unless it is a worker of one."""
    if _FOLDER in os.environ and os.environ.get(_OWNER) != str(os.getpid()):
        return
    folder = Path(tempfile.mkdtemp(prefix="companion-test-"))
    folder.chmod(0o711)  # servers run as other users when we are root
    os.environ[_FOLDER] = str(folder)
    os.environ[_OWNER] = str(os.getpid())
    atexit.register(end)  # in case pytest itself fails on the way


def end() -> None:
    """Stops the servers of the run that this process owns and removes its folder."""
    if os.environ.get(_OWNER) != str(os.getpid()):
        return
    keepers = [json.loads(note.read_text())["keeper"] for note in folder().glob("*.json")]
    for pid in keepers:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + 15
    for pid in keepers:
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
    shutil.rmtree(folder(), ignore_errors=True)
    os.environ.pop(_FOLDER, None)
    os.environ.pop(_OWNER, None)


def folder() -> Path:
    """The run's own temporary folder."""
    return Path(os.environ[_FOLDER])


def shared_service(name: str, start: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """The note of the service, which ``start(its folder)`` made for the first who asked."""
    note = folder() / f"{name}.json"
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            home = folder() / name
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            note.write_text(json.dumps(start(home)))
    found: dict[str, Any] = json.loads(note.read_text())
    return found


def keeper(command: list[str], *, log: Path, account: str | None) -> subprocess.Popen[bytes]:
    """Starts a server that ends with the run; ``account`` is the user to run it as."""
    script = Path(__file__).with_name("keeper.py")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                str(script),
                os.environ[_OWNER],
                *_as_account(account),
                *command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _started.append(process)
    return process


def once(command: list[str], *, home: Path, account: str | None) -> None:
    """Runs a set-up command to its end as that user; raises with its output when it fails."""
    done = subprocess.run(
        [*_as_account(account), *command],
        cwd=home,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "LC_ALL": "C"},
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")


def unprivileged(home: Path, *names: str) -> str | None:
    """The first of those users that exists, given ``home``; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in (*names, "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(home, user.pw_uid, user.pw_gid)
        return name
    raise MissingService("no unprivileged user to run the servers as (root may not)")


def program(name: str, package: str, *folders: str) -> str:
    """The full path of a program, also looked for outside PATH; names its package if missing."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *folders])
    found = shutil.which(name, path=path)
    if found is None:
        raise MissingService(f"{name} is not installed: apt-get install {package}")
    return found


def _as_account(account: str | None) -> list[str]:
    if account is None:
        return []
    user = pwd.getpwnam(account)
    return [
        program("setpriv", "util-linux"),
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
    ]


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _alive(pid: int) -> bool:
    try:
        # our own child: collect it, or it would stay a zombie and look alive
        for process in _started:
            if process.pid == pid and process.poll() is not None:
                return False
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
