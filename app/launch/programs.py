"""Which processes make the panel, and whether they are up."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from flask.cli import ScriptInfo
from gunicorn.app import wsgiapp

from app import COMMANDS, EXTENSIONS, SCREENS, create_app
from app.core.settings import Settings

# The machine's proxy is not asked about our own address.
_opener = build_opener(ProxyHandler({}))

# Once here, not once in each of the processes: they are forked from this one.
for _room in (*EXTENSIONS, *SCREENS, *COMMANDS):
    import_module(_room)


def programs(settings: Settings) -> dict[str, Callable[[], object]]:
    """Every process by its name, as a function that runs for ever."""
    found: dict[str, Callable[[], object]] = {
        "web": partial(_gunicorn, settings.bind),
        "worker": partial(_flask, "worker"),
        "charging": partial(_flask, "charging"),
    }
    if settings.demo:
        found["switch"] = partial(_flask, "demo", "switch")
    return found


def _flask(*arguments: str) -> None:
    app = create_app()
    sys.argv = ["flask", *arguments]
    app.cli.main(args=list(arguments), prog_name="flask", obj=ScriptInfo(create_app=lambda: app))


def _gunicorn(bind: str) -> None:
    sys.argv = ["gunicorn", "--bind", bind, "--workers", "2", "--worker-class", "gthread"]
    sys.argv += ["--threads", "8", "--preload", "--graceful-timeout", "5"]
    sys.argv += ["--logger-class", "app.launch.gunicorn_log.Logger"]
    sys.argv += ["--no-control-socket", "wsgi:app"]
    wsgiapp.run(prog="gunicorn")


def url(settings: Settings) -> str:
    """Where a browser on this machine finds the panel."""
    if settings.bind.startswith("unix:"):
        return settings.bind
    host, _, port = settings.bind.rpartition(":")
    everywhere = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104
    return f"http://{everywhere.get(host, host)}:{port}"


def is_ready(settings: Settings) -> bool:
    """Whether ``/readyz`` answers 200; behind a Unix socket Nginx will ask."""
    return settings.bind.startswith("unix:") or _ask(settings)[0] == 200


def why_not_ready(settings: Settings) -> str:
    """What ``/readyz`` says is wrong."""
    status, text = _ask(settings)
    if status == 0:
        return "the web process does not answer."
    try:
        return " ".join(f"{part}: {what}" for part, what in json.loads(text)["problems"].items())
    except (ValueError, KeyError, AttributeError):
        return f"/readyz answers {status}."


def _ask(settings: Settings) -> tuple[int, str]:
    try:
        with _opener.open(f"{url(settings)}/readyz", timeout=2) as answer:
            return answer.status, ""
    except HTTPError as exc:
        with exc:
            return exc.code, exc.read(10_000).decode(errors="replace")
    except OSError:
        return 0, ""
