"""MI over HTTP as OpenSIPS 3.6's ``mi_http`` over ``httpd`` answers it, bad habits included.

- JSON-RPC errors come with status 200; batches and odd requests are -32600.
- A JSON answer with another status (202 for a notification, 400, 405) announces a chunked body
  and never sends one: a client that reads it hangs.
- Another content type than application/json or text/xml: the connection is dropped.
- Commands run one after the other.
"""

from __future__ import annotations

import json
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any, cast

from app.opensips.simulator.commands import execute
from app.opensips.simulator.errors import MiFailure
from app.opensips.simulator.node import Node

# httpd, "receive_buf_size": the shipped mi.cfg sets it.
MAX_REQUEST = 65_536
# How long a never-ending answer is kept open.
_HANG_SECONDS = 60
_BIG_ID = 2**31 - 1


class MiServer(ThreadingHTTPServer):
    """Serves POST /mi for one node; port 0 takes a free one (``server_port`` tells)."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, host: str, port: int, node: Node) -> None:
        super().__init__((host, port), _Handler)
        self.node = node
        self.one_at_a_time = Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def do_POST(self) -> None:
        content_type = self.headers.get("Content-Type", "")
        if self.path != "/mi" and not self.path.startswith("/mi/"):
            self._html(400, "Unable to parse URL!")
        elif content_type.startswith("application/x-www-form-urlencoded"):
            self._never_ending(400)
        elif not content_type.startswith(("application/json", "text/xml")):
            self.close_connection = True
        else:
            self._answer(self._body())

    def do_GET(self) -> None:
        self._never_ending(405)

    def do_PUT(self) -> None:
        self._html(406, "Unsupported HTTP request!")

    def log_message(self, format: str, *args: Any) -> None:
        """Silent, as OpenSIPS is."""

    def _body(self) -> bytes | None:
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            return None
        return self.rfile.read(length) if 0 < length <= MAX_REQUEST else None

    def _answer(self, body: bytes | None) -> None:
        if body is None:
            self._never_ending(400)
            return
        server = cast(MiServer, self.server)
        with server.one_at_a_time:
            status, reply = respond(server.node, body)
        if status != 200:
            self._never_ending(status)
            return
        text = json.dumps(reply, separators=(",", ":")).encode()
        self._head(200, "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _html(self, status: int, sentence: str) -> None:
        text = f"<html><body>{sentence}</body></html>".encode()
        self._head(status, "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)

    def _never_ending(self, status: int) -> None:
        self._head(status, "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        self.connection.settimeout(_HANG_SECONDS)
        with suppress(OSError):
            while self.connection.recv(4096):
                pass

    def _head(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)


def respond(node: Node, body: bytes) -> tuple[int, dict[str, Any]]:
    """HTTP status and JSON-RPC reply to a request's body; the reply counts with 200 only."""
    try:
        # What follows the JSON is ignored.
        request, _ = json.JSONDecoder().raw_decode(body.decode().lstrip())
    except (ValueError, RecursionError):
        return 200, _reply(None, MiFailure(-32700, "Parse error"))
    identity = request.get("id") if isinstance(request, dict) else None
    if isinstance(identity, dict | list):
        return 500, {}
    if isinstance(identity, int | float) and not isinstance(identity, bool):
        identity = min(int(identity), _BIG_ID)
    try:
        method, params = _checked(request)
        result = execute(node, method, params)
    except MiFailure as failure:
        return 200, _reply(identity, failure)
    if "id" not in request:
        return 202, {}
    return 200, {"jsonrpc": "2.0", "result": result, "id": identity}


def _checked(request: Any) -> tuple[str, Any]:
    bad = MiFailure(-32600, "Invalid Request")
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        raise bad
    method = request.get("method")
    if not isinstance(method, str) or not method:
        raise bad
    if "params" in request and not isinstance(request["params"], dict | list):
        raise bad
    return method, request.get("params")


def _reply(identity: Any, failure: MiFailure) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": failure.as_json(), "id": identity}
