"""What must be right before anything starts: environment, secret key, ports, one at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path

from app.core.errors import SettingsError
from app.core.settings import Settings
from app.provisioning.nodes import DEMO_MI

_REAL = ("PANEL_DATABASE_URL", "PANEL_OPENSIPS_DATABASE_URL", "PANEL_NODES")
# The demo switch is a German carrier; nobody's own settings are overruled.
_DEMO = {"PANEL_DEMO": "1", "PANEL_COUNTRY": "49", "PANEL_TRUNK_PREFIX": "0"}


def demo_settings(env: Mapping[str, str]) -> dict[str, str]:
    """What to add to the environment: the demo, unless something real is configured."""
    if any(env.get(name, "").strip() for name in _REAL):
        return {"PANEL_DEMO": "0"}
    return {name: value for name, value in _DEMO.items() if name not in env}


def secret_key(env: Mapping[str, str]) -> None:
    """Writes ``secret_key`` into the data folder unless it is there or in the environment."""
    folder = Path(env.get("PANEL_DATA_DIR", "").strip() or "var").resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "log").mkdir(mode=0o700, exist_ok=True)
        if env.get("PANEL_SECRET_KEY", "").strip() or (folder / "secret_key").exists():
            return
        # Complete or not there at all: a half-written key would lock everybody out later.
        draft = folder / f"secret_key.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        draft.rename(folder / "secret_key")
    except OSError as exc:
        raise SettingsError(
            f"The data folder {folder} cannot be used: {exc.strerror}.",
            "Make it writable, or name another one in PANEL_DATA_DIR.",
        ) from exc


def only_one(folder: Path) -> TextIOWrapper:
    """A lock on the data folder, held while the file is open; refuses when another holds it."""
    lock = (folder / "run.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        lock.close()
        raise SettingsError(
            f"The panel of {folder} runs already.", "Stop it, or name another PANEL_DATA_DIR."
        ) from exc
    return lock


def ports_are_free(settings: Settings) -> None:
    """Raises SettingsError naming the first address that cannot be listened on."""
    wanted = {
        settings.bind: ("the panel", "Stop what listens there, or set PANEL_BIND to another one."),
        settings.charging_bind: (
            "charging",
            "Stop what listens there, or set PANEL_CHARGING_BIND to another one.",
        ),
    }
    if settings.demo:
        wanted[DEMO_MI.split("/")[2]] = ("the demo switch", "Stop what listens there.")
    for address, (who, remedy) in wanted.items():
        _check(address, who, remedy)


def _check(address: str, who: str, remedy: str) -> None:
    if address.startswith("unix:"):
        return
    host, _, port = address.rpartition(":")
    try:
        family, kind, _, _, where = socket.getaddrinfo(
            host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            # Binding alone succeeds beside a listener of the wildcard address on some systems.
            probe.listen(1)
    except ValueError as exc:
        raise SettingsError(
            f"'{address}' is no address to listen on.", "Write HOST:PORT, such as 127.0.0.1:8000."
        ) from exc
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise SettingsError(
            f"{address}, where {who} should listen, cannot be used: {reason}.",
            remedy,
        ) from exc
