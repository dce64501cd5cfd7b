"""Writes both requirement files anew: what we name here, resolved together, pinned exactly.

Run by ``make pins`` with the environment's Python; looks the versions up and installs nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ("alembic argon2-cffi Authlib Babel Flask Flask-Login Flask-WTF gunicorn numpy pcre2 "
       "phonenumberslite prometheus-client psycopg[binary] PyMySQL PyOTP requests segno "
       "SQLAlchemy tzdata zxcvbn").split()  # fmt: skip
TEST = ("axe-playwright-python cyclonedx-bom hypothesis import-linter mypy oidc-provider-mock "
        "pip-audit playwright pytest pytest-randomly pytest-socket pytest-xdist ruff schemathesis "
        "types-requests types-WTForms").split()  # fmt: skip


def resolve(names: list[str]) -> dict[str, str]:
    """Name → version of everything that pip would install for those names."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--report", "-", *names]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    found = [item["metadata"] for item in report["install"]]
    return {item["name"]: item["version"] for item in found}


def write(path: Path, pins: dict[str, str]) -> None:
    """The first line of the file stays, the pins follow in order."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    lines = [f"{name}=={pins[name]}" for name in sorted(pins, key=str.lower)]
    path.write_text("\n".join([first, *lines]) + "\n", encoding="utf-8")


def main() -> None:
    """Tests are resolved beside what the product runs on, so both files fit together."""
    run = resolve(RUN)
    both = resolve([*(f"{name}=={version}" for name, version in run.items()), *TEST])
    write(ROOT / "requirements.txt", run)
    write(
        ROOT / "tests" / "requirements.txt",
        {name: version for name, version in both.items() if name not in run},
    )


if __name__ == "__main__":
    main()
