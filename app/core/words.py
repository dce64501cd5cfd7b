"""Texts for people, in the language of whoever reads them; English is the source.

Rooms write ``_("There is no call %(id)s.", id=cdr_id)`` and know nothing of languages; the shell
installs what translates. Without it (CLI, worker, tests of pure rooms) English comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from babel.support import LazyProxy


def _english(one: str, many: str | None, count: int) -> str:
    return one if many is None or count == 1 else many


_translate: Callable[[str, str | None, int], str] = _english


def install(translate: Callable[[str, str | None, int], str]) -> None:
    """Makes ``translate(one, many or None, count)`` what looks up texts from now on."""
    global _translate
    _translate = translate


def look_up(one: str, many: str | None = None, count: int = 1) -> str:
    """The text in the reader's language as it stands in the catalogue, nothing filled in."""
    return _translate(one, many, count)


def _(text: str, **values: Any) -> str:
    """The text in the reader's language, ``%(name)s`` filled in."""
    found = _translate(text, None, 1)
    return found % values if values else found


def _n(one: str, many: str, count: int, **values: Any) -> str:
    """The form that fits ``count`` (``%(num)s`` in the texts)."""
    return _translate(one, many, count) % {"num": count, **values}


class _Label(LazyProxy):
    """A text that may be the default of a dataclass's field: it never changes, so it hashes."""

    __hash__ = object.__hash__


def _l(text: str, **values: Any) -> Any:
    """Like ``_``, looked up each time it is shown: for labels written down at import."""
    return _Label(lambda: _(text, **values), enable_cache=False)
