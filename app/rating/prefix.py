"""Longest-prefix look-up for one number at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class PrefixIndex(Generic[T]):
    """Prefixes of digits and what they stand for; immutable once built.

    One dictionary probe for each length of prefix that exists, longest first: a short number
    can never match a longer prefix.
    """

    __slots__ = ("_by_prefix", "_lengths")

    def __init__(self, items: Iterable[tuple[str, T]]) -> None:
        self._by_prefix = dict(items)
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)

    def __len__(self) -> int:
        return len(self._by_prefix)

    def items(self) -> Iterable[tuple[str, T]]:
        """All prefixes and what they stand for."""
        return self._by_prefix.items()

    def longest(self, number: str) -> T | None:
        """What the longest prefix of the number stands for, or None when none matches."""
        for length in self._lengths:
            if length <= len(number):
                found = self._by_prefix.get(number[:length])
                if found is not None:
                    return found
        return None
