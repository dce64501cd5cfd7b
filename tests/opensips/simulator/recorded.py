"""Traffic of a real OpenSIPS 3.6, recorded; see FACTS.md beside the files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "opensips"


@cache
def acc() -> list[dict[str, Any]]:
    """58 scenarios with the rows that they left."""
    return json.loads((SHARED / "acc-rows-3.6.json").read_text(encoding="utf-8"))


def scenario(name: str, index: int = 0) -> dict[str, Any]:
    """The scenario of that name."""
    return [found for found in acc() if found["scenario"] == name][index]


@cache
def dialogs() -> dict[str, Any]:
    """Rows of the table dialog and replies of dlg_list, by db_mode and stage."""
    return json.loads((SHARED / "dialog-rows-3.6.json").read_text(encoding="utf-8"))


@cache
def mi() -> list[dict[str, Any]]:
    """Requests to the MI and its replies, in order."""
    text = (SHARED / "mi-3.6-http.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
