"""The memory of the ``dialplan`` module (OpenSIPS 3.6): loaded by reloads, asked by dp_translate.

As the module does: rows with ``disabled`` other than 0 are not read; a rule whose expression does
not compile, or whose replacement names a group that is not there, is skipped and the reload still
answers OK. Rules are tried by ``pr``, low first, in the table's order among equals. The output is
the replacement alone, not the input with a part replaced.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pcre2

STRING, REGEX = 0, 1
_ANY_CASE = 1
_MAX_OUTPUT = 127
# \0 to \9, or another escaped character (parse_repl in OpenSIPS's core).
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)


class NoTranslation(Exception):
    """No rule matched, or the one that matched could not build its output."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its expressions compiled."""

    priority: int
    match_exp: bytes
    any_case: bool
    match: pcre2.Pattern | None
    subst: pcre2.Pattern | None
    replacement: bytes | None
    attributes: str

    def matches(self, text: bytes) -> bool:
        """Whether the rule is for this input."""
        if self.match is not None:
            return _search(self.match, text) is not None
        if self.any_case:
            return self.match_exp.lower() == text.lower()
        return self.match_exp == text

    def output(self, text: bytes) -> bytes:
        """What the rule makes of an input that it matches; raises NoTranslation."""
        if self.replacement is None:
            return b""
        groups: tuple[bytes, ...] = ()
        if self.subst is not None:
            found = _search(self.subst, text)
            if found is None:
                raise NoTranslation
            groups = (found[0], *(group or b"" for group in found.groups()))
        built = _ESCAPE.sub(lambda escape: _expand(escape[1], groups), self.replacement)
        if len(built) > _MAX_OUTPUT:
            raise NoTranslation
        return built


@dataclass(frozen=True, slots=True)
class Dialplan:
    """All rules by dpid, in the order in which they are tried."""

    rules: dict[int, tuple[Rule, ...]]
    skipped: int = 0

    @property
    def loaded(self) -> int:
        """How many rules there are."""
        return sum(map(len, self.rules.values()))

    def translate(self, dpid: int, text: str) -> tuple[str, str]:
        """Output and attributes for an input; raises KeyError for an unknown dpid."""
        raw = text.encode()
        for rule in self.rules[dpid]:
            if rule.matches(raw):
                return rule.output(raw).decode(errors="replace"), rule.attributes
        raise NoTranslation


def load(rows: Iterable[dict[str, Any]]) -> Dialplan:
    """The dialplan that the rows of the table make."""
    rules: dict[int, list[Rule]] = defaultdict(list)
    skipped = 0
    # A database sorts by pr; among equals it gives the rows as they were written.
    for row in sorted(rows, key=lambda row: (row["pr"], row["id"])):
        if row["disabled"]:
            continue
        rule = _build(row)
        if rule is None:
            skipped += 1
        else:
            rules[row["dpid"]].append(rule)
    return Dialplan({dpid: tuple(found) for dpid, found in rules.items()}, skipped)


def _build(row: dict[str, Any]) -> Rule | None:
    match_exp = (row["match_exp"] or "").encode()
    any_case = bool(row["match_flags"] & _ANY_CASE)
    replacement = (row["repl_exp"] or "").encode() or None
    if row["match_op"] not in (STRING, REGEX) or not match_exp:
        return None
    try:
        match = _compile(match_exp, any_case) if row["match_op"] == REGEX else None
        subst = _compile(row["subst_exp"].encode(), any_case) if row["subst_exp"] else None
    except pcre2.PatternError:
        return None
    wanted = [int(escape) for escape in _ESCAPE.findall(replacement or b"") if escape.isdigit()]
    if max(wanted, default=0) > (subst.groups if subst else 0):
        return None
    return Rule(row["pr"], match_exp, any_case, match, subst, replacement, row["attrs"] or "")


def _compile(expression: bytes, any_case: bool) -> pcre2.Pattern:
    return pcre2.compile(expression, flags=pcre2.IGNORECASE if any_case else pcre2.NOFLAG)


def _search(pattern: pcre2.Pattern, text: bytes) -> pcre2.Match | None:
    try:
        return pattern.search(text)
    except pcre2.LibraryError:
        # The expression exploded: PCRE2 stops at its match limit, OpenSIPS takes it for a no.
        return None


def _expand(escape: bytes, groups: tuple[bytes, ...]) -> bytes:
    if not escape.isdigit():
        return escape
    place = int(escape)
    return groups[place] if place < len(groups) else b""
