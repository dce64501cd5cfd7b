"""What starts with a text, found by index on every database and under every collation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false


def starts_with(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """The condition that the column starts with ``text``; nothing is found for text without
    a letter or digit of ASCII at its beginning.

    LIKE alone walks no index on PostgreSQL unless the collation is C. Collations differ in where
    they put signs, so the bounds are made of the leading letters and digits only.
    """
    stem = text[: next((i for i, c in enumerate(text) if not _plain(c)), len(text))]
    if not stem:
        return false()
    bounds = [column >= stem]
    end = _following(stem)
    if end:
        bounds.append(column < end)
    return and_(*bounds, column.startswith(text, autoescape=True))


def _plain(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _following(stem: str) -> str:
    """The first text after all that start with the stem; empty when there is none."""
    kept = stem.rstrip("zZ9")
    return kept[:-1] + chr(ord(kept[-1]) + 1) if kept else ""
