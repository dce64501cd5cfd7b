"""JSON objects one after the other on a TCP stream, in whatever pieces TCP delivers them.

The ``cgrates`` module writes its messages without a separator or length (recorded traffic of
OpenSIPS 3.6, ``cgrates-module-wire.jsonl``), so the only border is the last brace.
"""

from __future__ import annotations

import json
import re
from typing import Any

from app.core.errors import CompanionError

# A message of the module has some 400 bytes; SIP allows long identifiers, not this long ones.
MAX_MESSAGE = 65_536
_IN_TEXT = re.compile(rb'"|\\.', re.DOTALL)
_OUTSIDE = re.compile(rb'["{}]')
_BLANK = b" \t\r\n"


class BrokenStream(CompanionError):
    """What came is not a sequence of JSON objects; nothing after it can be understood."""

    code = "broken_stream"
    status = 400


class NotJson(ValueError):
    """One message has the shape of an object but is not JSON."""


class Splitter:
    """Collects bytes and gives back whole messages. Looks at each byte once."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # how far the buffer is read
        self._depth = 0
        self._in_text = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The messages that this piece completes; raises BrokenStream."""
        self._buffer += piece
        found = []
        while (end := self._next_end()) is not None:
            found.append(bytes(self._buffer[:end]))
            del self._buffer[:end]
            self._at = 0
        if len(self._buffer) > MAX_MESSAGE:
            raise BrokenStream(f"A message is longer than {MAX_MESSAGE} bytes.")
        return found

    def _next_end(self) -> int | None:
        """Where the first message ends, or None when it has not come whole yet."""
        if not self._depth:
            blank = len(self._buffer) - len(self._buffer.lstrip(_BLANK))
            del self._buffer[:blank]
            if self._buffer and self._buffer[0] != ord("{"):
                raise BrokenStream("Something other than a JSON object came.")
        while True:
            pattern = _IN_TEXT if self._in_text else _OUTSIDE
            hit = pattern.search(self._buffer, self._at)
            if hit is None:
                # A backslash at the end escapes what comes next: look at it again then.
                cut = self._in_text and self._buffer.endswith(b"\\", self._at)
                self._at = len(self._buffer) - cut
                return None
            self._at = hit.end()
            if self._closes(hit.group()):
                return self._at

    def _closes(self, mark: bytes) -> bool:
        if mark == b'"':
            self._in_text = not self._in_text
        elif mark == b"{":
            self._depth += 1
        elif mark == b"}":
            self._depth -= 1
            return self._depth == 0
        return False


def parse(message: bytes) -> dict[str, Any]:
    """The object of one whole message; raises NotJson.

    The module passes on bytes of SIP headers as they came: what is not UTF-8 reads as Latin-1.
    """
    try:
        text = message.decode("utf-8")
    except UnicodeDecodeError:
        text = message.decode("latin-1")
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise NotJson(str(exc)[:100]) from exc
    if not isinstance(found, dict):
        raise NotJson("no object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
