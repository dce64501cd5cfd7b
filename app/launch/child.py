"""One process: its log, its errors on the terminal, and how soon it is started again.

Children are forked from the launcher, which has imported the application already: they start at
once and share its memory. The launcher itself has no threads and opens no database.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

_LOG_BYTES = 20_000_000
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
# Who ran this long was well: its next death starts with a short pause again.
_WELL_S = 60.0
_ALARM = re.compile(
    rb"^(Error: |\S+ (ERROR|CRITICAL) |\[[^\]]*\] \[\d+\] \[(ERROR|CRITICAL)\]"
    rb'|\{"time": "[^"]*", "level": "(ERROR|CRITICAL)")'
)
_libc = ctypes.CDLL(None)


class Child:
    """A program that is started again when it ends, until ``end`` is called."""

    def __init__(self, name: str, program: Callable[[], object], log: Path) -> None:
        self.name, self.program, self.log = name, program, log
        self.pid: int | None = None
        self.output: int | None = None
        self._rest = b""
        self._code = 0
        self._began = 0.0
        self._pause = _FIRST_PAUSE_S
        self._again_at: float | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives; collects it when it has ended."""
        if self.pid is None:
            return False
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            self._code = os.waitstatus_to_exitcode(status)
            self._sweep(self.pid)
            self.pid = None
        return self.pid is not None

    def start(self) -> None:
        """Forks it into a session of its own, so that Ctrl-C reaches only the launcher."""
        self._close()
        self._again_at = None
        self._began = time.monotonic()
        parent = os.getpid()
        self.output, theirs = os.pipe()
        os.set_blocking(self.output, False)
        self.pid = os.fork()
        if self.pid == 0:
            become(self.program, parent, theirs, self.name)
        os.close(theirs)

    def look(self) -> None:
        """Notices an end, and starts the process again when its pause is over."""
        if self.running:
            return
        now = time.monotonic()
        if self._again_at is None:
            self.read()
            if now - self._began >= _WELL_S:
                self._pause = _FIRST_PAUSE_S
            self._again_at = now + self._pause
            say(f"{self.name}: ended ({self._code}); starts again in {self._pause:g} s; {self.log}")
            self._pause = min(self._pause * 2, _LONGEST_PAUSE_S)
        elif now >= self._again_at:
            self.start()

    def signal(self, number: int) -> None:
        """Sends a signal to the process alone; it tells its own children."""
        if self.pid is not None and self.running:
            os.kill(self.pid, number)

    def end(self) -> None:
        """Kills what is left of it and collects it."""
        if self.pid is not None and self.running:
            say(f"{self.name}: does not end by itself and is killed")
            self._sweep(self.pid)
            os.waitpid(self.pid, 0)
            self.pid = None
        self.read()
        self._close()

    def read(self) -> None:
        """Moves what it has written into the log; lines of errors to the terminal as well."""
        if self.output is None:
            return
        found = []
        try:
            while piece := os.read(self.output, 65_536):
                found.append(piece)
        except BlockingIOError:
            pass
        if not found:
            return
        text = b"".join(found)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.rename(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            log.write(text)
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in filter(_ALARM.match, lines):
            say(f"{self.name}: {line.decode(errors='replace').strip()[:500]}")

    def _sweep(self, group: int) -> None:
        # gunicorn's workers, should their master be gone without them
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _close(self) -> None:
        if self.output is not None:
            os.close(self.output)
            self.output = None


def become(program: Callable[[], object], parent: int, output: int | None, name: str) -> None:
    """In a forked child: runs the program as a process of its own; never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        _libc.prctl(15, f"panel:{name}".encode()[:15])  # PR_SET_NAME
        # PR_SET_PDEATHSIG: it ends when the launcher is gone, even by SIGKILL.
        _libc.prctl(1, signal.SIGTERM)
        if os.getppid() == parent:
            if output is not None:
                os.setsid()
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(output, 1)
                os.dup2(output, 2)
                os.closerange(3, 1024)
            program()
            code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except BaseException:  # noqa: BLE001 - the last words of a process
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def say(sentence: str) -> None:
    """A line for the operator; a terminal that is gone is no reason to stop."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:
        pass
