"""A list as CSV: streamed, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

# A cell that begins so is run as a formula (OWASP, CSV injection); a blank may hide it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(value: object) -> str:
    """The text of a cell; what a spreadsheet would run gets an apostrophe in front.

    Plain numbers, telephone numbers with their plus and negative amounts stay what they are.
    """
    text = "" if value is None else str(value)
    text = "".join(char for char in text if char >= " " or char == "\t")
    begins = text.lstrip()[:1]
    if begins in _FORMULA and begins and not _is_number(text):
        return f"'{text}"
    return text


def _is_number(text: str) -> bool:
    digits = text[1:].replace(".", "", 1)
    return text[:1] in "+-" and digits.isascii() and digits.isdigit()


def lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of the file, RFC 4180, with a byte order mark so that Excel reads UTF-8."""
    yield "\ufeff" + _line(head)
    for row in rows:
        yield _line(row)


def _line(values: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([safe(value) for value in values])
    return buffer.getvalue()
