"""Sends what waits in the outbox: several at once, by several workers, each delivery by one."""

from __future__ import annotations

import logging
import ssl
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from app.core import clock, outbox, sealing
from app.core.database import Databases, writing
from app.core.settings import Settings
from app.webhooks import claims, log, sending, signature
from app.webhooks.claims import Claim
from app.webhooks.endpoints import PURPOSE
from app.webhooks.sending import Sent

# Tries at a time, in all and to one endpoint: a slow receiver holds up itself, not the others.
AT_ONCE = 16
AT_ONCE_EACH = 4
_SWEEP_EVERY_S = 3_600.0
_LISTEN_S = 0.2
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Deliverer:
    """One per process: ``turn`` again and again, ``leave`` at the end."""

    dbs: Databases
    settings: Settings
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    _running: dict[Future[Sent], Claim] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")
    )
    _sweep_at: float = 0.0

    def turn(self) -> int:
        """Starts what is due and there is room for, notes what came of others; how many of both."""
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + _SWEEP_EVERY_S
            log.sweep(self.dbs.panel)
        room = AT_ONCE - len(self._running)
        busy = Counter(held.endpoint_id for held in self._running.values())
        begun = claims.claim(self.dbs.panel, room, AT_ONCE_EACH, busy) if room else []
        for held in begun:
            self._running[self._pool.submit(self._send, held)] = held
        return len(begun) + self._settle()

    def leave(self) -> None:
        """Waits for the tries that run, notes what came of them, and starts no others."""
        self._pool.shutdown(wait=True)
        self._settle()

    def _send(self, held: Claim) -> Sent:
        if time.monotonic() > held.begun_by:
            return Sent(None, "The worker was too slow to begin.")
        try:
            secret = sealing.unseal(self.settings.secret_key, PURPOSE, held.secret)
        except sealing.Unreadable as error:
            return Sent(None, str(error))
        at_s = clock.now_ms() // clock.SECOND
        return sending.send(
            held.url,
            signature.headers(secret, held.message_id, at_s, held.body),
            held.body,
            house=held.tenant_id == outbox.HOUSE,
            networks=self.settings.webhook_networks,
            trust=self.trust,
        )

    def _settle(self) -> int:
        """Writes what came of the tries that ended, all in one transaction; how many."""
        if not self._running:
            return 0
        done, _ = wait(self._running, timeout=_LISTEN_S, return_when=FIRST_COMPLETED)
        if not done:
            return 0
        ended = sorted(((self._running[one], one) for one in done), key=lambda pair: pair[0].id)
        with writing(self.dbs.panel) as connection:
            for held, future in ended:
                claims.note(connection, held, _outcome(future))
        for one in done:
            del self._running[one]
        return len(done)


def _outcome(future: Future[Sent]) -> Sent:
    error = future.exception()
    if error is None:
        return future.result()
    _log.error("a webhook could not be sent", exc_info=error)
    return Sent(None, f"The panel failed to send it: {type(error).__name__}.")
