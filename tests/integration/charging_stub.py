"""A charging server for the switch's tests: the wire of the cgrates module, fixed answers."""

from __future__ import annotations

import json
import socketserver
import threading
from typing import Any


class ChargingStub:
    """Answers on a loopback port; ``seconds`` is granted, ``error`` refuses when set."""

    def __init__(self) -> None:
        self.seconds = 30.0
        self.error: str | None = None
        self.requests: list[tuple[str, dict[str, Any]]] = []
        stub = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                text, decoder = "", json.JSONDecoder()
                while data := self.request.recv(65536):
                    text += data.decode()
                    while text:
                        try:
                            message, end = decoder.raw_decode(text)
                        except ValueError:
                            break
                        text = text[end:].lstrip()
                        self.request.sendall(stub.answer(message))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, message: dict[str, Any]) -> bytes:
        """The reply to one request, as the module wants it (seconds with a decimal point)."""
        method, params = message["method"], message["params"][0]
        self.requests.append((method, params))
        result: Any = "OK"
        error = None
        if method == "SessionSv1.AuthorizeEventWithDigest":
            result, error = {"MaxUsage": self.seconds}, self.error
        elif method == "SessionSv1.InitiateSession":
            result = {"MaxUsage": int(self.seconds * 10**9)}
        reply = {
            "id": message["id"],
            "result": None if error else result,
            "error": error,
        }
        return json.dumps(reply).encode()

    def events(self, call_id: str) -> dict[str, dict[str, Any]]:
        """method → event, for the calls whose Call-ID begins so (last word wins)."""
        return {
            method.removeprefix("SessionSv1."): params["Event"]
            for method, params in list(self.requests)
            if call_id in params.get("Event", {}).get("OriginID", "")
        }

    def stop(self) -> None:
        """Ends the server; open connections end with their peers."""
        self._server.shutdown()
        self._server.server_close()
