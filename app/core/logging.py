"""One line per event, on standard error, whatever the event's text holds."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime

from flask import Flask

# Control characters (C0, DEL, C1) and Unicode's line ends: they would forge or hide lines.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def escape(text: str) -> str:
    r"""The text on one line: control and direction characters become ``\xNN`` or ``\uNNNN``."""
    return _CONTROL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


class LineFormatter(logging.Formatter):
    """``2026-11-23T04:29:01.123Z INFO app.cdr message``, a traceback folded into the same line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line without its end."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        parts = [moment.replace("+00:00", "Z"), record.levelname, record.name, record.getMessage()]
        if record.exc_info:
            parts.append("| " + self.formatException(record.exc_info))
        return escape(" ".join(parts).replace("\n", " | "))


def set_up(app: Flask) -> None:
    """Sends the log of the application and of its libraries to standard error.

    Calling it again (tests make many applications) changes nothing.
    """
    root = logging.getLogger()
    if not any(isinstance(handler.formatter, LineFormatter) for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(LineFormatter())
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        # It tells at every start which of its own parts it has.
        logging.getLogger("alembic").setLevel(logging.WARNING)
    app.logger.propagate = True
