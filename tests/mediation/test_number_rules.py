"""Rules for numbers, as values: which one is applied, and what comes out."""

from __future__ import annotations

import pytest

from app.core.numbering import NumberPlan
from app.mediation.number_rules import Rule, Rules, e164, ordered

PLAN = NumberPlan("49", "0")
RULES = Rules(
    ordered(
        [
            Rule(1, "both", prefix="9", least=5, strip=None),  # an outside line's digit
            Rule(2, "callee", least=3, most=4, strip=0, add="030123"),  # extensions
            Rule(3, "caller", prefix="0043", strip=2, add="+"),
            Rule(4, "callee", "wien.example", prefix="0", strip=1, add="+43"),
            Rule(5, "callee", "wien.example", prefix="00", strip=None, add="+"),
            Rule(6, "callee", prefix="7", strip=3),
        ]
    )
)


@pytest.mark.parametrize(
    ("side", "number", "domain", "expected"),
    [
        ("callee", "030123", "", "4930123"),  # no rule fits: the dialling plan alone
        ("callee", "90301234", "", "49301234"),
        ("caller", "9 030-1234", "", "49301234"),  # separators are no part of it
        ("callee", "123", "", "4930123123"),
        ("caller", "123", "", "123"),  # that rule is for callees
        ("caller", "004315551234", "", "4315551234"),
        ("callee", "01555", "Wien.Example", "431555"),  # a domain's own rule, in any case
        ("callee", "01555", "graz.example", "491555"),
        # the domain's first rule that fits wins, not its longest
        ("callee", "004930", "wien.example", "4304930"),
        ("callee", "90301234", "wien.example", "49301234"),  # then those of all domains
        ("callee", "bob", "", ""),  # a rule makes no number of a name
        ("callee", "70123456", "", "23456"),
        ("callee", "", "", ""),
    ],
)
def test_the_first_rule_that_fits_is_applied(
    side: str, number: str, domain: str, expected: str
) -> None:
    assert e164(number, PLAN, RULES, side, domain) == expected


def test_each_rule_that_was_looked_at_is_told_up_to_the_one_that_fits() -> None:
    steps = RULES.tried("callee", "123", "wien.example")
    assert [(step.rule.id, step.fits) for step in steps] == [
        (4, False),
        (5, False),
        (1, False),
        (2, True),
    ]
    assert RULES.tried("caller", "555", "")[-1].fits is False


def test_without_rules_the_dialling_plan_alone_decides() -> None:
    assert e164("030123", PLAN, Rules(), "callee", "wien.example") == "4930123"
    assert Rules().tried("callee", "030123", "") == []
