"""CSV that a spreadsheet cannot be tricked with."""

from __future__ import annotations

import csv
import io

import pytest

from app.shell.sheet import lines, safe


@pytest.mark.parametrize(
    "hostile",
    ["=1+1", "+SUM(A1)", "-2+3+cmd|' /C calc'!A0", "@x", "\t=1", " =1", "\r=1", "=\n1", "+-1"],
)
def test_what_would_run_is_text(hostile: str) -> None:
    assert safe(hostile).startswith("'")


@pytest.mark.parametrize("plain", ["", "+493023125001", "-12.50", "-1", "1=1", "a@b", "0", "+1.5"])
def test_numbers_and_words_stay(plain: str) -> None:
    assert safe(plain) == plain


def test_control_characters_and_quotes() -> None:
    text = "".join(lines(["A", "B"], [["a\x00b\nc", 'say "x", y'], [None, 5]]))
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text[1:])))
    assert rows == [["A", "B"], ["abc", 'say "x", y'], ["", "5"]]
