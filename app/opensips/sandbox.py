"""Regular expressions of the dialplan run in a process of their own, which is killed in time.

A pattern can make PCRE work for minutes; neither a page nor the worker may wait for that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.core.errors import CompanionError
from app.core.words import _
from app.opensips.dialplan import Answer, Rule

# Rows to show in one question.
MOST_ROWS = 200
_APP = str(Path(__file__).resolve().parents[1])
# ``app`` itself imports Flask, which takes longer than the whole check: an empty stand-in will do.
_BOOT = (
    "import sys, types; app = types.ModuleType('app'); app.__path__ = [sys.argv[1]];"
    " sys.modules['app'] = app; from app.opensips.pcre_child import main; main()"
)


class SandboxTimeout(CompanionError):
    """The expressions took longer than they may. ``answers`` holds what was known by then."""

    code = "expression_slow"
    status = 422

    def __init__(self, message: str, remedy: str, answers: Sequence[Any] = ()) -> None:
        super().__init__(message, remedy)
        self.answers = answers


def check_patterns(
    patterns: Sequence[tuple[str, bool]], seconds: float = 0.9
) -> list[dict[str, Any]]:
    """Each (pattern, ignore case): ``groups``, or ``refused`` and ``position``, or ``slow``.

    When time is up the list is shorter: the pattern after the last one was being tried.
    """
    try:
        return _ask({"task": "check", "patterns": list(patterns)}, seconds)
    except SandboxTimeout as exc:
        return list(exc.answers)


def translations(
    rules: Iterable[Rule], asks: Sequence[tuple[int, str]], seconds: float = 0.9
) -> list[Answer]:
    """What the rules make of each (dpid, input)."""
    question = {"task": "translate", "rules": _plain(rules), "asks": list(asks)}
    return [Answer(**found) for found in _ask(question, seconds)]


def probes(
    rules: Iterable[Rule], rows: Iterable[Rule], seconds: float = 3.0
) -> list[dict[str, Any]]:
    """Per row ``row``, ``input``, ``own`` (this row answers) and ``answer``; pcre_child.probes."""
    found = _ask({"task": "probes", "rules": _plain(rules), "rows": _plain(rows)}, seconds)
    for probe in found:
        probe["answer"] = Answer(**probe["answer"]) if probe["answer"] else None
    return found


def _plain(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    return [asdict(rule) for rule in rules]


def _ask(question: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code, the question by stdin
            [sys.executable, "-I", "-c", _BOOT, _APP],
            input=json.dumps(question).encode(),
            capture_output=True,
            timeout=seconds,
            check=True,
        )
    except subprocess.TimeoutExpired as exc:
        raise SandboxTimeout(
            _("The expressions took longer than %(seconds)g seconds.", seconds=seconds),
            _("Make them simpler: no repeated group inside a repeated group."),
            _answers(exc.stdout),
        ) from exc
    except subprocess.CalledProcessError as exc:
        raise SandboxTimeout(
            _("The expressions could not be evaluated."),
            _("Make them simpler."),
            _answers(exc.stdout),
        ) from exc
    return _answers(done.stdout)


def _answers(output: bytes | None) -> list[dict[str, Any]]:
    """The answers that are whole; a killed child may leave half a line."""
    lines = (output or b"").split(b"\n")
    return [json.loads(line) for line in lines[:-1]]
