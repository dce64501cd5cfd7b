"""Runs one server and ends it when the test run that wanted it is gone, however it went.

``python keeper.py OWNER_PID command …``: a killed pytest must not leave servers behind.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

_PATIENCE = 10


def keep(owner: int, command: list[str]) -> int:
    """Runs the command until it ends, the owner is gone or we are told to stop."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        owner_fd = os.pidfd_open(owner)
    except ProcessLookupError:
        return 1
    server = subprocess.Popen(command)
    server_fd = os.pidfd_open(server.pid)
    select.select([owner_fd, server_fd, wake_read], [], [])
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
    return server.wait()


if __name__ == "__main__":
    sys.exit(keep(int(sys.argv[1]), sys.argv[2:]))
