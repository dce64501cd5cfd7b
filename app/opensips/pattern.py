"""Inputs that a regular expression should match, and inputs that would hurt it. Pure text.

A small reader of the PCRE that dialplans use: literals, classes, groups, alternatives,
quantifiers, anchors. What it does not know it skips over, so every example is only a proposal:
the caller matches it before believing in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

_CLASSES = {
    "d": "1234567890",
    "w": "a1b2c3_",
    "s": " ",
    "h": " ",
    "D": "a+*#",
    "W": "+*#.",
    "S": "1a+",
    ".": "1a+9",
}
_POSIX = {"digit": "1234567890", "alpha": "abc", "alnum": "a1b2", "xdigit": "0af9", "space": " "}
_ANCHORS = frozenset("bBAzZG")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "e": "\x1b", "f": "\f", "a": "\a"}
# What a dialplan's input may plausibly consist of, for classes that say what they do not take.
_ALPHABET = "0123456789+*#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_@: "
_MOST = 24
_PUMPS = (32, 200)


class _Unreadable(Exception):
    """The pattern has a form that this reader does not follow."""


@dataclass(slots=True)
class _Piece:
    """A character out of ``chars``, or a group of ``branches``; repeated least to most times."""

    chars: str = ""
    branches: list[list[_Piece]] = field(default_factory=list)
    least: int = 1
    most: int | None = 1


def examples(pattern: str) -> list[str]:
    """Up to 24 different texts that the pattern probably matches; empty when it is unreadable."""
    try:
        tree = _Reader(pattern).whole()
    except (_Unreadable, RecursionError):
        return []
    found: dict[str, None] = {}
    for extra in (0, 1, 7):
        for turn in range(_MOST // 3):
            # A length that a quantifier such as {11} multiplies must not fill the memory.
            text = "".join(_write(tree, count(turn), extra, turn))[:120]
            if text:
                found[text] = None
    return list(found)


def hostile(pattern: str) -> list[str]:
    """Texts that make backtracking grow if the pattern lets it: long runs that fail at the end."""
    try:
        tree = _Reader(pattern).whole()
    except (_Unreadable, RecursionError):
        tree = []
    literals = "".join(dict.fromkeys(c for c in pattern if c.isalnum() or c in "+#*@.:-_"))
    runs = [c * pump for pump in _PUMPS for c in dict.fromkeys("1a" + literals[:12])]
    for pump in _PUMPS:
        for turn in range(4):
            runs.append("".join(_write(tree, count(turn), pump, turn))[: 2 * pump + 40])
    found: dict[str, None] = {}
    for run in filter(None, runs):
        for text in (run + "!", run[:-1] + "!" + run[-1], run + "!" + literals, run + "\n"):
            found[text] = None
    return list(found)


def _write(sequence: list[_Piece], turns: Iterator[int], extra: int, turn: int) -> Iterator[str]:
    for piece in sequence:
        times = piece.least + extra
        if piece.most is not None:
            times = min(times, max(piece.most, piece.least))
        if piece.branches:
            # Inside a repeated group the repeats are the group's inner ones: pump those first.
            branch = piece.branches[turn % len(piece.branches)]
            nested = any(inner.most is None for inner in branch)
            for _ in range(max(piece.least, 1 if times else 0) if nested else times):
                yield from _write(branch, turns, extra, turn)
        else:
            for _ in range(times if piece.chars else 0):
                yield piece.chars[next(turns) % len(piece.chars)] if extra < 8 else piece.chars[0]


class _Reader:
    """A recursive descent over the pattern."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0

    def whole(self) -> list[_Piece]:
        branches = self.branches()
        if self.at < len(self.text):
            raise _Unreadable
        return [_Piece(branches=branches)]

    def branches(self) -> list[list[_Piece]]:
        found: list[list[_Piece]] = [[]]
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.take("|"):
                found.append([])
                continue
            piece = self.atom()
            piece.least, piece.most = self.repeats()
            found[-1].append(piece)
        return found

    def take(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def takes(self, *texts: str) -> bool:
        return any(self.take(text) for text in texts)

    def next(self) -> str:
        if self.at >= len(self.text):
            raise _Unreadable
        self.at += 1
        return self.text[self.at - 1]

    def atom(self) -> _Piece:
        char = self.next()
        if char == "(":
            return self.group()
        if char == "[":
            return _Piece(self.char_class())
        if char == "\\":
            return _Piece(self.escape())
        if char in "^$":
            return _Piece()
        return _Piece(_CLASSES["."] if char == "." else char)

    def group(self) -> _Piece:
        seen = True
        if self.take("?"):
            if self.takes("=", "!", "<=", "<!"):
                seen = False  # looks only; whether it is satisfied shows when matching
            elif self.takes("P<", "<"):
                self.at = self.find(">")
            elif self.take("'"):
                self.at = self.find("'")
            elif not self.takes(":", ">", "|"):
                return self.options()
        branches = self.branches()
        if not self.take(")"):
            raise _Unreadable
        return _Piece(branches=branches) if seen else _Piece()

    def options(self) -> _Piece:
        while self.next() not in ":)":
            if self.text[self.at - 1] not in "imsxJU-":
                raise _Unreadable
        if self.text[self.at - 1] == ")":
            return _Piece()
        branches = self.branches()
        if not self.take(")"):
            raise _Unreadable
        return _Piece(branches=branches)

    def find(self, char: str) -> int:
        end = self.text.find(char, self.at)
        if end < 0:
            raise _Unreadable
        return end + 1

    def escape(self) -> str:
        char = self.next()
        if char in _ANCHORS or char in "KQE" or char.isdigit():
            return ""
        if char == "x":
            digits = self.text[self.at : self.at + 2]
            self.at += len(digits)
            try:
                return chr(int(digits, 16))
            except ValueError as exc:
                raise _Unreadable from exc
        known = _CLASSES | _CONTROL
        return known[char] if char.isalpha() and char in known else char

    def char_class(self) -> str:
        negated = self.take("^")
        members: list[str] = []
        first = True
        while first or not self.take("]"):
            first = False
            members.append(self.member())
        chars = "".join(members)
        if negated:
            chars = "".join(c for c in _ALPHABET if c not in chars)
        return "".join(dict.fromkeys(chars))

    def member(self) -> str:
        if self.take("[:"):
            start, self.at = self.at, self.find("]")
            return _POSIX.get(self.text[start : self.at - 2], "")
        low = self.next()
        if low == "\\":
            low = self.escape()
        if len(low) == 1 and self.text[self.at : self.at + 1] == "-":
            high = self.text[self.at + 1 : self.at + 2]
            if high and high != "]":
                self.at += 2
                high = self.escape() if high == "\\" else high
                return "".join(map(chr, range(ord(low), min(ord(high), ord(low) + 94) + 1)))
        return low

    def repeats(self) -> tuple[int, int | None]:
        bounds: tuple[int, int | None] = (1, 1)
        if self.take("*"):
            bounds = (0, None)
        elif self.take("+"):
            bounds = (1, None)
        elif self.take("?"):
            bounds = (0, 1)
        elif self.text[self.at : self.at + 1] == "{" and (found := self.braces()):
            bounds = found
        else:
            return bounds
        # lazy and possessive forms match the same texts, as far as an example goes
        self.takes("?", "+")
        return bounds

    def braces(self) -> tuple[int, int | None] | None:
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : end].partition(",")
        numbers = (low + high).isascii() and (low + high).isdigit()
        if end < 0 or not numbers or len(low + high) > 6:
            return None
        self.at = end + 1
        least = int(low or 0)
        return least, (int(high) if high else None) if comma else least
