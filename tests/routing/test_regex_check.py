"""Expressions: compiled as PCRE, refused when they explode, always within a second."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.opensips.dialplan import PatternRefused, Rule, compiled, matches
from app.opensips.pattern import examples, hostile
from app.opensips.sandbox import SandboxTimeout, translations
from app.routing import regex_check
from app.routing.regex_check import check

GOOD = [
    r"^00([1-9][0-9]+)$",
    r"^0(\d{9,11})$",
    r"^(112|911)$",
    r"^\+?1?900\d{7}$",
    r"^[^0-9]+$",
    r"^sip:(.*)@foo\.com$",
    r"^(?:00|\+)(?<cc>49)(\d+)",
    r"^\*21\*(.+)#$",
    r"^(?!00)0.*",
    r"^[[:digit:]]{3}$",
    r"(?i)^anna$",
    r"^(?|a(1)|b(2))$",
    r"^a++b$",
    r"^\x30\d$",
]
EXPLODING = [
    r"^(a+)+$",
    r"(x+x+)+y",
    r"^((\d+)*)+#$",
    r"^(\d|\d\d)+$",
    r"^(\w+\s?)*$",
    r"^\d*\d*\d*\d*\d*x",
    r"^([a-z0-9]+)+$",
    r"^(.*)*(.*)*5$",
    r"^(([0-9])+.?)+[^0-9]$",
]


@pytest.mark.parametrize("pattern", GOOD)
def test_good_patterns_pass_and_have_examples(pattern: str) -> None:
    (verdict,) = check([pattern])
    assert verdict.problem is None
    rule = Rule(1, 1, 1, 1, pattern)
    assert any(matches(rule, text) for text in examples(pattern)), examples(pattern)


@pytest.mark.parametrize("pattern", EXPLODING)
def test_exploding_patterns_are_refused_in_time(pattern: str) -> None:
    started = time.monotonic()
    (verdict,) = check([pattern])
    assert time.monotonic() - started < 1.2, "a second, and a moment to start and stop"
    assert verdict.problem is not None
    assert "calls would wait" in verdict.problem


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "missing closing parenthesis"),
        ("^0[", "missing terminating ]"),
        ("*1", "does not follow a repeatable item"),
        ("a{3,1}", "out of order"),
        (r"^(\d)\2", "reference to non-existent subpattern"),
    ],
)
def test_what_does_not_compile_says_where_and_why(pattern: str, words: str) -> None:
    (verdict,) = check([pattern])
    assert verdict.problem is not None
    assert words in verdict.problem and "does not compile" in verdict.problem


def test_the_sentence_points_at_the_place() -> None:
    (verdict,) = check(["^00[1-9"])
    assert verdict.problem is not None and "after “^00[1-9”" in verdict.problem


def test_when_time_is_up_the_one_that_took_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def cut_short(patterns: list[tuple[str, bool]]) -> list[dict[str, int]]:
        asked.append(len(patterns))
        return [{"groups": 1}]

    monkeypatch.setattr(regex_check, "check_patterns", cut_short)
    first, second, third, fourth = check(["(a)", "", "b", "c"])
    assert (first.problem, second.problem, fourth.problem) == (None, None, None)
    assert third.problem is not None and "within a second" in third.problem
    assert asked == [3]


def test_answers_of_a_killed_child_are_kept() -> None:
    slow = r"^(\d+)+$"
    rules = [Rule(n, 2, n, 1, slow) for n in range(30)]
    with pytest.raises(SandboxTimeout) as caught:
        translations([Rule(99, 1, 1, 0, "112"), *rules], [(1, "112"), (2, "1" * 40 + "!")], 0.9)
    assert len(caught.value.answers) <= 1


def test_two_at_once_and_empty_ones() -> None:
    first, second = check(["", r"^0(\d)(\d)$"])
    assert (first.problem, second.problem, second.groups) == (None, None, 2)
    assert [v.problem for v in check(["", ""])] == [None, None]


@given(st.text("^$()[]{}|?*+\\d.0159a,:<!=#-", max_size=64))
@settings(max_examples=400, deadline=None)
def test_no_text_breaks_the_reader(pattern: str) -> None:
    assert len(examples(pattern)) <= 24
    assert all(len(text) <= 120 for text in examples(pattern))
    assert all(len(text) < 2000 for text in hostile(pattern))


@given(st.text("^$()[]|?+\\d.015a", max_size=20))
@settings(max_examples=300, deadline=None)
def test_compiling_never_crashes(pattern: str) -> None:
    try:
        compiled(pattern, False)
    except PatternRefused as exc:
        assert str(exc) and exc.position >= 0
