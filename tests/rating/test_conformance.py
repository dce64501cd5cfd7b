"""The rating cases of CGRateS, exactly and compatibly, and what the command does with them."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.rating import conformance

SHARED = Path(__file__).resolve().parents[3] / "shared"
CASES = SHARED / "conformance" / "cgrates-rating.json"
ALL: list[dict[str, Any]] = json.loads(CASES.read_text(encoding="utf-8"))["cases"]


def case(name: str) -> dict[str, Any]:
    return deepcopy(next(found for found in ALL if found["id"] == name))


@pytest.mark.parametrize("mode", [conformance.EXACT, conformance.COMPATIBLE])
@pytest.mark.parametrize("name", [found["id"] for found in ALL])
def test_every_case_in_both_modes(name: str, mode: str) -> None:
    verdict = conformance.judge(case(name), mode)
    assert verdict.ok, verdict.line()


def test_a_wrong_figure_is_found() -> None:
    wrong = case("CGR-01")
    wrong["expect"]["cost"] = 91
    wrong["expect"]["exact_cost_after_plan_rounding"] = 91
    for mode in (conformance.EXACT, conformance.COMPATIBLE):
        verdict = conformance.judge(wrong, mode)
        assert (verdict.expected, verdict.got, verdict.ok) == ("91", "90", False)


def test_what_is_asserted_beside_the_figure_counts_too() -> None:
    wrong = case("CGR-01")
    wrong["expect"]["matched_prefix"] = "+4915"
    verdict = conformance.judge(wrong, conformance.EXACT)
    assert not verdict.ok
    assert verdict.note == "matched_prefix: expected +4915, got +49"


@pytest.mark.parametrize(
    ("name", "change", "got"),
    [
        ("CGR-39", {"allow_negative": True}, "unlimited"),
        ("CGR-39", {"disabled": True}, {"error": "ACCOUNT_DISABLED"}),
    ],
)
def test_accounts_without_limit_or_without_leave(
    name: str, change: dict[str, bool], got: object
) -> None:
    changed = case(name)
    changed["account"].update(change)
    assert conformance.judge(changed, conformance.EXACT).got == got


def table(*rows: list[str]) -> dict[str, Any]:
    return {"rows": list(rows)}


@pytest.mark.parametrize(("usage", "compatible", "exact"), [("50s", "45.05", "45.05"),
                                                            ("120s", "60.6", "45.75")])  # fmt: skip
def test_a_band_that_begins_inside_a_slot(usage: str, compatible: str, exact: str) -> None:
    """CGRateS 0.11 notices it only when the slot has ended; figures from its own engine."""
    plan = {
        "Destinations": table(["D", "49"]),
        "Timings": table(["NIGHT", "*any", "*any", "*any", "*any", "22:30:00"]),
        "Rates": table(
            ["DAY", "0", "1", "1s", "1s", "0s"],
            ["DAY", "", "2", "1s", "1s", "60s"],
            ["LOW", "0", "0.01", "1s", "1s", "0s"],
        ),
        "DestinationRates": table(["A", "D", "DAY", "*up", "4"], ["B", "D", "LOW", "*up", "4"]),
        "RatingPlans": table(["RP", "A", "*any", "10"], ["RP", "B", "NIGHT", "10"]),
        "RatingProfiles": table(["acme", "call", "*any", "2012-01-01T00:00:00Z", "RP"]),
    }
    made = case("CGR-01") | {"tariff_plan": plan}
    made["event"] |= {
        "destination": "4930", "answer_time": "2016-02-12T22:29:15Z", "usage": usage
    }  # fmt: skip
    made["expect"] = {"cost": compatible, "exact_cost": exact}
    for mode in (conformance.EXACT, conformance.COMPATIBLE):
        verdict = conformance.judge(made, mode)
        assert verdict.ok, verdict.line()


def test_the_command_prints_a_line_a_case_and_mode(app: Flask, tmp_path: Path) -> None:
    done = app.test_cli_runner().invoke(args=["rating", "conformance", str(CASES)])
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert done.exit_code == 0
    assert len(lines) == 2 * len(ALL)
    assert set(lines[0]) == {"id", "kind", "mode", "expected", "got", "ok"}
    assert {(line["kind"], type(line["got"])) for line in lines} >= {("cost", str), ("debit", dict)}
    wrong = case("CGR-01")
    wrong["expect"] = {"cost": 1}
    (tmp_path / "wrong.json").write_text(json.dumps({"cases": [wrong]}), encoding="utf-8")
    again = app.test_cli_runner().invoke(
        args=["rating", "conformance", str(tmp_path / "wrong.json")]
    )
    assert again.exit_code == 1
    assert json.loads(again.output.splitlines()[0])["ok"] is False


def test_a_file_that_holds_no_cases_is_named_so(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text("[]", encoding="utf-8")
    done = app.test_cli_runner().invoke(args=["rating", "conformance", str(tmp_path / "none.json")])
    assert done.exit_code == 1
    assert "no file of rating cases" in done.output
