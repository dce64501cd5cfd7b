"""The demo switch as a process: one thread makes calls, others answer the MI."""

from __future__ import annotations

import logging
import signal
from threading import Event, Thread

from sqlalchemy import Engine

from app.core import clock
from app.core.errors import SettingsError
from app.opensips.simulator.cast import cast
from app.opensips.simulator.dialogs import Dialogs
from app.opensips.simulator.node import Node
from app.opensips.simulator.server import MiServer
from app.opensips.simulator.traffic import Traffic
from app.opensips.tables import reflect

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.05


def run(engine: Engine, zone: str, host: str, port: int, pace: float = 1.0) -> None:
    """Runs until SIGTERM or SIGINT; raises SettingsError when the address is taken."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(engine, zone, host, port, stop, pace)


def serve(engine: Engine, zone: str, host: str, port: int, stop: Event, pace: float = 1.0) -> None:
    """Runs until ``stop`` is set: then every call is hung up and written."""
    reflect(engine, "acc")
    dialogs = Dialogs(zone)
    node = Node(engine, dialogs)
    node.load_all()
    try:
        server = MiServer(host, port, node)
    except OSError as exc:
        raise SettingsError(
            f"The demo switch cannot listen on {host}:{port}: {exc.strerror}.",
            "Stop what listens there, or choose another address with --mi-bind.",
        ) from exc
    listener = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
    listener.start()
    traffic = Traffic(engine, cast(), dialogs, pace)
    try:
        traffic.start()
        _log.info("demo switch: MI on http://%s:%s/mi", host, server.server_port)
        while not stop.wait(_TICK_SECONDS):
            traffic.step(clock.now_ms())
    finally:
        server.shutdown()
        server.server_close()
        traffic.stop()
