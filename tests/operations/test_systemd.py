"""The systemd units: whole, hardened, and of commands that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import click
import pytest
from flask import Flask

from app.core.settings import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "examples" / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
HOME = "/opt/companion"
HARDENED = {
    "NoNewPrivileges": ["yes"],
    "CapabilityBoundingSet": [""],
    "AmbientCapabilities": [""],
    "ProtectSystem": ["strict"],
    "ProtectHome": ["yes"],
    "PrivateTmp": ["yes"],
    "PrivateDevices": ["yes"],
    "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
    "SystemCallFilter": ["@system-service", "~@privileged"],
    "SystemCallArchitectures": ["native"],
    "MemoryDenyWriteExecute": ["yes"],
    "RestrictSUIDSGID": ["yes"],
    "LockPersonality": ["yes"],
    "User": ["companion"],
    "UMask": ["0077"],
}
# What the processes do that is most likely to want memory both written and run.
UNDER_MDWE = """
import ctypes, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
    sys.exit(77)
from argon2 import PasswordHasher
import psycopg
from app import create_app
from app.core import sealing
from app.opensips import sandbox
PasswordHasher().hash("x")
sealing.seal("k" * 40, "test", "text")
assert sandbox.check_patterns([("^a(b+)$", False)], 20)[0]["groups"] == 1
"""


def parse(file: Path) -> dict[str, dict[str, list[str]]]:
    """Section → key → its values; a line that is none of it is an error."""
    found: dict[str, dict[str, list[str]]] = {}
    section: defaultdict[str, list[str]] = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = defaultdict(list)
            found[heading.group(1)] = section
            continue
        pair = re.fullmatch(r"([A-Z]\w+)=(.*)", line)
        assert pair is not None and found, (file.name, line)
        section[pair.group(1)].append(pair.group(2))
    return found


def test_every_process_has_its_unit() -> None:
    names = {file.name for file in FOLDER.iterdir()}
    target = parse(FOLDER / "companion.target")["Unit"]
    wanted = target["Wants"][0].split()
    assert sorted(wanted) == [
        "companion-charging.service",
        "companion-web.service",
        "companion-worker.service",
    ]
    assert set(wanted) <= names
    for name in wanted:
        unit = parse(FOLDER / name)
        assert unit["Install"]["WantedBy"] == ["companion.target"]
        assert unit["Unit"]["PartOf"] == ["companion.target"]
        assert unit["Service"]["Restart"] == ["on-failure"]
    timer = parse(FOLDER / "companion-backup.timer")
    assert timer["Timer"]["OnCalendar"]
    assert "companion-backup.service" in names


@pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.name)
def test_services_are_hardened_and_run_what_exists(file: Path, app: Flask) -> None:
    service = parse(file)["Service"]
    assert {key: service[key] for key in HARDENED} == HARDENED
    for secrets in service["EnvironmentFile"]:
        assert (FOLDER / Path(secrets).name).exists(), secrets
        assert not secrets.startswith("-")
    (line,) = service["ExecStart"]
    program, *words = shlex.split(line)
    assert program in (f"{HOME}/.venv/bin/flask", f"{HOME}/.venv/bin/gunicorn")
    assert shutil.which(Path(program).name, path=str(Path(sys.executable).parent)) is not None
    if program.endswith("gunicorn"):
        _gunicorn_takes(words)
        return
    assert words[:2] == ["--app", "wsgi"]
    command = app.cli.get_command(click.Context(app.cli), words[2])
    assert command is not None
    # Its own parser takes the words that follow; nothing runs.
    parsed = command.make_context(words[2], words[3:], parent=click.Context(app.cli))
    assert parsed.args == []


def _gunicorn_takes(words: list[str]) -> None:
    from gunicorn.config import Config

    parsed = Config().parser().parse_args(words)
    assert parsed.args == ["wsgi:app"]
    assert parsed.bind == ["${PANEL_BIND}"]


def test_the_example_settings_are_settings(tmp_path: Path) -> None:
    shared = _variables("companion.env")
    for name in ("web.env", "worker.env", "owner.env"):
        env = shared | _variables(name) | {"PANEL_DATA_DIR": str(tmp_path)}
        settings = load(env)
        assert f"companion_{name.removesuffix('.env')}" in settings.database_url
        assert not settings.demo
        assert not settings.one_database
    known = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for variable in shared:
        assert f"`{variable}`" in known


def _variables(name: str) -> dict[str, str]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd is not here")
    for file in FOLDER.iterdir():
        if file.suffix != ".env":
            # The programs are where they are here, the user is one that exists.
            text = file.read_text(encoding="utf-8").replace(f"{HOME}/.venv", str(ROOT / ".venv"))
            text = text.replace(f"file:{HOME}", f"file:{ROOT}").replace("=companion\n", "=root\n")
            (tmp_path / file.name).write_text(text.replace(HOME, str(ROOT)), encoding="utf-8")
    units = sorted(str(file) for file in tmp_path.iterdir())
    done = subprocess.run([verify, "verify", *units], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "companion" in line]
    assert (done.returncode, told) == (0, [])


def test_what_the_processes_do_works_without_writable_code() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_MDWE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip("this kernel cannot refuse memory that is both written and run")
    assert done.returncode == 0, done.stderr
