"""Other ends that mislead: answers that lead elsewhere, weak encryption, torn requests."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.core.database import Databases
from app.opensips.mi import MiClient
from app.rating.engines.http import HttpEngine
from tests.conftest import missing
from tests.services import gunicorn, nginx, run


@contextmanager
def misleading() -> Iterator[tuple[str, list[str]]]:
    """A server that sends everybody on to another path of its own; the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/here", asked
        server.shutdown()


def test_nobody_is_followed_elsewhere() -> None:
    with misleading() as (url, asked):
        assert "307" in HttpEngine(url, 2).health()
        with pytest.raises(Exception, match="307|answer"):
            MiClient(url, 2).call("version")
    assert asked == ["/here", "/here"]


@pytest.fixture
def front(dbs: Databases, test_env: dict[str, str], tmp_path: Path) -> Iterator[nginx.Nginx]:
    try:
        with nginx.started() as found:
            env = test_env | {"PANEL_TRUSTED_PROXIES": "1"}
            with gunicorn.started(found.socket, env, log=tmp_path / "web.log"):
                yield found
    except run.MissingService as exc:
        missing(exc)


@pytest.mark.parametrize("suites", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"])
def test_weak_suites_find_no_partner(front: nginx.Nginx, suites: str) -> None:
    context = ssl.create_default_context(cafile=str(front.certificate))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suites}:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", front.https_port), timeout=5) as plain:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="localhost")


TORN = {
    "two lengths": "Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
    "length and chunks": "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "odd chunks": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "negative length": "Content-Length: -1\r\n\r\n",
    "blank before the colon": "Content-Length : 4\r\n\r\nabcd",
}


@pytest.mark.parametrize("name", TORN)
def test_requests_with_two_ends_are_refused(front: nginx.Nginx, name: str) -> None:
    smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    request = f"POST /login HTTP/1.1\r\nHost: localhost\r\n{TORN[name]}{smuggled}".encode()
    answers = [_said(_tls(front), request), _said(_direct(front), request)]
    for answer in answers:
        # Nothing of the second request is answered: the connection ends with the refusal.
        assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 501")), answer[:200]
        assert answer.count(b"HTTP/1.") == 1, answer
        assert b'"status"' not in answer


def _tls(front: nginx.Nginx) -> socket.socket:
    context = ssl.create_default_context(cafile=str(front.certificate))
    plain = socket.create_connection(("127.0.0.1", front.https_port), timeout=5)
    return context.wrap_socket(plain, server_hostname="localhost")


def _direct(front: nginx.Nginx) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.settimeout(5)
    found.connect(str(front.socket))
    return found


def _said(connection: socket.socket, request: bytes) -> bytes:
    with connection:
        connection.sendall(request)
        try:
            return b"".join(iter(lambda: connection.recv(65_536), b""))
        except TimeoutError:
            return b""
