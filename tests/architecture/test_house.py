"""The house's rules that no linter knows."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from flask import Flask

from app.identity import access

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "app").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def test_every_route_says_who_may_use_it(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        view = app.view_functions[rule.endpoint]
        assert access.demand_of(view) is not None, rule.rule


def test_nobody_who_is_not_signed_in_sees_more_than_the_door(app: Flask) -> None:
    client = app.test_client()
    open_to_all = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static" or "GET" not in (rule.methods or ()):
            continue
        address = re.sub(r"<int:\w+>", "1", rule.rule)
        if client.get(address).status_code < 300:
            open_to_all.add(rule.endpoint)
    assert open_to_all <= {
        "identity.login",
        "my.enter",
        "jobs.healthz",
        "jobs.readyz",
        # the test client is on this machine; tests/jobs/test_metrics.py tries others
        "metrics.scrape",
    }


def test_modules_stay_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "models.py"])
def test_no_module_for_everything(name: str) -> None:
    assert [path for path in MODULES if path.name == name] == []


def test_no_sql_is_put_together_from_text() -> None:
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"text\(\s*f[\"']", source), path


def test_money_is_no_float() -> None:
    for room in ("rating", "ledger"):
        for path in (ROOT / "app" / room).rglob("*.py"):
            assert not re.search(r"\bfloat\(", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_script_no_style_and_trust_nothing(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", source)
    assert not re.search(r"\sstyle=|\son[a-z]+=\"|\|\s*safe\b|javascript:", source)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', source)


def test_vendored_files_are_those_of_the_manifest() -> None:
    vendor = ROOT / "app" / "static" / "vendor"
    listed = dict(
        reversed(line.split(maxsplit=1))
        for line in (vendor / "MANIFEST").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    present = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name != "MANIFEST"
    }
    assert present == listed


def test_requirements_are_pinned() -> None:
    for name in ("requirements.txt", "tests/requirements.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                assert re.fullmatch(r"[A-Za-z0-9_.\-\[\]]+==[0-9][\w.]*", line), line
