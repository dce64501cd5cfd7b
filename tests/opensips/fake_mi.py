"""A node as the panel meets it: MI over HTTP with the answers that 3.6.8 and 4.0.1 gave.

``node.mode`` makes it misbehave: ok, hang, half, wrong_id, huge, endless_500, drip, drip_headers,
html, refuse_reload. ``stop()`` and ``start()`` are a node that is down for a while, on one port.
Its dialplan is what ``load`` gave at the last reload, as in a real one.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from app.opensips.dialplan import Rule, skip_reason, translate

_RECORDED = Path(__file__).parents[3] / "shared" / "opensips"
_OLD = "mi-3.6-http.jsonl"
_NEW = "mi-4.0-http.jsonl"


def recorded_which(file: str = _OLD) -> list[str]:
    """The recorded list of commands."""
    with (_RECORDED / file).open(encoding="utf-8") as lines:
        names: list[str] = json.loads(next(lines))["response"]["result"]
    return names


def recorded_dialogs(file: str = _OLD) -> list[dict[str, Any]]:
    """Dialogs as ``dlg_list`` gave them page by page: six on 3.6, ringing ones among them."""
    found: dict[str, dict[str, Any]] = {}
    with (_RECORDED / file).open(encoding="utf-8") as lines:
        for line in lines:
            if '"dlg_list"' in line and '"counter"' in line and '"Dialogs"' in line:
                page = json.loads(line)["response"]["result"]["Dialogs"]
                found |= {one["db_id"]: one for one in page}
    return list(found.values())


class FakeNode:
    """One node; use as a context manager."""

    def __init__(
        self, load: Callable[[], Iterable[dict[str, Any]]] = tuple, *, new_names: bool = False
    ) -> None:
        self.load = load
        self.mode = "ok"
        self.new_names = new_names
        self.which = recorded_which(_NEW if new_names else _OLD)
        self.rules: list[Rule] = []
        self.loads: list[str] = []
        self.calls: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.lose_rows: set[int] = set()
        self.dialogs: list[dict[str, Any]] = []
        self.port = 0
        self._server: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._gone = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mi"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", self.port))
        server.listen(64)
        self.port = server.getsockname()[1]
        self._server = server
        self._gone.clear()
        self._spawn(self._accept, server)

    def stop(self) -> None:
        if self._server is None:
            return
        self._gone.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._server = None
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()
        self._open.clear()

    def _spawn(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self._open.append(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._answer(connection, *self._read(connection))
            except (OSError, ValueError):
                return

    def _read(self, connection: socket.socket) -> tuple[str, dict[str, Any]]:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        text = head.decode()
        size = next(
            int(line.split(":")[1])
            for line in text.splitlines()
            if line.lower().startswith("content-length:")
        )
        while len(body) < size:
            body += self._more(connection)
        request: dict[str, Any] = json.loads(body)
        self.headers.append(text)
        self.requests.append(request)
        self.calls.append(request["method"])
        return text, request | {"_size": size}

    @staticmethod
    def _more(connection: socket.socket) -> bytes:
        data = connection.recv(65_536)
        if not data:
            raise ValueError("gone")
        return data

    def _answer(self, connection: socket.socket, _head: str, request: dict[str, Any]) -> None:
        mode = self.mode
        if mode == "hang":
            self._gone.wait(30)
            return
        if request["_size"] > 1024:
            mode = "endless_400"
        if mode.startswith("endless_"):
            status = mode.removeprefix("endless_")
            connection.sendall(
                f"HTTP/1.1 {status} Because\r\nContent-Type: application/json\r\n"
                "Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            self._gone.wait(30)
            return
        body = self._body(request, mode)
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        if mode == "drip_headers":
            self._drip(connection, head + body)
        elif mode == "drip":
            connection.sendall(head)
            self._drip(connection, body)
        elif mode == "half":
            connection.sendall(head + body[: len(body) // 2])
        else:
            connection.sendall(head + body)

    def _drip(self, connection: socket.socket, data: bytes) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            if self._gone.wait(0.02):
                return

    def _body(self, request: dict[str, Any], mode: str) -> bytes:
        if mode == "html":
            return b"<html><body>It works!</body></html>"
        if mode == "huge":
            return b'{"jsonrpc":"2.0","result":"' + b"x" * (17 * 1024 * 1024) + b'"}'
        reply = {"jsonrpc": "2.0", **self._result(request, mode), "id": request["id"]}
        if mode == "wrong_id":
            reply["id"] = request["id"] % 1000 + 1
        return json.dumps(reply, separators=(",", ":")).encode()

    def _result(self, request: dict[str, Any], mode: str) -> dict[str, Any]:
        method, params = request["method"], request.get("params") or {}
        if method not in self.which and not self.new_names:
            return _error(-32601, "Method not found")
        if method in ("which", "core:which"):
            return {"result": self.which}
        if method in ("version", "core:version"):
            number = "4.0.1" if self.new_names else "3.6.8"
            return {"result": {"Server": f"OpenSIPS ({number} (x86_64/linux))"}}
        if method in ("dp_reload", "dialplan:reload"):
            return self._reload(mode)
        if method in ("dp_translate", "dialplan:translate"):
            return self._translate(params)
        if method in ("dlg_list", "dialog:list"):
            page = self.dialogs[params["index"] : params["index"] + params["counter"]]
            return {"result": {"count": len(self.dialogs), "Dialogs": page}}
        if method in ("sr_list_reports", "status_report:reports"):
            return {
                "result": [{"Name": "default", "Reports": [{"Log": log} for log in self.loads]}]
            }
        return _error(-32601, "Method not found")

    def _reload(self, mode: str) -> dict[str, Any]:
        if mode == "refuse_reload":
            return _error(-32000, "Server error", "Command handler returned null")
        rows = [Rule.of(row) for row in self.load() if row["id"] not in self.lose_rows]
        live = [rule for rule in rows if not rule.disabled]
        self.rules = [rule for rule in live if skip_reason(rule) is None]
        discarded = len(live) - len(self.rules)
        self.loads.append(f"{len(self.rules)} rules loaded ({discarded} discarded)\n")
        return {"result": "OK"}

    def _translate(self, params: dict[str, Any]) -> dict[str, Any]:
        answer = translate(self.rules, int(params["dpid"]), params["input"])
        if not answer.translates:
            return _error(404, "No translation")
        return {"result": {"Output": answer.output, "ATTRIBUTES": answer.attrs}}


def _error(code: int, message: str, data: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    return {"error": error | ({"data": data} if data else {})}


def free_port() -> int:
    """A port of the loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Returns when it is true; fails when it never gets so."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it never became true"
        time.sleep(0.01)
