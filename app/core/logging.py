"""One line per event, on standard error, whatever the event's text holds."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from app.core import tracing
from app.core.settings import Settings

# Control characters (C0, DEL, C1) and Unicode's line ends: they would forge or hide lines.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]*@")


def escape(text: str) -> str:
    r"""The text on one line: control and direction characters become ``\xNN`` or ``\uNNNN``."""
    return _CONTROL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def without_passwords(text: str) -> str:
    """The text with the password of every address in it hidden."""
    return _PASSWORD.sub(r"\1:***@", text)


class LineFormatter(logging.Formatter):
    """``2026-11-23T04:29:01.123Z INFO app.cdr message``, a traceback folded into the same line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line without its end."""
        parts = [_moment(record), record.levelname, record.name, record.getMessage()]
        if record.exc_info:
            parts.append("| " + self.formatException(record.exc_info))
        return escape(without_passwords(" ".join(parts)).replace("\n", " | "))


class JsonFormatter(logging.Formatter):
    """One JSON object a line; ``level`` second, so that whoever looks for errors needs no parser.

    ``time`` (RFC 3339, UTC, ms), ``level``, ``logger``, ``message``; during a request its
    ``request`` id; of an error its ``traceback``; what else is told stands beside them.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line without its end, in plain ASCII: nothing in it can end or turn a line."""
        found: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "message": without_passwords(record.getMessage()),
        }
        if (request := tracing.request_id()) is not None:
            found["request"] = request
        found |= getattr(record, tracing.FACTS, {})
        if record.exc_info:
            found["traceback"] = without_passwords(self.formatException(record.exc_info))
        return json.dumps(found, default=str).replace("\x7f", "\\u007f")


FORMATTERS: dict[str, type[logging.Formatter]] = {"text": LineFormatter, "json": JsonFormatter}


def set_up(app: Flask) -> None:
    """Sends the log of the application and of its libraries to standard error.

    Calling it again (tests make many applications) changes nothing but the format.
    """
    options: Settings = app.extensions["settings"]
    root = logging.getLogger()
    ours = [one for one in root.handlers if isinstance(one.formatter, tuple(FORMATTERS.values()))]
    if not ours:
        ours = [logging.StreamHandler(sys.stderr)]
        root.addHandler(ours[0])
        root.setLevel(logging.INFO)
        # It tells at every start which of its own parts it has.
        logging.getLogger("alembic").setLevel(logging.WARNING)
    for handler in ours:
        handler.setFormatter(FORMATTERS[options.log]())
    app.logger.propagate = True
    tracing.init_app(app)
