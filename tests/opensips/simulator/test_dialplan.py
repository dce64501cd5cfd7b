"""dp_translate beside what a real server answered, and the rules of matching."""

import pytest

from app.opensips.simulator.dialplan import NoTranslation, load


def row(
    dpid,
    pr,
    op,
    match,
    subst=None,
    repl=None,
    attrs="",
    flags=0,
    disabled=0,
    row_id=None,
):
    return {
        "id": row_id or pr,
        "dpid": dpid,
        "pr": pr,
        "match_op": op,
        "match_exp": match,
        "match_flags": flags,
        "subst_exp": subst,
        "repl_exp": repl,
        "timerec": None,
        "disabled": disabled,
        "attrs": attrs,
    }


def one(*rows):
    return load(rows)


def test_output_is_the_replacement_alone():
    plan = one(row(1, 1, 1, "40", "00(40)", r"+\1", "x"))
    assert plan.translate(1, "990040721") == ("+40", "x")


def test_the_lowest_priority_number_wins_then_the_older_row():
    plan = one(
        row(1, 9, 1, "^1", "^1", "late"),
        row(1, 2, 0, "12", "12", "exact", row_id=8),
        row(1, 2, 1, "^12$", "^12$", "older", row_id=7),
    )
    assert plan.translate(1, "12")[0] == "older"
    assert plan.translate(1, "13")[0] == "late"


def test_string_rules_are_equal_or_not():
    plan = one(row(1, 1, 0, "Ab", "Ab", "cased"), row(1, 2, 0, "CD", "..", "any", flags=1))
    assert plan.translate(1, "Ab")[0] == "cased"
    assert plan.translate(1, "cd")[0] == "any"
    for text in ("ab", "Abc", "xCD"):
        with pytest.raises(NoTranslation):
            plan.translate(1, text)


def test_flag_one_folds_case_in_expressions():
    assert one(row(1, 1, 1, "^sip", "^(sip)", r"\1s", flags=1)).translate(1, "SIP")[0] == "SIPs"


def test_without_replacement_the_output_is_empty():
    assert one(row(2, 1, 1, r"^\+1900", attrs="premium")).translate(2, "+19005550100") == (
        "",
        "premium",
    )


def test_replacement_without_substitution_is_copied():
    assert one(row(1, 1, 1, "^1", None, "911")).translate(1, "112")[0] == "911"


def test_what_matches_but_cannot_be_substituted_is_no_translation():
    plan = one(row(1, 1, 1, "^1", "^2(.*)", r"\1"), row(1, 2, 1, "^1", "^1", "never"))
    with pytest.raises(NoTranslation):
        plan.translate(1, "12")


def test_invalid_rows_are_skipped_and_the_others_work():
    plan = one(
        row(1, 1, 1, "^(0", "^0", "x"),
        row(1, 2, 1, "^0", "^(0", "x"),
        row(1, 3, 1, "^0", "^0(.*)", r"\2"),
        row(1, 4, 7, "^0", "^0", "x"),
        row(1, 5, 1, "^0", "^0", "off", disabled=1),
        row(1, 6, 1, "^0", "^0(.*)", r"+\1"),
    )
    assert plan.translate(1, "049") == ("+49", "")
    assert plan.skipped == 4


def test_an_unknown_dpid_is_told_from_no_match():
    plan = one(row(1, 1, 1, "^0", "^0", "x"), row(2, 1, 1, "^0", "^0", "x", disabled=1))
    with pytest.raises(NoTranslation):
        plan.translate(1, "1")
    for dpid in (2, 99):
        with pytest.raises(KeyError):
            plan.translate(dpid, "1")


def test_an_exploding_expression_is_no_match():
    plan = one(row(1, 1, 1, "^(a+)+$", "^a", "x"), row(1, 2, 1, "b$", "b", "fine"))
    assert plan.translate(1, "a" * 40 + "b")[0] == "fine"
