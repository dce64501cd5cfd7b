"""One POST to an endpoint: five seconds to connect, ten in all, no redirect, a small answer.

Written on a socket, since the limits are on the whole and the connection must go to the very
address that was checked.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any

from app.core.errors import CompanionError
from app.webhooks import addresses
from app.webhooks.addresses import Address, Network, Target

CONNECT_S = 5.0
TOTAL_S = 10.0
# Of the answer's body; its head may have as much again and no more.
LARGEST = 4_096
GONE = 410


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a try: the HTTP status, None where there was none, and what was wrong."""

    status: int | None
    problem: str = ""

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it."""
        return not self.problem


def send(
    url: str,
    headers: Mapping[str, str],
    body: str,
    *,
    house: bool,
    networks: Sequence[Network],
    trust: ssl.SSLContext | None = None,
) -> Sent:
    """Sends a JSON text; never raises what a name, network or receiver causes.

    ``house`` and ``networks`` say which addresses may be reached (``addresses.allowed``);
    ``trust`` knows the authorities, by default those of the system.
    """
    until = time.monotonic() + TOTAL_S
    try:
        target = addresses.check(url, house=house, networks=networks)
        found = addresses.resolve(target, house=house, networks=networks)
        with _connect(target, found, until, trust) as connection:
            connection.settimeout(_left(until))
            connection.sendall(_request(target, headers, body.encode()))
            return _answer(connection, until)
    except CompanionError as error:
        return Sent(None, str(error))
    except TimeoutError:
        return Sent(None, "It took longer than the time there is.")
    except ssl.SSLCertVerificationError as error:
        return Sent(None, f"The certificate is not trusted: {error.verify_message}.")
    except (OSError, HTTPException, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Sent(None, f"No answer: {said}."[:255])


def _connect(
    target: Target, found: Sequence[Address], until: float, trust: ssl.SSLContext | None
) -> socket.socket:
    """A connection to the first address that takes it, with TLS where the URL wants it."""
    connecting = min(time.monotonic() + CONNECT_S, until)
    problem: OSError = TimeoutError("nobody took the connection")
    for address in found:
        try:
            opened = socket.create_connection((str(address), target.port), _left(connecting))
        except OSError as error:
            problem = error
            if time.monotonic() >= connecting:
                break
            continue
        if not target.secure:
            return opened
        try:
            opened.settimeout(_left(connecting))
            context = trust or ssl.create_default_context()
            return context.wrap_socket(opened, server_hostname=target.host)
        except BaseException:
            opened.close()
            raise
    raise problem


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    head = {
        "Host": target.authority,
        "User-Agent": "OpenSIPS-Companion",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _answer(connection: socket.socket, until: float) -> Sent:
    answer = HTTPResponse(_Limited(connection, until), method="POST")  # type: ignore[arg-type]
    try:
        answer.begin()
        status = answer.status
        try:
            # Read for the receiver's sake: a connection cut early is an error in its log.
            answer.read(LARGEST)
        except (OSError, HTTPException):
            pass  # the status has said it all
    finally:
        answer.close()
    if 200 <= status < 300:
        return Sent(status)
    if 300 <= status < 400:
        return Sent(status, f"It answered {status}: redirects are not followed.")
    return Sent(status, f"It answered {status}.")


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Limited(io.RawIOBase):
    """What the other side sends, up to a moment and a size; stands in for a socket's file."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self.connection = connection
        self.until = until
        self.room = 2 * LARGEST

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """What HTTPResponse asks a socket for."""
        return io.BufferedReader(self, 1_024)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As many bytes as there are; none beyond the size, TimeoutError beyond the moment."""
        if not self.room:
            return 0
        self.connection.settimeout(_left(self.until))
        count = self.connection.recv_into(memoryview(buffer)[: self.room])
        self.room -= count
        return count
