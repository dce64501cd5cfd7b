"""Docs that show commands, settings and files show ones that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from flask import Flask

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "opensips_scripts").glob("*.md")]
)


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_commands_exist_with_the_options_shown(page: Path, app: Flask) -> None:
    text = page.read_text(encoding="utf-8")
    for line in re.findall(
        r"^flask --app wsgi (.+)$|`flask --app wsgi ([^`]+)`", text, re.MULTILINE
    ):
        words = shlex.split(next(filter(None, line)), comments=True)
        command: click.Command = app.cli
        while isinstance(command, click.Group) and words:
            found = command.get_command(click.Context(command), words[0])
            assert found is not None, words
            command, words = found, words[1:]
        options = {name for param in command.params for name in param.opts}
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in options, (page.name, word)


def _settings_read() -> set[str]:
    text = (ROOT / "app" / "core" / "settings.py").read_text(encoding="utf-8")
    return set(re.findall(r'read\.\w+\("([A-Z_]+)"', text))


def test_every_setting_is_documented() -> None:
    documented = set(
        re.findall(r"`PANEL_([A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text("utf-8"))
    )
    assert _settings_read() - documented == set()


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_every_setting_that_is_shown_exists(page: Path) -> None:
    shown = set(re.findall(r"\bPANEL_([A-Z_]+[A-Z])\b", page.read_text(encoding="utf-8")))
    assert shown - _settings_read() - {"TEST_OPENSIPS"} == set()


def test_make_targets_are_in_the_help() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:")).split()[1:]
    helped = {line.partition(":")[0] for line in lines if " ## " in line}
    assert {"run", "test", "lint", "bench", "help"} <= helped
    assert set(phony) - helped <= {"python"}
