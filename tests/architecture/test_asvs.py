"""The table of ASVS 5.0: whole, and every proof in it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")

# The level of each requirement of each section, in their order (ASVS 5.0.0).
LEVELS = """
    V1.1 22, V1.2 1111122223, V1.3 112222222223, V1.4 222, V1.5 123, V2.1 122, V2.2 112, V2.3 12223,
    V2.4 23, V3.1 3, V3.2 113, V3.3 12223, V3.4 11222233, V3.5 11122333, V3.6 3, V3.7 22333,
    V4.1 12233, V4.2 23333, V4.3 22, V4.4 1222, V5.1 2, V5.2 112333, V5.3 113, V5.4 222, V6.1 122,
    V6.2 111111112222, V6.3 11223333, V6.4 112233, V6.5 22222333, V6.6 2223, V6.7 33, V6.8 2222,
    V7.1 222, V7.2 1111, V7.3 22, V7.4 11222, V7.5 223, V7.6 22, V8.1 1233, V8.2 1123, V8.3 133,
    V8.4 23, V9.1 111, V9.2 1222, V10.1 22, V10.2 223, V10.3 22223, V10.4 1111122222233333,
    V10.5 22222, V10.6 22, V10.7 222, V11.1 2233, V11.2 22233, V11.3 11233, V11.4 1222, V11.5 23,
    V11.6 23, V11.7 33, V12.1 12233, V12.2 11, V12.3 22223, V13.1 2333, V13.2 222223, V13.3 2233,
    V13.4 1222233, V14.1 22, V14.2 12223333, V14.3 122, V15.1 12233, V15.2 12233, V15.3 1222222,
    V15.4 3333, V16.1 2, V16.2 22222, V16.3 2222, V16.4 222, V16.5 2223, V17.1 23, V17.2 22223333,
    V17.3 22
"""
# Of level 3, what matters where money moves.
MORE = {"V1.2.10", "V1.3.12", "V2.3.5", "V15.4.2"}

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DOC.splitlines()
    if re.match(r"\| V\d", line)
]
ELSEWHERE = re.findall(r"V\d+\.\d+\.\d+", DOC.partition("## What does not apply")[2])


def _standard() -> dict[str, int]:
    """Identifier → level."""
    sections = (one.split() for one in LEVELS.replace("\n", " ").split(","))
    return {
        f"{section}.{number}": int(level)
        for section, levels in sections
        for number, level in enumerate(levels, 1)
    }


def test_every_requirement_stands_there_once() -> None:
    standard = _standard()
    assert len(standard) == 345
    ids = [row[0] for row in ROWS] + ELSEWHERE
    assert sorted(ids) == sorted(set(ids))
    wanted = {name for name, level in standard.items() if level < 3} | MORE
    assert set(ids) == wanted
    assert {row[0]: int(row[1]) for row in ROWS} == {row[0]: standard[row[0]] for row in ROWS}


def test_what_does_not_apply_has_its_reason() -> None:
    for line in DOC.partition("## What does not apply")[2].strip().splitlines():
        assert re.fullmatch(r"- [A-Z][^:]{5,}: V[\dV., ]+\.", line), line


def test_the_counts_are_right() -> None:
    is_open = [row for row in ROWS if row[4].startswith("**open**")]
    assert f"{len(ROWS)} requirements apply, {len(is_open)} of them are open." in DOC


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_modules_and_proofs_exist(row: list[str]) -> None:
    _, _, what, where, proof = row
    assert what
    modules = re.findall(r"`([^`]+)`", where)
    assert modules
    for name in modules:
        assert (ROOT / name).exists(), name
    shown = [name for name in re.findall(r"`([^`]+)`", proof) if "/" in name]
    assert shown or re.match(r"\*\*open\*\*: \S.{10,}", proof), proof
    for name in shown:
        file, _, place = name.replace("::", "#").partition("#")
        text = (ROOT / file).read_text(encoding="utf-8")
        pattern = rf"def {re.escape(place)}\(" if "::" in name else rf"#+ {re.escape(place)}$"
        assert re.search(rf"^(async )?{pattern}", text, re.MULTILINE), name
