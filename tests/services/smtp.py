"""A mail server on loopback: real SMTP with STARTTLS, TLS and logins, kept in memory."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Mail:
    """A mail as it was handed over; ``secure`` and ``user`` say how."""

    sender: str
    to: list[str]
    text: str
    secure: bool
    user: str


@dataclass
class SmtpServer:
    """``mode``: ok, silent (says nothing), drip (a byte now and then), refuse (no recipient).

    ``users`` are logins with their passwords; where there are any, mail needs one.
    """

    port: int = 0
    mode: str = "ok"
    users: dict[str, str] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@contextmanager
def serving(tls: ssl.SSLContext | None = None, *, from_start: bool = False) -> Iterator[SmtpServer]:
    """Runs a server until the block ends; with ``tls`` it offers STARTTLS, or is TLS alone."""
    server = SmtpServer()
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    over = asyncio.Event()

    async def run() -> None:
        listening = await asyncio.start_server(
            lambda reader, writer: _Talk(server, tls, from_start, reader, writer).run(),
            "127.0.0.1",
            0,
            ssl=tls if from_start else None,
        )
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await over.wait()
        listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    loop.set_exception_handler(lambda *_: None)
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


class _Talk:
    """One connection."""

    def __init__(
        self,
        server: SmtpServer,
        tls: ssl.SSLContext | None,
        secure: bool,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.server, self.tls, self.secure = server, tls, secure
        self.reader, self.writer = reader, writer
        self.user = self.sender = ""
        self.to: list[str] = []

    async def run(self) -> None:
        try:
            await self._talk()
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            return
        finally:
            self.writer.close()

    async def _say(self, *lines: str) -> None:
        for line in lines:
            self.writer.write(f"{line}\r\n".encode())
        await self.writer.drain()

    async def _talk(self) -> None:
        if self.server.mode == "silent":
            await asyncio.sleep(60)
        if self.server.mode == "drip":
            for _ in range(600):
                self.writer.write(b"2")
                await self.writer.drain()
                await asyncio.sleep(0.1)
        await self._say("220 loopback ready")
        while line := (await self.reader.readline()).decode():
            self.server.lines.append(line.rstrip("\r\n"))
            word, _, rest = line.strip().partition(" ")
            if word.upper() == "QUIT":
                await self._say("221 bye")
                return
            if word.upper() == "STARTTLS" and self.tls is not None and not self.secure:
                await self._say("220 go on")
                await self.writer.start_tls(self.tls)
                self.secure = True
                continue
            await self._say(*await self._answer(word.upper(), rest))

    async def _answer(self, word: str, rest: str) -> list[str]:
        if word == "EHLO":
            offers = ["SIZE 1000000"]
            if self.tls is not None and not self.secure:
                offers.append("STARTTLS")
            if self.secure and self.server.users:
                offers.append("AUTH PLAIN")
            return ["250-loopback", *(f"250-{one}" for one in offers[:-1]), f"250 {offers[-1]}"]
        if word == "AUTH":
            return [self._sign_in(rest)]
        if word == "MAIL":
            if self.server.users and not self.user:
                return ["530 sign in first"]
            self.sender = rest.partition("<")[2].partition(">")[0]
            return ["250 ok"]
        if word == "RCPT":
            if self.server.mode == "refuse":
                return ["550 nobody here"]
            self.to.append(rest.partition("<")[2].partition(">")[0])
            return ["250 ok"]
        if word == "DATA":
            return [await self._data()]
        return ["250 ok"]

    def _sign_in(self, rest: str) -> str:
        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
        if self.server.users.get(user) != password:
            return "535 no"
        self.user = user
        return "235 welcome"

    async def _data(self) -> str:
        await self._say("354 go on")
        lines: list[str] = []
        while (line := (await self.reader.readline()).decode()) not in (".\r\n", ""):
            lines.append(line)
        mail = Mail(self.sender, self.to, "".join(lines), self.secure, self.user)
        self.server.mails.append(mail)
        return "250 taken"


def certificate(folder: Path, names: str = "IP:127.0.0.1") -> tuple[ssl.SSLContext, str]:
    """A context for a server, and the file of the certificate that clients are to trust."""
    key, made = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=loopback", "-addext", f"subjectAltName={names}"]
        + ["-keyout", str(key), "-out", str(made)],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return context, str(made)
