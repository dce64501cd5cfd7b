"""A list-and-edit screen is a short view and a short template; the pieces do the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST = 60

# Each list-and-edit screen: what was written for it alone.
SCREENS = {
    "dialplan": ("app/routing/views.py", "templates/routing/dialplan_list.html"),
    "dialplan cells": ("templates/routing/dialplan_cells.html",),
    "domains": (
        "tests/provisioning/domains/views.py",
        "tests/provisioning/domains/templates/domains_list.html",
    ),
}
GENERIC = sorted((ROOT / "templates" / "provisioning").glob("tool_*.html"))


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_for_one_table_is_short(name: str) -> None:
    for path in SCREENS[name]:
        assert _lines(ROOT / path) < MOST, path


def test_what_all_tools_share_is_short_too() -> None:
    assert GENERIC
    assert {path.name: lines for path in GENERIC if (lines := _lines(path)) >= MOST} == {}


def test_every_tool_with_screens_is_counted() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "app").rglob("*.py")
        if "ToolScreens(" in path.read_text(encoding="utf-8")
        and "provisioning/screens" not in str(path)
    }
    assert users <= {path for paths in SCREENS.values() for path in paths}


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
