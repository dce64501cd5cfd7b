"""Asks whether a pinned package has a known vulnerability (``make audit``).

Exit 0: every pin was looked up and none is known to be vulnerable. 1: at least one is. 2: that
cannot be said, since no source answered for every pin. (make itself makes a 2 of every failure;
``.venv/bin/python -m tests.audit`` tells them apart.)
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "tests/requirements.txt")
# The second one is asked where the first does not answer, or not for all.
SOURCES = ("pypi", "osv")


def main(arguments: list[str]) -> int:
    """Asks one source after the other until one knows every pin."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("files", nargs="*", default=[str(ROOT / name) for name in FILES])
    parser.add_argument("--source", choices=SOURCES, action="append", help="ask only this one")
    parser.add_argument("--osv-url", help="another address of a source that speaks as OSV does")
    parser.add_argument("--timeout", type=int, default=15, help="seconds for an answer")
    asked = parser.parse_args(arguments)
    complaints = []
    for source in asked.source or SOURCES:
        found, complaint = ask(source, asked.files, asked.timeout, asked.osv_url)
        vulnerable = [one for one in found if one.get("vulns")]
        if vulnerable:
            return tell(vulnerable, source)
        unknown = [one["name"] for one in found if "skip_reason" in one]
        if found and not unknown:
            print(f"{len(found)} packages looked up at {source}: no known vulnerability.")
            return 0
        complaints.append(complaint or f"{source} does not know {_some(unknown)}")
    print("No answer: " + "; ".join(complaints) + ".", file=sys.stderr)
    print("Nothing is known about the packages. Try again with a network.", file=sys.stderr)
    return 2


def ask(
    source: str, files: list[str], timeout: int, osv_url: str | None
) -> tuple[list[dict[str, Any]], str]:
    """What the source says about each package of the files; else why it says nothing."""
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", source]
    command += ["--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off"]
    command += ["--timeout", str(timeout)]
    if osv_url:
        command += ["--osv-url", osv_url]
    for file in files:
        command += ["--requirement", file]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(done.stdout)["dependencies"], ""
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return [], f"{source} cannot be reached ({last[:200]})"


def tell(vulnerable: list[dict[str, Any]], source: str) -> int:
    """A line for each vulnerability; 1."""
    for one in vulnerable:
        for vulnerability in one["vulns"]:
            names = [vulnerability["id"], *sorted(vulnerability.get("aliases", []))]
            fixed = ", ".join(vulnerability.get("fix_versions", [])) or "nothing yet"
            print(f"{one['name']} {one['version']}: {' '.join(names)}, repaired in {fixed}")
    print(f"{len(vulnerable)} packages are known at {source} to be vulnerable.", file=sys.stderr)
    return 1


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
