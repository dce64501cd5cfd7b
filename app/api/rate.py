"""How often a token may ask: a window of a minute, counted in the database for all processes.

A process takes permits from the database some at a time, so that not every request is a write;
together they never give more than the limit, and at most what they hold back less.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.api.tables import api_use
from app.core import clock
from app.core.database import writing
from app.core.errors import CompanionError
from app.core.words import _

WINDOW_MS = clock.MINUTE
# A process takes this part of the limit at a time.
_PART = 20


class TooManyRequests(CompanionError):
    """The token has used up its requests of this minute."""

    code = "too_many_requests"
    status = 429


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left in this process's hand, and in how many seconds the window ends."""

    limit: int
    left: int
    seconds: int

    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers names them."""
        return {
            "RateLimit-Policy": f'"minute";q={self.limit};w={WINDOW_MS // clock.SECOND}',
            "RateLimit": f'"minute";r={self.left};t={self.seconds}',
        }


class Limiter:
    """Of one process."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._held: dict[str, tuple[int, int]] = {}

    def take(self, engine: Engine, name: str, tenant_id: int) -> Standing:
        """One request of that name; ``left`` below zero when there was none left."""
        now = clock.now_ms()
        window = now - now % WINDOW_MS
        seconds = -(-(window + WINDOW_MS - now) // clock.SECOND)
        with self._lock:
            since, left = self._held.get(name, (0, 0))
            if since != window or left <= 0:
                left = self._more(engine, name, tenant_id, window)
            self._held[name] = (window, max(left - 1, 0))
            if len(self._held) > 10_000:
                self._held = {n: h for n, h in self._held.items() if h[0] == window}
        return Standing(self.limit, left - 1, seconds)

    def _more(self, engine: Engine, name: str, tenant_id: int, window: int) -> int:
        part = max(self.limit // _PART, 1)
        try:
            with writing(engine) as connection:
                return self._taken(connection, name, tenant_id, window, part)
        except IntegrityError:
            # Another process made the row at this moment.
            with writing(engine) as connection:
                return self._taken(connection, name, tenant_id, window, part)

    def _taken(
        self, connection: Connection, name: str, tenant_id: int, window: int, part: int
    ) -> int:
        c = api_use.c
        row = connection.execute(select(api_use).where(c.name == name).with_for_update()).first()
        if row is None:
            values = {"name": name, "tenant_id": tenant_id, "window_at": window, "taken": part}
            connection.execute(insert(api_use), values)
            return part
        used = row.taken if row.window_at == window else 0
        part = min(part, self.limit - used)
        if part <= 0:
            return 0
        change = update(api_use).where(c.name == name).values(window_at=window, taken=used + part)
        connection.execute(change)
        return part


def refused(standing: Standing) -> TooManyRequests:
    """What is said to who asks too often."""
    return TooManyRequests(
        _("You ask more often than %(limit)s times a minute.", limit=standing.limit),
        _("Wait %(seconds)s seconds, then go on.", seconds=standing.seconds),
    )
