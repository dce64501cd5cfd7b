"""Keeps the processes running: starts again what dies, and stops all of them together."""

from __future__ import annotations

import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from app.launch.child import Child, say

_TICK_S = 0.1
# What a process gets to end by itself: open requests, the batch in hand, its last calls.
_PATIENCE_S = 12


class Supervisor:
    """The children and the wish to stop."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)

    def start(self, name: str, program: Callable[[], object], log: Path) -> None:
        """Starts a process that is to run for ever."""
        child = Child(name, program, log)
        self.children.append(child)
        child.start()

    def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Looks after the children until ``done()``; False when stopped or time is up first."""
        deadline = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < deadline:
            if done():
                return True
            self._look()
        return False

    def forever(self) -> None:
        """Looks after the children until somebody asks to stop."""
        while not self.stopping:
            self._look()

    def stop_all(self) -> None:
        """Asks every process to end, and ends what does not; nothing of ours is left running."""
        if self.stopping:
            say("Stopping …")
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE_S
        while any(child.running for child in self.children) and time.monotonic() < deadline:
            self._listen(0.02)
        for child in self.children:
            child.end()

    def _look(self) -> None:
        self._listen(_TICK_S)
        for child in self.children:
            child.look()

    def _listen(self, seconds: float) -> None:
        """Reads the children's output as it comes; a full pipe would stop them."""
        by_output = {child.output: child for child in self.children if child.pid is not None}
        ready, _, _ = select.select([one for one in by_output if one is not None], [], [], seconds)
        for output in ready:
            by_output[output].read()
        if ready:
            # An ended process's pipe is always ready: do not turn in circles.
            time.sleep(0.01)

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            # Asked twice: somebody is in a hurry.
            for child in self.children:
                child.signal(signal.SIGKILL)
        self.stopping = True
