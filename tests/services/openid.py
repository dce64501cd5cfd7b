"""A real OpenID Connect provider (oidc-provider-mock) on a loopback port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services import ports


@contextmanager
def started(log: Path, *people: Mapping[str, Any]) -> Iterator[str]:
    """The issuer of a provider that knows these people (claims, ``sub`` among them)."""
    port = ports.free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "-p", str(port), "-n", "true"]
    for person in people:
        command += ["--user-claims", json.dumps(dict(person))]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        ports.wait_until(lambda: ports.is_open(port), process=process, what="the sign-in provider")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
