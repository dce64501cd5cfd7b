"""The process that matches expressions which nobody has vouched for; see ``sandbox``.

It reads one JSON question from standard input, writes JSON answers, one a line, and ends. It may
be killed at any moment. It imports no Flask: it must be up in a few hundredths of a second.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import pcre2

from app.opensips.dialplan import Answer, PatternRefused, Rule, compiled, matches, translate
from app.opensips.pattern import examples, hostile

# CPU seconds that one hostile text may take: OpenSIPS would block a SIP worker as long.
SLOW = 0.1
_CPU_LIMIT = 10


def check(pattern: str, ignore_case: bool) -> dict[str, Any]:
    """``{"groups"}``, or ``{"refused", "position"}``, or ``{"slow": text}``."""
    try:
        found = compiled(pattern, ignore_case)
    except PatternRefused as exc:
        return {"refused": str(exc), "position": exc.position}
    for text in hostile(pattern):
        started = time.process_time()
        try:
            found.search(text.encode())
        except pcre2.LibraryError:
            return {"slow": text}
        if time.process_time() - started > SLOW:
            return {"slow": text}
    return {"groups": found.groups}


def translations(rules: list[Rule], asks: list[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    """What the rules make of each (dpid, input)."""
    return (asdict(translate(rules, dpid, text)) for dpid, text in asks)


def probes(rules: list[Rule], rows: list[Rule]) -> list[dict[str, Any]]:
    """For each row (as it is or was): an input that shows it, and the answer under ``rules``.

    The best input is one whose answer comes from this very row; for a row that is no longer
    there, one that it used to match. ``input`` is None where no input could be made.
    """
    return [_probe(rules, row) for row in rows]


def _probe(rules: list[Rule], row: Rule) -> dict[str, Any]:
    proposals = [row.match_exp] if row.match_op == 0 else examples(row.match_exp)
    best: tuple[int, str, Answer] | None = None
    for text in proposals:
        try:
            if not matches(row, text):
                continue
        except (PatternRefused, pcre2.LibraryError):
            continue
        answer = translate(rules, row.dpid, text)
        if not answer.certain or answer.slow:
            continue
        # 0: this row answers, with an output that we know; 1: with one we do not; 2: another row
        rank = 2 if answer.rule_id != row.id else int(answer.output is None and not answer.failed)
        if best is None or rank < best[0]:
            best = (rank, text, answer)
        if rank == 0:
            break
    if best is None:
        return {"row": row.id, "dpid": row.dpid, "input": None, "own": False, "answer": None}
    rank, text, answer = best
    found = {"row": row.id, "dpid": row.dpid, "input": text, "own": rank < 2}
    return found | {"answer": asdict(answer)}


def _rules(rows: list[dict[str, Any]]) -> list[Rule]:
    return [Rule.of(row) for row in rows]


TASKS: dict[str, Callable[[dict[str, Any]], Iterable[Any]]] = {
    "check": lambda ask: (check(*pattern) for pattern in ask["patterns"]),
    "translate": lambda ask: translations(_rules(ask["rules"]), ask["asks"]),
    "probes": lambda ask: probes(_rules(ask["rules"]), _rules(ask["rows"])),
}


def main() -> None:
    """One question; each answer is written as soon as it is known."""
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_LIMIT, _CPU_LIMIT))
    ask = json.load(sys.stdin)
    for answer in TASKS[ask["task"]](ask):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
