"""Rows as JSON lines and back: exact, also what JSON has no word for."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

# Objects of one key stand for what JSON has no word for; no column holds objects of its own.
_BYTES, _DECIMAL, _DATETIME, _DATE = "bytes", "decimal", "datetime", "date"


def encode(rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """One line for each row, with its end; raises TypeError for a value it cannot keep."""
    return [
        json.dumps(list(row), ensure_ascii=False, separators=(",", ":"), default=_tagged).encode()
        + b"\n"
        for row in rows
    ]


def decode(lines: bytes) -> list[list[Any]]:
    """The rows of those lines; raises ValueError when they are none."""
    rows = [json.loads(line, object_hook=_untagged) for line in lines.splitlines()]
    if not all(isinstance(row, list) for row in rows):
        raise ValueError("a line is no row")
    return rows


def _tagged(value: object) -> dict[str, str]:
    if isinstance(value, bytes | bytearray | memoryview):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Decimal):
        return {_DECIMAL: str(value)}
    if isinstance(value, datetime):
        return {_DATETIME: value.isoformat()}
    if isinstance(value, date):
        return {_DATE: value.isoformat()}
    raise TypeError(f"a backup cannot keep a {type(value).__name__}")


def _untagged(found: dict[str, str]) -> Any:
    ((kind, text),) = found.items()
    if kind == _BYTES:
        return base64.b64decode(text, validate=True)
    if kind == _DECIMAL:
        return Decimal(text)
    if kind == _DATETIME:
        return datetime.fromisoformat(text)
    if kind == _DATE:
        return date.fromisoformat(text)
    raise ValueError(f"'{kind}' is no kind of value")
