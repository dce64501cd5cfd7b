"""``flask account``: what people type, and what they are told."""

from __future__ import annotations

import pytest
from flask import Flask

LINES = ["balance", "held", "credit limit", "available"]


def _run(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["account", *words])
    return result.exit_code, result.output


def test_create_top_up_show(app: Flask) -> None:
    made = _run(app, "create", "alice@x", "--currency", "EUR", "--credit-limit", "2.50")
    assert made[0] == 0
    assert "account alice@x has number" in made[1]
    for _ in range(2):
        assert _run(app, "topup", "alice@x", "12.5", "--reference", "r1", "--memo", "cash") == (
            0,
            "alice@x: balance 12.5 EUR, available 15 EUR\n",
        )
    code, shown = _run(app, "show", "alice@x")
    assert code == 0
    assert [line.split("  ")[1] for line in shown.splitlines()[1:5]] == LINES
    assert "15 EUR" in shown
    assert shown.count("topup") == 1
    assert "r1  cash" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "nobody"), "There is no account 'nobody'"),
        (("topup", "nobody", "5"), "There is no account 'nobody'"),
        (("create", "b", "--currency", "euro"), "not a currency"),
        (("create", "b", "--currency", "JPY", "--credit-limit", "0.00001"), "decimal places"),
        (("create", "b", "--currency", "EUR", "--credit-limit", "much"), "not a number"),
        (("create", "cash:EUR", "--currency", "EUR"), "kept for our own"),
    ],
)
def test_mistakes_are_told_in_a_sentence(app: Flask, words: tuple[str, ...], sentence: str) -> None:
    code, text = _run(app, *words)
    assert code == 1
    assert text.startswith("Error: ")
    assert sentence in text
    assert "Traceback" not in text


def test_a_reference_is_used_once(app: Flask) -> None:
    _run(app, "create", "a", "--currency", "EUR")
    assert _run(app, "topup", "a", "1", "--reference", "r")[0] == 0
    code, text = _run(app, "topup", "a", "2", "--reference", "r")
    assert (code, "was used before" in text) == (1, True)
    assert "above zero" in _run(app, "topup", "a", "0")[1]
