"""The tariffs that charging works with: kept in memory, looked after every few seconds."""

from __future__ import annotations

import threading
import time

from sqlalchemy import Engine

from app.core.database import reading
from app.rating.store import book_stamp, load_book
from app.rating.tariff import TariffBook

_LOOK_EVERY_S = 2.0


class Books:
    """Hands out the current book; while one thread loads a new one, others use the old."""

    def __init__(self, panel: Engine, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._panel = panel
        self._every = look_every_s
        self._lock = threading.Lock()
        self._book: TariffBook | None = None
        self._stamp = ""
        self._looked = -self._every

    def current(self) -> TariffBook:
        """The book, at most a few seconds old."""
        book = self._book
        if book is not None and time.monotonic() - self._looked < self._every:
            return book
        if book is not None and not self._lock.acquire(blocking=False):
            return book
        if book is None:
            self._lock.acquire()
        try:
            return self._look()
        finally:
            self._lock.release()

    def newer(self, than: TariffBook) -> TariffBook | None:
        """The book when it has changed since: a rate made this second is not missed."""
        with self._lock:
            self._looked = -self._every
            book = self._look()
        return None if book is than else book

    def _look(self) -> TariffBook:
        if self._book is not None and time.monotonic() - self._looked < self._every:
            return self._book
        with reading(self._panel) as connection:
            stamp = book_stamp(connection)
            if self._book is None or stamp != self._stamp:
                self._book, self._stamp = load_book(connection), stamp
        self._looked = time.monotonic()
        return self._book
