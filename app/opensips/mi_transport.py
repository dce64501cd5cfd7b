"""HTTP with one deadline for everything: connecting, TLS, headers, body.

``requests`` limits each single read, so a node that sends one byte a second holds its caller for
ever. Here a watchdog shuts the socket down when the time is up, whatever it is waiting for; only
the resolving of a host name is the system's own affair.
"""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_running = threading.local()


class Deadline:
    """A context in which the connections of this thread live ``seconds`` at most.

    ``connecting`` is how many of them one address may take until it is connected.
    """

    def __init__(self, seconds: float, connecting: float | None = None) -> None:
        self.ends = time.monotonic() + seconds
        self.connecting = seconds if connecting is None else connecting
        self.passed = False
        self.connected = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def remaining(self) -> float:
        """Seconds left; never less than a millisecond, so that it can be a timeout."""
        return max(self.ends - time.monotonic(), 0.001)

    def connect(self, host: str, port: int) -> socket.socket:
        """A TCP connection to the first address of the host that takes it in time."""
        problem: OSError = TimeoutError("no time left to connect")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            if time.monotonic() >= self.ends:
                break
            opened = socket.socket(family, kind, protocol)
            try:
                opened.settimeout(min(self.remaining(), self.connecting))
                opened.connect(address)
                opened.settimeout(self.remaining())
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as exc:
                opened.close()
                problem = exc
                continue
            self.connected = True
            # A duplicate: TLS takes the descriptor away from the first object.
            self._sockets.append(opened.dup())
            return opened
        raise problem

    def _cut(self) -> None:
        self.passed = True
        for watched in self._sockets:
            try:
                watched.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side was faster

    def __enter__(self) -> Deadline:
        _running.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self._timer.join()
        _running.deadline = None
        for watched in self._sockets:
            watched.close()


def _connect(connection: HTTPConnection) -> socket.socket:
    deadline: Deadline = _running.deadline
    return deadline.connect(connection._dns_host, connection.port)


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _Secure(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


def session() -> Session:
    """A session for one call: no proxies from the environment, no retries, TLS verified."""
    fresh = Session()
    fresh.trust_env = False
    fresh.verify = True
    for scheme in ("http://", "https://"):
        fresh.mount(scheme, _Adapter(max_retries=0))
    return fresh
