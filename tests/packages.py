"""Installs the distribution packages that the tests use, where that is allowed.

Run by ``make test`` with the system's Python: standard library only. Without root or
password-less sudo it prints what is missing and with which command it comes.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

# program → package on Debian and Ubuntu
PROGRAMS = {
    "mariadbd": "mariadb-server",
    "postgres": "postgresql",
    "nginx": "nginx-light",
    "chromium": "chromium",
    "sipp": "sip-tester",
    "openssl": "openssl",
}
_POLICY = "/usr/sbin/policy-rc.d"


def missing() -> list[str]:
    """The packages whose program is not there."""
    folders = ["/usr/sbin", "/usr/local/sbin", *glob.glob("/usr/lib/postgresql/*/bin")]
    path = os.pathsep.join([os.environ.get("PATH", ""), *folders])
    return [package for name, package in PROGRAMS.items() if not shutil.which(name, path=path)]


def install(packages: list[str]) -> None:
    """apt-get, without starting the services that the packages bring."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    quiet = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    with _no_services(root):
        subprocess.call([*quiet, "update"], stdout=sys.stderr)
        subprocess.call(
            [*quiet, "install", "--yes", "--no-install-recommends", *packages],
            stdout=sys.stderr,
        )


@contextmanager
def _no_services(root: list[str]):  # type: ignore[no-untyped-def]
    # Debian's own switch: exit code 101 forbids every start while packages are set up.
    if os.path.exists(_POLICY):
        yield
        return
    write = 'printf "#!/bin/sh\\nexit 101\\n" > "$0" && chmod 755 "$0"'
    subprocess.call([*root, "sh", "-c", write, _POLICY])
    try:
        yield
    finally:
        subprocess.call([*root, "rm", "-f", _POLICY])


def may_install() -> bool:
    """Whether there is an apt-get that we may use without asking for a password."""
    if not shutil.which("apt-get"):
        return False
    if os.geteuid() == 0:
        return True
    sudo = shutil.which("sudo")
    return bool(sudo) and not subprocess.call([str(sudo), "-n", "true"], stderr=subprocess.DEVNULL)


def main() -> int:
    """0 when everything is there, or outside CI; 1 in CI when something is missing."""
    wanted = missing()
    if wanted and may_install():
        print(f"Installing {', '.join(wanted)} …", file=sys.stderr, flush=True)
        install(wanted)
        wanted = missing()
    if not wanted:
        return 0
    print(
        "Missing for the complete test run:\n  "
        + "\n  ".join(wanted)
        + f"\nInstall with: apt-get install {' '.join(wanted)}\n"
        "The tests that need them are skipped (in CI: they fail).",
        file=sys.stderr,
    )
    return 1 if os.environ.get("CI", "").lower() in ("1", "true", "yes") else 0


if __name__ == "__main__":
    sys.exit(main())
