"""What OpenSIPS's ``dialplan`` module makes of an input: a reproduction, without the switch.

Source: modules/dialplan/dp_repl.c and dp_db.c of 3.6.8, compared with a running 3.6.8
(tests/opensips/dialplan-3.6.jsonl). The rule with the lowest priority number wins; at equal
priority the one that was loaded first, which is the lower id in practice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pcre2

STRING, REGEX = 0, 1
CASE_INSENSITIVE = 1
# dp_output_buf: an output of 127 bytes or more is an error.
_OUTPUT_LIMIT = 127
_MAX_ESCAPES = 10
# $rU, $var(x), $(fu{uri.user})
_VARIABLE = re.compile(r"\$(\([^)]*\)|\w*(\([^)]*\))?)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the ``dialplan`` table as the module sees it; empty text and NULL are one."""

    id: int
    dpid: int
    pr: int
    match_op: int
    match_exp: str
    match_flags: int = 0
    subst_exp: str = ""
    repl_exp: str = ""
    timerec: str = ""
    disabled: int = 0
    attrs: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Rule:
        """The rule of a table row; columns that a table lacks count as empty."""
        numbers = {
            name: int(row.get(name) or 0)
            for name in ("id", "dpid", "pr", "match_op", "match_flags", "disabled")
        }
        texts = {
            name: str(row.get(name) or "")
            for name in ("match_exp", "subst_exp", "repl_exp", "timerec", "attrs")
        }
        return cls(**numbers, **texts)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a translation gives.

    ``rule_id`` is the rule that matched (None: nothing did). ``failed``: it matched, but OpenSIPS
    then refuses to build an output and answers "No translation". ``output`` is None where it
    depends on the SIP message (``$var``, ``\\u``) or on memory that OpenSIPS leaves as it was.
    ``certain`` is False when a rule with a time recurrence might have come first, or when the
    output uses a group that took no part in the match.
    """

    rule_id: int | None
    output: str | None = ""
    attrs: str = ""
    failed: bool = False
    certain: bool = True
    slow: bool = False

    @property
    def translates(self) -> bool:
        """Whether the switch answers with an output at all."""
        return self.rule_id is not None and not self.failed


class PatternRefused(Exception):
    """PCRE does not compile the pattern; ``str()`` says why, ``position`` where (0-based)."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


@lru_cache(maxsize=4096)
def compiled(pattern: str, ignore_case: bool) -> pcre2.Pattern:
    """The pattern as OpenSIPS compiles it: bytes, no UTF mode, not JIT."""
    flags = pcre2.IGNORECASE if ignore_case else 0
    try:
        return pcre2.compile(pattern.encode(), flags, jit=False)
    except pcre2.PatternError as exc:
        raise PatternRefused(exc.msg.partition("; ")[2] or exc.msg, exc.pos) from exc


def skip_reason(rule: Rule) -> str | None:
    """Why OpenSIPS would leave the rule out when loading (it answers OK nevertheless), or None."""
    if rule.match_op not in (STRING, REGEX):
        return "the match operator is neither string (0) nor regex (1)"
    if not rule.match_exp and rule.match_op == STRING:
        return "there is nothing to match"
    ignore_case = bool(rule.match_flags & CASE_INSENSITIVE)
    groups = 0
    for name, pattern in (("match", rule.match_exp), ("subst", rule.subst_exp)):
        if name == "match" and rule.match_op == STRING or not pattern:
            continue
        try:
            found = compiled(pattern, ignore_case)
        except PatternRefused as exc:
            return f"the {name} expression does not compile: {exc}"
        if name == "subst":
            groups = found.groups
    wanted = max((token.group for token in tokens(rule.repl_exp)), default=0)
    if wanted > groups:
        return f"the replacement uses \\{wanted}, which the subst expression does not have"
    return None


def translate(rules: Iterable[Rule], dpid: int, text: str) -> Answer:
    """What ``dp_translate`` answers for the input under these rules (all dpids allowed)."""
    order = sorted(
        (rule for rule in rules if rule.dpid == dpid and not rule.disabled),
        key=lambda rule: (rule.pr, rule.id),
    )
    certain, slow = True, False
    for rule in order:
        try:
            matched = matches(rule, text)
        except PatternRefused:
            continue
        except pcre2.LibraryError:
            slow = True  # OpenSIPS's own match limit stops it: no match, but a blocked worker
            continue
        if not matched:
            continue
        if rule.timerec:
            certain = False
            continue
        if skip_reason(rule) is None:
            return _apply(rule, text, certain, slow)
    return Answer(None, certain=certain, slow=slow)


def matches(rule: Rule, text: str) -> bool:
    """Whether the rule's match expression takes the input, whatever its state and time."""
    if not text:
        return False
    ignore_case = bool(rule.match_flags & CASE_INSENSITIVE)
    if rule.match_op == STRING:
        mine, other = rule.match_exp.encode(), text.encode()
        # bytes.lower folds ASCII only, as strncasecmp does
        return mine.lower() == other.lower() if ignore_case else mine == other
    return compiled(rule.match_exp, ignore_case).search(text.encode()) is not None


def _apply(rule: Rule, text: str, certain: bool, slow: bool) -> Answer:
    attrs = rule.attrs.encode()[:256].decode("utf-8", "replace")
    answer = Answer(rule.id, rule.repl_exp, attrs, certain=certain, slow=slow)
    if not rule.repl_exp or not rule.subst_exp:
        return answer
    ignore_case = bool(rule.match_flags & CASE_INSENSITIVE)
    found = compiled(rule.subst_exp, ignore_case).search(text.encode())
    if found is None:
        return replace(answer, output=None, failed=True)
    parts = tokens(rule.repl_exp)
    if all(part.kind == "text" for part in parts):
        return answer
    return _filled(answer, parts, [found.group(0), *found.groups()])


def _filled(answer: Answer, parts: list[Token], groups: list[bytes | None]) -> Answer:
    """The answer with the replacement's groups filled in."""
    last = max(index for index, group in enumerate(groups) if group is not None)
    if any(part.kind == "group" and part.group > last for part in parts):
        # OpenSIPS reads there what an earlier match left in its memory
        return replace(answer, output=None, certain=False)
    if any(part.kind == "other" for part in parts):
        return replace(answer, output=None)
    output = b"".join(
        part.text.encode() if part.kind == "text" else groups[part.group] or b"" for part in parts
    )
    if len(output) >= _OUTPUT_LIMIT:
        return replace(answer, output=None, failed=True)
    return replace(answer, output=output.decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a replacement: ``text``, ``group`` (``\\0`` to ``\\9``) or ``other``."""

    kind: str
    text: str
    group: int = 0


def tokens(replacement: str) -> list[Token]:
    """The replacement in pieces, as parse_repl() in re.c reads it.

    ``other`` is what depends on the message (``\\u``, ``$…``) or what 3.6 does not write where
    it stands (``\\\\``, ``\\n``, ``\\+``: they overwrite the output's first character).
    """
    found: list[Token] = []
    rest = replacement
    while rest:
        if rest[0] == "\\" and len(rest) > 1:
            piece = rest[:2]
            group = piece[1] in "0123456789"
            found.append(Token("group" if group else "other", piece, int(piece[1]) if group else 0))
            rest = rest[2:]
        elif rest[0] == "$":
            piece = _VARIABLE.match(rest)[0]  # type: ignore[index]
            found.append(Token("other", piece))
            rest = rest[len(piece) :]
        else:
            end = next((i for i, c in enumerate(rest) if i and c in "\\$"), len(rest))
            found.append(Token("text", rest[:end]))
            rest = rest[end:]
    return found


def too_many_escapes(replacement: str) -> bool:
    """Whether the replacement has more escapes than OpenSIPS has places for."""
    return sum(token.kind != "text" for token in tokens(replacement)) >= _MAX_ESCAPES
