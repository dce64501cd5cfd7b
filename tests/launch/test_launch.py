"""``make run``'s launcher as a process: starts, minds its children, stops, and says why not."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from app.launch.ground import demo_settings
from tests.conftest import Lender
from tests.services import ports

ROOT = Path(__file__).parents[2]


@dataclass
class Launcher:
    """Starts the launcher in a folder of its own; real settings, so that no demo runs."""

    env: dict[str, str]
    process: subprocess.Popen[str] | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.env['PANEL_BIND']}"

    def start(self) -> None:
        """Returns when it says that it runs."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.launch"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if "Ctrl-C" in line:
                return
        raise AssertionError("\n".join(self.lines))

    def stop(self, number: int = signal.SIGINT) -> str:
        """Asks it to stop; returns what it said from then on."""
        assert self.process
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        return rest

    def refuse(self) -> str:
        """Runs it to its end, which comes at once; returns what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "app.launch"],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def children(self) -> dict[str, int]:
        """Process ids of the running children by name."""
        assert self.process
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                name = (folder / "comm").read_text().strip()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and fields[0] != "Z":
                found[name.removeprefix("panel:")] = int(folder.name)
        return found


@pytest.fixture
def launcher(lender: Lender, tmp_path: Path) -> Iterator[Launcher]:
    switch = lender.url("sqlite", "switch")
    data = tmp_path / "data"
    found = Launcher(
        {
            "PATH": os.environ["PATH"],
            "PANEL_DATA_DIR": str(data),
            "PANEL_DATABASE_URL": f"sqlite:///{tmp_path / 'ours.db'}",
            "PANEL_OPENSIPS_DATABASE_URL": switch,
            "PANEL_BIND": f"127.0.0.1:{ports.free_port()}",
            "PANEL_CHARGING_BIND": f"127.0.0.1:{ports.free_port()}",
        }
    )
    yield found
    if found.process is not None and found.process.poll() is None:
        found.process.terminate()
        found.process.communicate(timeout=30)
    elif found.process is not None and found.process.stdout is not None:
        found.process.stdout.close()


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_it_runs_stops_and_runs_again_with_its_data(launcher: Launcher) -> None:
    launcher.start()
    text = "\n".join(launcher.lines)
    assert f"runs on {launcher.url}" in text
    assert len(re.findall(r"password (\S+)", text)) == 1
    assert "demo" not in text.lower()
    assert requests.get(f"{launcher.url}/readyz", timeout=5).status_code == 200
    children = launcher.children()
    assert set(children) == {"web", "worker", "charging"}
    key = Path(launcher.env["PANEL_DATA_DIR"]) / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first_key = key.read_text()
    assert launcher.stop(signal.SIGINT).strip() == "Stopping …"
    assert launcher.process and launcher.process.returncode == 0
    assert all(map(_gone, children.values()))

    launcher.start()
    assert "password" not in "\n".join(launcher.lines)
    assert key.read_text() == first_key
    assert launcher.stop(signal.SIGTERM).strip() == "Stopping …"
    assert launcher.process.returncode == 0


def test_a_process_that_dies_is_started_again(launcher: Launcher) -> None:
    launcher.start()
    before = launcher.children()
    os.kill(before["charging"], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while launcher.children().get("charging") in (None, before["charging"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said = launcher.stop()
    assert re.search(r"charging: ended \(-9\); starts again in 1 s", said)


def test_nothing_is_left_when_the_launcher_itself_is_killed(launcher: Launcher) -> None:
    launcher.start()
    children = launcher.children()
    assert launcher.process
    launcher.process.kill()
    launcher.process.communicate()
    deadline = time.monotonic() + 20
    while not all(map(_gone, children.values())):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_second_one_on_the_same_data_is_refused(launcher: Launcher) -> None:
    launcher.start()
    assert "runs already" in launcher.refuse()


def test_a_port_in_use_is_named(launcher: Launcher) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        launcher.env["PANEL_BIND"] = f"127.0.0.1:{taken.getsockname()[1]}"
        said = launcher.refuse()
    assert launcher.env["PANEL_BIND"] in said
    assert "PANEL_BIND" in said


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PANEL_DATABASE_URL", "nonsense", "PANEL_DATABASE_URL is not a database URL"),
        ("PANEL_DATABASE_URL", "oracle://x", "names the database driver 'oracle'"),
        ("PANEL_DATABASE_URL", "mysql+pymysql://u:geheim@127.0.0.1:1/x", "does not answer"),
        ("PANEL_DATABASE_URL", "postgresql+psycopg://u:geheim@127.0.0.1:1/x", "does not answer"),
        ("PANEL_DATABASE_URL", "sqlite:////nowhere/x.db", "does not answer"),
        ("PANEL_OPENSIPS_DATABASE_URL", "sqlite:///{empty}", "has no table 'acc'"),
        ("PANEL_SECRET_KEY", "short", "shorter than 32"),
        ("PANEL_SOURCE_ZONE", "Mars/Base", "is not a time zone"),
        ("PANEL_BIND", "127.0.0.1", "is no address"),
        ("PANEL_DATA_DIR", "/proc/nothing", "cannot be used"),
        ("PANEL_NODES", "sip1", "PANEL_NODES"),
    ],
)
def test_what_is_wrong_is_one_clear_sentence(
    launcher: Launcher, tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    launcher.env[name] = value.format(empty=tmp_path / "empty.db")
    said = launcher.refuse()
    assert sentence in said
    assert "geheim" not in said
    assert len(said.strip().splitlines()) == 1, said


def test_demo_settings_give_way_to_anything_real() -> None:
    assert demo_settings({})["PANEL_DEMO"] == "1"
    assert "PANEL_COUNTRY" not in demo_settings({"PANEL_COUNTRY": "43"})
    for name in ("PANEL_DATABASE_URL", "PANEL_OPENSIPS_DATABASE_URL", "PANEL_NODES"):
        assert demo_settings({name: "x", "PANEL_DEMO": "1"}) == {"PANEL_DEMO": "0"}
