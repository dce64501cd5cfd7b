"""Starts and stops a private OpenSIPS with the shipped configuration, on loopback only.

The files of ``opensips_scripts/`` are copied to a working folder and only what an operator
would edit is changed: the settings block, the charging choice, the ringing time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

SCRIPTS = Path(__file__).resolve().parents[2] / "opensips_scripts"
DIALECTS = {"mysql": "mysql", "mariadb": "mysql", "postgresql": "postgres"}


@dataclass(frozen=True)
class Switch:
    """A running OpenSIPS: where it speaks SIP (UDP) and MI, and its log."""

    process: subprocess.Popen[bytes]
    workdir: Path
    sip_port: int
    mi_url: str

    @property
    def log(self) -> str:
        """All that the server has written so far."""
        return (self.workdir / "opensips.log").read_text(encoding="utf-8", errors="replace")

    def mi(self, method: str, params: dict[str, Any] | None = None, timeout: float = 5) -> Any:
        """The result of an MI command; RuntimeError for a JSON-RPC error.

        One connection a request, since 3.6 stalls on kept ones; ``timeout`` in seconds.
        """
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params:
            body["params"] = params
        request = urllib.request.Request(
            self.mi_url,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Connection": "close"},
        )
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            answer = json.load(reply)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def stop(self) -> None:
        """Ends the server as an operator would; dialogs are written to the database first."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Ends the server and its workers at once, as a crash would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    """A loopback port that nobody uses now (UDP unless told)."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether nobody uses this UDP port on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def start_switch(
    binary: Path,
    db_url: str,
    workdir: Path,
    *,
    charging: str | None = None,
    ring_seconds: int = 90,
    zone: str = "UTC",
) -> Switch:
    """Starts ``binary`` with the shipped configuration on free ports; waits for its MI and data.

    ``db_url`` is an SQLAlchemy URL of a database that has OpenSIPS's tables; ``charging`` is
    the host:port of a charging server, None for no charging; ``zone`` is the zone of the
    times in ``acc``. RuntimeError with the log when it does not come up in ten seconds.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    sip_port, mi_port = free_port(), free_port(socket.SOCK_STREAM)
    config = write_config(
        workdir,
        modules=_modules(binary),
        db_url=db_url,
        sip_port=sip_port,
        mi_port=mi_port,
        charging=charging,
        ring_seconds=ring_seconds,
    )
    with (workdir / "opensips.log").open("ab") as log:
        process = subprocess.Popen(
            [
                str(binary),
                "-F",
                "-f",
                str(config),
                "-w",
                str(workdir),
                "-m",
                "64",
                "-M",
                "8",
            ],
            stdout=log,
            stderr=log,
            cwd=workdir,
            env={**os.environ, "TZ": zone},
            start_new_session=True,
        )
    switch = Switch(process, workdir, sip_port, f"http://127.0.0.1:{mi_port}/mi")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        # MI answers a moment before the workers have read their tables.
        with suppress(OSError):
            switch.mi("version", timeout=1)
            if "dr_load_routing_info: loaded" in switch.log:
                return switch
        time.sleep(0.1)
    switch.stop()
    raise RuntimeError("OpenSIPS did not start:\n" + switch.log[-3000:])


def write_config(
    workdir: Path,
    *,
    modules: Path,
    db_url: str,
    sip_port: int,
    mi_port: int,
    charging: str | None,
    ring_seconds: int,
) -> Path:
    """Copies the shipped configuration into ``workdir``, edits its settings; returns its path."""
    for part in SCRIPTS.glob("*.cfg"):
        shutil.copy(part, workdir)
    url = make_url(db_url)
    scheme = DIALECTS[url.get_backend_name()]
    database = url.set(drivername=scheme).render_as_string(hide_password=False)
    config = workdir / "opensips.cfg"
    _edit(
        config,
        (r'^mpath=".*"$', f'mpath="{modules}/"'),
        (r"^socket=.*$", f"socket=udp:127.0.0.1:{sip_port}"),
        (r'^loadmodule "db_mysql.so"$', f'loadmodule "db_{scheme}.so"'),
        (r'^db_default_url=".*"$', f'db_default_url="{database}"'),
        (
            r'^modparam\("permissions", "db_url", .*\)$',
            f'modparam("permissions", "db_url", "{database}")',
        ),
        (r'^modparam\("httpd", "port", .*\)$', f'modparam("httpd", "port", {mi_port})'),
        (r"^stderror_enabled=no$", "stderror_enabled=yes"),
        (r"^syslog_enabled=yes$", "syslog_enabled=no"),
        (
            r'^modparam\("tm", "fr_inv_timeout", .*\)$',
            f'modparam("tm", "fr_inv_timeout", {ring_seconds})',
        ),
    )
    if charging:
        _edit(
            config,
            (
                r'^include_file "charging-off.cfg"$',
                'include_file "charging-cgrates.cfg"',
            ),
        )
        _edit(
            workdir / "charging-cgrates.cfg",
            (
                r'^modparam\("cgrates", "cgrates_engine", .*\)$',
                f'modparam("cgrates", "cgrates_engine", "{charging}")',
            ),
        )
    return config


def _edit(path: Path, *edits: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for pattern, new in edits:
        text, count = re.subn(pattern, new.replace("\\", r"\\"), text, flags=re.MULTILINE)
        if count != 1:
            raise RuntimeError(f"{path.name}: {count} lines match {pattern}")
    path.write_text(text, encoding="utf-8")


def _modules(binary: Path) -> Path:
    """The folder of the modules: beside the binary's prefix, or where packages put it."""
    prefix = binary.resolve().parent.parent
    places = [prefix / "lib64/opensips/modules", prefix / "lib/opensips/modules"]
    places += sorted(prefix.glob("lib/*/opensips/modules"))
    for place in places:
        if (place / "tm.so").exists():
            return place
    raise RuntimeError(f"No OpenSIPS modules beside {binary}: looked in {places}")
