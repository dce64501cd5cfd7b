"""The charging process: many switches on one TCP port, answered when the database has it.

The event loop only moves bytes; each message is one transaction in a pool of threads, and its
reply is written after the commit. A connection may have several messages under way: the module
tells the answers apart by their ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import DBAPIError

from app.charging import session
from app.charging.books import Books
from app.charging.event import CallEvent, Grant, Refused, Step
from app.charging.protocols import cgrates
from app.charging.protocols.framing import BrokenStream, NotJson, Splitter, parse
from app.core.database import Databases, writing
from app.core.errors import CompanionError, SettingsError
from app.core.settings import Settings

log = logging.getLogger(__name__)

_THREADS = 8
_UNDER_WAY = 64
_PATIENCE_S = 5.0
_TURN_S = 0.001
_TURNS = 10
_BEAT_S = 2.0
_TRIES = 4
# Deadlock, lock wait, row changed (MariaDB); deadlock, serialisation (PostgreSQL).
_PASSING = {1213, 1205, 1020, "40P01", "40001"}


class Server:
    """One listening socket and what is behind it. Made, started and stopped in one event loop."""

    def __init__(self, dbs: Databases, settings: Settings) -> None:
        self._dbs = dbs
        self._policy = session.Policy.of(settings)
        self._books = Books(dbs.panel)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="charging")
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None
        self._stopping = False

    async def start(self, host: str, port: int) -> int:
        """Listens; returns the port (0 asks for a free one). Raises CompanionError."""
        try:
            self._listener = await asyncio.start_server(self._connected, host, port)
        except OSError as exc:
            raise CompanionError(
                f"Cannot listen on {host}:{port}: {exc.strerror or exc}.",
                "Stop what listens there, or choose another address in PANEL_CHARGING_BIND.",
            ) from exc
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Takes nothing new, answers what is under way (for some seconds), closes."""
        self._stopping = True
        await self._accept_no_more()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_PATIENCE_S)
        await self._close_all()
        await _turns()
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _accept_no_more(self) -> None:
        if self._listener is None:
            return
        # A connection that was accepted but is not yet made when the listener closes would stay
        # open unseen (asyncio's Server counts it only then): let those be made, close then.
        for socket in self._listener.sockets:
            asyncio.get_running_loop().remove_reader(socket.fileno())
        await _turns()
        self._listener.close()

    async def _close_all(self) -> None:
        # A connection whose task was cancelled before its first step has closed nothing itself.
        for writer in self._writers:
            writer.close()
        closing = [asyncio.ensure_future(writer.wait_closed()) for writer in self._writers]
        if closing:
            await asyncio.wait(closing, timeout=_PATIENCE_S)
            for closed in closing:
                if not closed.done():
                    closed.cancel()
                elif not closed.cancelled():
                    closed.exception()  # a peer that went away: nothing more to tell us
        for writer in self._writers:
            writer.transport.abort()  # a peer that takes nothing more

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping:
            writer.transport.abort()
            return
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: set[asyncio.Task[None]] = set()
        try:
            await self._read(reader, writer, under_way)
        except asyncio.CancelledError:
            pass  # we stop: what is under way is still answered below
        except BrokenStream as exc:
            log.warning("charging: closed %s: %s", writer.get_extra_info("peername"), exc)
        except OSError:
            pass  # the switch went away
        finally:
            if under_way:
                await asyncio.wait(under_way, timeout=_PATIENCE_S)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._writers.discard(writer)

    async def _read(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        under_way: set[asyncio.Task[None]],
    ) -> None:
        splitter, places = Splitter(), asyncio.Semaphore(_UNDER_WAY)
        loop = asyncio.get_running_loop()
        while piece := await reader.read(65_536):
            for message in splitter.feed(piece):
                await places.acquire()
                task = loop.create_task(self._reply(message, writer))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                task.add_done_callback(lambda _: places.release())

    async def _reply(self, message: bytes, writer: asyncio.StreamWriter) -> None:
        reply = await self._answer(message)
        if reply is not None:
            writer.write(reply)
            with contextlib.suppress(OSError):
                await writer.drain()

    async def _answer(self, raw: bytes) -> bytes | None:
        """The reply to one message; None for replies to us."""
        try:
            message = parse(raw)
        except NotJson:
            return cgrates.error_reply(None, "NOT_JSON")
        if cgrates.is_reply(message):
            return None
        number = cgrates.request_id(message)
        try:
            request = cgrates.read_request(message)
        except cgrates.BadRequest as exc:
            return cgrates.error_reply(number, str(exc))
        if request.event is None:
            return cgrates.ok_reply(request)
        loop = asyncio.get_running_loop()
        try:
            grant = await loop.run_in_executor(self._pool, self._handle, request.event)
        except Refused as exc:
            log.info("charging: %s %r: %s", request.event.step, request.event.call_id, exc.message)
            return cgrates.error_reply(number, exc.reason)
        except Exception:
            # Whatever it was: the switch must hear a refusal, not wait for its time limit.
            log.exception("charging: %s %r", request.event.step, request.event.call_id)
            return cgrates.error_reply(number, "SERVER_ERROR")
        if request.event.step in (Step.AUTHORISE, Step.START):
            return cgrates.grant_reply(request, grant)
        return cgrates.ok_reply(request)

    def _handle(self, event: CallEvent) -> Grant:
        """One message, one transaction; returns after the commit. Runs in a thread."""
        book = self._books.current()
        for left in reversed(range(_TRIES)):
            try:
                with writing(self._dbs.panel) as connection:
                    return session.handle(connection, book, self._policy, event)
            except session.NoRate:
                newer = self._books.newer(book)
                if not left or newer is None:
                    raise
                book = newer
            except DBAPIError as exc:
                if not left or not _passes(exc):
                    raise
                time.sleep(0.01)
        raise AssertionError("unreachable")


async def _turns() -> None:
    """Lets the loop do what is due; turns are counted, since a busy machine has few in a moment."""
    for _turn in range(_TURNS):
        await asyncio.sleep(_TURN_S)


def _passes(exc: DBAPIError) -> bool:
    """Whether the same transaction can succeed a moment later."""
    code = getattr(exc.orig, "sqlstate", None) or next(iter(getattr(exc.orig, "args", ())), None)
    return code in _PASSING


def address(text: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:2014`` or ``[::1]:2014``; raises SettingsError."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise SettingsError(
            f"PANEL_CHARGING_BIND is '{text}'.", "Write host:port, such as 127.0.0.1:2014."
        )
    return host.strip("[]"), int(port)


async def serve(
    dbs: Databases,
    settings: Settings,
    *,
    ready: Callable[[str, int], None],
    beat: Callable[[], None],
) -> None:
    """Serves until SIGTERM or SIGINT. ``ready`` hears where, ``beat`` is called every 2 s."""
    host, port = address(settings.charging_bind)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = Server(dbs, settings)
    ready(host, await server.start(host, port))
    while not stop.is_set():
        try:
            await loop.run_in_executor(None, beat)
        except CompanionError as exc:
            log.warning("charging: %s", exc)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _BEAT_S)
    await server.stop()
