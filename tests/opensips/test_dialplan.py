"""Our reproduction of the dialplan module against what a running 3.6.8 answered.

``dialplan-3.6.jsonl``: 40 random rule sets, each loaded into OpenSIPS 3.6.8 (PCRE2, MariaDB), with
its count of rules loaded and discarded and its answers to 46 inputs (null: "No translation").
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.opensips.dialplan import Rule, skip_reason, tokens, too_many_escapes, translate
from app.opensips.sandbox import SandboxTimeout, probes, translations
from app.provisioning.tools.dialplan_proof import agrees

RECORDED = Path(__file__).with_name("dialplan-3.6.jsonl")


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


def test_every_recorded_answer() -> None:
    compared = uncertain = 0
    for found in recorded():
        rules = [Rule(**rule) for rule in found["rules"]]
        for dpid, text, got in found["answers"]:
            answer = translate(rules, dpid, text)
            uncertain += not answer.certain
            if answer.certain:
                compared += 1
                assert agrees(answer, got), (rules, dpid, text, answer, got)
    assert compared > 1500
    assert uncertain < 20, "certainty must not be bought by giving up"


def test_every_recorded_count_of_skipped_rules() -> None:
    for found in recorded():
        live = [Rule(**rule) for rule in found["rules"] if not rule["disabled"]]
        skipped = [rule for rule in live if skip_reason(rule)]
        assert found["loaded"] == [len(live) - len(skipped), len(skipped)], live


def test_probes_show_the_row_that_they_are_for() -> None:
    shown = 0
    for found in recorded():
        rules = [Rule(**rule) for rule in found["rules"]]
        for probe in probes(rules, rules, seconds=10):
            if probe["own"]:
                shown += 1
                assert translate(rules, probe["dpid"], probe["input"]).rule_id == probe["row"]
    assert shown > 20


def test_a_rule_with_times_makes_an_answer_uncertain() -> None:
    rules = [
        Rule(1, 1, 1, 1, "^0", repl_exp="a", timerec="20240101T000000"),
        Rule(2, 1, 2, 1, "^0", repl_exp="b"),
    ]
    answer = translate(rules, 1, "01")
    assert (answer.rule_id, answer.output, answer.certain) == (2, "b", False)
    assert translate(rules[1:], 1, "01").certain


def test_a_rule_that_explodes_ends_in_time() -> None:
    rules = [Rule(n, 1, n, 1, r"^(\d+)+$") for n in range(30)]
    with pytest.raises(SandboxTimeout):
        translations(rules, [(1, "1" * 40 + "!")], seconds=0.5)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (r"+49\1", ["text", "group"]),
        (r"\\+", ["other", "text"]),
        (r"$rU\2", ["other", "group"]),
        ("$(fu{uri.user})x", ["other", "text"]),
        ("$var(a)9", ["other", "text"]),
        ("a\\", ["text", "text"]),
        ("", []),
    ],
)
def test_tokens_of_a_replacement(text: str, kinds: list[str]) -> None:
    assert [token.kind for token in tokens(text)] == kinds
    assert "".join(token.text for token in tokens(text)) == text


def test_ten_escapes_are_too_many() -> None:
    assert too_many_escapes(r"\1" * 10)
    assert not too_many_escapes(r"\1" * 9)
