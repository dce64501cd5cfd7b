"""One line for each event, whatever its text holds, and one id for each request."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core.database import Databases, reading
from app.core.errors import CompanionError
from app.core.logging import JsonFormatter, LineFormatter, without_passwords
from app.identity.access import public
from app.launch.child import _ALARM
from tests.identity.people import sign_in
from tests.services import gunicorn, ports

ROOT = Path(__file__).parents[2]
HOSTILE = 'x\r\n{"level": "ERROR"}\n2026 ERROR forged\u2028\u202e\x1b[2J\x7f\x85"\\'


def _record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("app.x", logging.ERROR, "x.py", 1, message, arguments, None)


@pytest.mark.parametrize("formatter", [LineFormatter(), JsonFormatter()])
def test_no_text_makes_a_line_of_its_own(formatter: logging.Formatter) -> None:
    record = _record("caller %s", HOSTILE)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record.exc_info = sys.exc_info()
    line = formatter.format(record)
    assert line.isprintable()
    assert len(line.splitlines()) == 1
    if isinstance(formatter, JsonFormatter):
        found = json.loads(line)
        assert found["message"] == f"caller {HOSTILE}"
        assert found["level"] == "ERROR"
        assert HOSTILE in found["traceback"]


def test_the_json_has_what_collectors_want() -> None:
    found = json.loads(JsonFormatter().format(_record("n %d", 1)))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["time"])
    assert list(found) == ["time", "level", "logger", "message"]
    assert (found["logger"], found["message"]) == ("app.x", "n 1")


def test_passwords_of_addresses_are_hidden() -> None:
    said = without_passwords("mysql+pymysql://panel:s3:cret@127.0.0.1/x and http://a/b at 10:30")
    assert said == "mysql+pymysql://panel:***@127.0.0.1/x and http://a/b at 10:30"
    assert "s3cret" not in LineFormatter().format(_record("at %s", "https://u:s3cret@h"))


def test_errors_of_the_database_tell_no_values(both_dbs: Databases) -> None:
    for engine in (both_dbs.panel, both_dbs.switch):
        with pytest.raises((SQLAlchemyError, CompanionError)) as caught:
            with reading(engine) as connection:
                connection.execute(text("SELECT no_such FROM nowhere WHERE a = :a"), {"a": "s3cr"})
        assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("kind", [LineFormatter, JsonFormatter])
def test_the_launcher_sees_errors_in_either_form(kind: type[logging.Formatter]) -> None:
    record = _record("bad")
    assert _ALARM.match(kind().format(record).encode())
    record.levelname = "INFO"
    assert not _ALARM.match(kind().format(record).encode())


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("0123456789abcdef0123456789abcdef", True),
        ("8b1c0f1e-9f7b-4c4b-8a3e-0c1a6c1d2e3f", True),
        ("short", False),
        ("x" * 65, False),
        ("0123456789 ERROR", False),
        ("0123456789<script>", False),
        ("٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥", False),
        ("", False),
    ],
)
def test_an_id_is_taken_over_where_it_looks_like_one(app: Flask, given: str, taken: bool) -> None:
    headers = {"X-Request-ID": given.encode().decode("latin-1")}
    answer = app.test_client().get("/healthz", headers=headers)
    assert len(answer.headers.getlist("X-Request-ID")) == 1
    said = answer.headers["X-Request-ID"]
    assert (said == given) == taken
    assert taken or re.fullmatch(r"[0-9a-f]{16}", said)


def test_the_page_about_an_error_names_the_id(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/broken")
    @public
    def broken() -> str:
        raise RuntimeError("for the test")

    answer = app.test_client().get("/broken?caller=4930123456")
    assert answer.status_code == 500
    said = answer.headers["X-Request-ID"]
    assert said in answer.text
    failed = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert said in failed.getMessage()
    assert not any("4930123456" in record.getMessage() for record in caplog.records)
    access = next(record for record in caplog.records if record.name == "app.access")
    assert access.getMessage().startswith("GET broken 500 ")


def test_who_was_refused_what_stands_in_the_log(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    client = sign_in(app, "readonly", "nora")
    caplog.clear()
    assert client.get("/operators").status_code == 403
    access = next(record for record in caplog.records if record.name == "app.access")
    facts = json.loads(JsonFormatter().format(access))
    assert (facts["endpoint"], facts["status"]) == ("operators.index", 403)
    assert facts["refused"] == "forbidden"
    assert isinstance(facts["operator"], int)
    assert "nora" not in access.getMessage()


def test_attempts_to_get_around_are_told_by_name(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    client = sign_in(app, "admin", "nora")
    tries: dict[str, Callable[[], object]] = {
        "csrf": lambda: client.post("/logout", data={"csrf_token": "forged"}),
        "input": lambda: client.get("/cdr?after=forged"),
        "sign_in_needed": lambda: client.get(
            "/api/v1/calls", headers={"Authorization": "Bearer x"}
        ),
    }
    for code, attempt in tries.items():
        caplog.clear()
        attempt()
        access = next(record for record in caplog.records if record.name == "app.access")
        assert json.loads(JsonFormatter().format(access))["refused"] == code
        assert access.getMessage().endswith(f"refused: {code}")


def _objects(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("preload", [True, False], ids=["preload", "alone"])
def test_every_line_of_the_web_processes_is_an_object(
    dbs: Databases, test_env: dict[str, str], tmp_path: Path, preload: bool
) -> None:
    port, log = ports.free_port(), tmp_path / "web.log"
    options = ["--preload"] if preload else []
    env = test_env | {"PANEL_LOG": "json"}
    with gunicorn.on_port(port, env, log=log, options=options):
        address = f"http://127.0.0.1:{port}"
        said = requests.get(f"{address}/login?next=4930123456", timeout=10).headers["X-Request-ID"]
        requests.get(f"{address}/a%0a%0d2026%20ERROR%20forged", timeout=10)
        requests.get(f"{address}/healthz", timeout=10)
    found = _objects(log)
    assert "4930123456" not in log.read_text(encoding="utf-8")
    assert {"gunicorn.error", "app.access"} <= {one["logger"] for one in found}
    access = [one for one in found if one["logger"] == "app.access"]
    assert [(one["method"], one["endpoint"], one["status"]) for one in access] == [
        ("GET", "identity.login", 200),
        ("GET", "none", 404),
    ]
    assert access[0]["request"] == said
    assert 0 <= access[0]["ms"] < 10_000
    assert not any(one["level"] == "ERROR" for one in found)


@pytest.mark.parametrize("name", ["worker", "charging"])
def test_every_line_of_the_others_is_an_object(
    lender: Any, test_env: dict[str, str], tmp_path: Path, name: str
) -> None:
    env = test_env | {
        "PATH": os.environ["PATH"],
        "PANEL_LOG": "json",
        # no tables of the switch: something to complain about
        "PANEL_OPENSIPS_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}",
        "PANEL_CHARGING_BIND": f"127.0.0.1:{ports.free_port()}",
    }
    log = tmp_path / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", name],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=output,
        )
        try:
            ports.wait_until(lambda: log.stat().st_size > 0, process=process, what=name)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    found = _objects(log)
    assert found
    assert all({"time", "level", "logger", "message"} <= set(one) for one in found)
