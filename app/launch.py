"""``make run``: the whole panel with one command, and all of it stopped by Ctrl-C.

Prepares the data folder, the secret, the tables, on a first demo run the demo data and the first
admin; then starts web, worker, charging and (in the demo) the demo switch, and minds them.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

_READY_S = 60
_STOP_S = 10
_REAL = ("PANEL_DATABASE_URL", "PANEL_OPENSIPS_DATABASE_URL", "PANEL_NODES")


def main() -> int:
    """Runs until told to stop; the exit code is 0 then, 1 when it could not start."""
    env = environment(dict(os.environ))
    try:
        _check_port(env["PANEL_BIND"])
        _prepare(env)
    except LaunchError as exc:
        say(f"Error: {exc}")
        return 1
    return Launcher(env).run()


class LaunchError(Exception):
    """Why it cannot start, in one sentence."""


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def environment(env: dict[str, str]) -> dict[str, str]:
    """The children's environment; the demo is on only where nothing real is named."""
    env.setdefault("PANEL_DATA_DIR", str(Path("var").resolve()))
    env.setdefault("PANEL_BIND", "127.0.0.1:8000")
    if not any(env.get(name) for name in _REAL):
        env["PANEL_DEMO"] = "1"
        env.setdefault("PANEL_COUNTRY", "49")
        env.setdefault("PANEL_TRUNK_PREFIX", "0")
    else:
        env["PANEL_DEMO"] = "0"
    if env["PANEL_BIND"].startswith("127."):
        # Plain HTTP on this machine only; browsers keep Secure cookies from it.
        env.setdefault("PANEL_INSECURE_COOKIES", "1")
    env["PYTHONUNBUFFERED"] = "1"
    return env


def _check_port(bind: str) -> None:
    if bind.startswith("unix:"):
        return
    host, _, port = bind.rpartition(":")
    if not port.isdigit():
        raise LaunchError(f"PANEL_BIND is '{bind}'. Write it like 127.0.0.1:8000.")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as exc:
            raise LaunchError(
                f"{bind} cannot be used: {exc.strerror}."
                " Stop what listens there, or choose another with PANEL_BIND."
            ) from exc


def _prepare(env: dict[str, str]) -> None:
    data = Path(env["PANEL_DATA_DIR"])
    (data / "log").mkdir(parents=True, exist_ok=True)
    secret = data / "secret_key"
    if not env.get("PANEL_SECRET_KEY") and not secret.exists():
        with open(os.open(secret, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    if data.joinpath("prepared").exists() and env["PANEL_DEMO"] == "1":
        _flask(env, "init")
        return
    init = ["init"]
    if not env.get("PANEL_OPENSIPS_DATABASE_URL") and not env.get("PANEL_DATABASE_URL"):
        init.append("--with-opensips-tables")
    _flask(env, *init)
    if env["PANEL_DEMO"] == "1":
        say("Making the demo: a small carrier and 90 days of its calls…")
        say(_flask(env, "demo"))
    if "\t" not in _flask(env, "operator", "list"):
        say(_flask(env, "operator", "create", "admin"))
    data.joinpath("prepared").touch()


def _flask(env: dict[str, str], *words: str) -> str:
    """What a command prints; its own sentence when it fails."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        told = done.stderr.strip().splitlines() or ["no reason given"]
        raise LaunchError(told[-1].removeprefix("Error: "))
    return done.stdout.strip()


@dataclass(slots=True)
class Child:
    """One process that is kept running; its output goes to a file of its own."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_at: float = 0.0


@dataclass(slots=True)
class Launcher:
    """Starts the processes, starts those again that die, and stops them all."""

    env: dict[str, str]
    stopping: threading.Event = field(default_factory=threading.Event)
    children: list[Child] = field(default_factory=list)

    def run(self) -> int:
        """Until a signal; 0 when all went well."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stopping.set())
        self.children = [Child(name, command) for name, command in _commands(self.env).items()]
        for child in self.children:
            self._start(child)
        try:
            return self._mind()
        finally:
            self._stop_all()

    def _mind(self) -> int:
        url, until, told = _url(self.env["PANEL_BIND"]), time.monotonic() + _READY_S, False
        while not self.stopping.wait(0.2):
            for child in self.children:
                self._look_after(child)
            if not told and _is_ready(self.env["PANEL_BIND"]):
                told = True
                say(f"OpenSIPS Companion is ready: {url}  (Ctrl-C stops it)")
            elif not told and time.monotonic() > until:
                say(f"Error: not ready after {_READY_S} s; see {self.env['PANEL_DATA_DIR']}/log.")
                return 1
        return 0

    def _start(self, child: Child) -> None:
        log = Path(self.env["PANEL_DATA_DIR"]) / "log" / f"{child.name}.log"
        with log.open("ab") as file:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command,
                env=self.env,
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        child.started_at = time.monotonic()

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            if now - child.started_at > 30:
                child.failures = 0
            return
        child.process = None
        child.failures += 1
        pause = min(2 ** (child.failures - 1), 30)
        child.start_at = now + pause
        say(
            f"{child.name} ended with code {code} and is started again in {pause} s;"
            f" see {self.env['PANEL_DATA_DIR']}/log/{child.name}.log."
        )

    def _stop_all(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            _signal(process, signal.SIGTERM)
        until = time.monotonic() + _STOP_S
        for process in running:
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
        say("Stopped.")


def _commands(env: dict[str, str]) -> dict[str, list[str]]:
    flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
    web = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", env["PANEL_BIND"]]
    commands = {
        "web": [*web, "--workers", "2", "--threads", "4", "--worker-tmp-dir", "/dev/shm"],  # noqa: S108
        "worker": [*flask, "worker"],
        "charging": [*flask, "charging"],
    }
    if env["PANEL_DEMO"] == "1":
        commands["switch"] = [*flask, "demo", "switch"]
    return commands


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    # gunicorn stops its own workers on SIGTERM; SIGKILL must reach the whole group.
    try:
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except ProcessLookupError:
        return


def _url(bind: str) -> str:
    return bind if bind.startswith("unix:") else f"http://{bind}"


def _is_ready(bind: str) -> bool:
    if bind.startswith("unix:"):
        return Path(bind.removeprefix("unix:")).exists()
    try:
        with urllib.request.urlopen(f"http://{bind}/readyz", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
