"""How MI commands fail (JSON-RPC codes below zero, the application's above)."""

from __future__ import annotations

from typing import Any


class MiFailure(Exception):
    """A JSON-RPC error: a code, a message, and data where the real switch sends some."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def as_json(self) -> dict[str, Any]:
        """The member ``error`` of the reply."""
        found: dict[str, Any] = {"code": self.code, "message": self.message}
        return found if self.data is None else found | {"data": self.data}


def invalid_params(data: str) -> MiFailure:
    """Wrong number, names or types of parameters."""
    return MiFailure(-32602, "Invalid params", data)


def handler_failed(data: str = "Command handler returned null") -> MiFailure:
    """What a command answers that gives up without a word of its own."""
    return MiFailure(-32000, "Server error", data)
