"""The examples of docs/api.md, run by curl against the panel over HTTP."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app.core.database import Databases
from app.opensips.tables import create_opensips_tables
from tests.api.conftest import program
from tests.conftest import missing

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_examples_work_in_their_order(app: Flask, databases: Databases, address: str) -> None:
    if shutil.which("curl") is None:
        missing("curl is not installed")
    create_opensips_tables(databases.switch)
    client = program(app)
    env = {"PATH": os.environ["PATH"], "URL": address, "TOKEN": client.token}
    examples = re.findall(r"^```sh\n(.+?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 7
    for example in examples:
        strict = example.replace("curl -sS", "curl -sS --fail-with-body", 1)
        done = subprocess.run(  # noqa: S602 - our own page, as its readers run it
            strict, shell=True, env=env, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, (example, done.stdout, done.stderr)
        if "export" not in example:
            assert "title" not in json.loads(done.stdout), done.stdout
    balance = client.ask("GET", "/accounts/1").json["balance"]
    assert balance == "25"
    assert client.ask("GET", "/dialplan/rules/1").json["disabled"] == 1
