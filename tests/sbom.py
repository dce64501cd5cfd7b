"""Writes what the product runs on as CycloneDX JSON (``make sbom``), from what is installed.

Only the pins of requirements.txt: what the tests need is not shipped. The same pins give the same
file, byte for byte. Wheels that pip has unpacked leave no hash of the whole behind, so there is
one only where cyclonedx-bom finds it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = "opensips-companion"


def pins() -> dict[str, str]:
    """Name as PyPI compares it → version."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {plain(name): version for name, version in pairs}


def plain(name: str) -> str:
    """The name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def made() -> dict[str, Any]:
    """The document; raises LookupError when the environment is not what is pinned."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    # Looked over below, once, when only what is shipped is left.
    command += ["--no-validate", "--spec-version", "1.6", "--of", "JSON", sys.executable]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    wanted = pins()
    kept = [one for one in found["components"] if plain(one["name"]) in wanted]
    installed = {plain(one["name"]): one["version"] for one in kept}
    other = sorted(name for name in wanted if installed.get(name) != wanted[name])
    if other:
        raise LookupError(f"not installed as pinned: {', '.join(other)}")
    names = {one["bom-ref"] for one in kept}
    found["components"] = kept
    found["metadata"]["component"] = {
        "bom-ref": PRODUCT,
        "name": "OpenSIPS Companion",
        "type": "application",
    }
    found["dependencies"] = [
        {"ref": PRODUCT, "dependsOn": sorted(names)},
        *(_within(one, names) for one in found["dependencies"] if one["ref"] in names),
    ]
    return found


def _within(one: dict[str, Any], names: set[str]) -> dict[str, Any]:
    needs = [name for name in one.get("dependsOn", []) if name in names]
    return {"ref": one["ref"]} | ({"dependsOn": needs} if needs else {})


def main(arguments: list[str]) -> int:
    """Writes ``var/sbom.json``, or the file that is named."""
    path = Path(arguments[0]) if arguments else ROOT / "var" / "sbom.json"
    try:
        document = made()
    except LookupError as exc:
        print(f"make sbom: {exc}", file=sys.stderr)
        return 1
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem:
        print(f"make sbom: not CycloneDX: {problem}", file=sys.stderr)
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"{len(document['components'])} packages in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
