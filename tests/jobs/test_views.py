"""The start page, progress, and what load balancers are told."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.cdr import figures
from app.core import clock, schema
from app.core.database import Databases, writing
from app.core.errors import DatabaseUnavailable
from app.identity import operators
from app.jobs import heartbeat, progress, ready
from app.provisioning.tables import node
from tests.cdr.calls import call, failed, put
from tests.identity.people import sign_in


def _tiles(page: str) -> list[str]:
    found = re.findall(r'class="tile-figure">(.*?)</span>', page)
    return [re.sub(r"<.*?>|\s", "", text) for text in found]


def test_an_empty_house_says_what_comes_next(app: Flask) -> None:
    page = sign_in(app, "readonly").get("/").text
    assert _tiles(page) == ["0", "0", "—", "0", "0"]
    assert "No calls yet" in page and "No worker is running" in page and "No nodes" in page


def test_figures_of_today_in_the_viewers_zone(
    app: Flask, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 01:30 in Tokyo: the viewer's day is 90 minutes old, UTC's 16 hours and a half.
    now = clock.day_start(clock.now_ms()) + 16 * clock.HOUR + 30 * clock.MINUTE
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    client = sign_in(app, "readonly")
    with writing(databases.panel) as connection:
        operators.set_zone(connection, 1, "Asia/Tokyo")
    put(
        databases,
        call(setup_at=now - 10 * clock.MINUTE),
        call(setup_at=now - 80 * clock.MINUTE),
        failed(setup_at=now - 20 * clock.MINUTE),
        call(setup_at=now - 100 * clock.MINUTE),
    )
    assert _tiles(client.get("/").text) == ["3", "2", "66.6%", "3", "0"]


def test_counting_stops_and_says_so(
    app: Flask, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "MOST", 3)
    now = clock.now_ms()
    put(databases, *(call(setup_at=now - n) for n in range(5)))
    with databases.panel.connect() as connection:
        counted = figures.since(connection, 0)
    assert (counted.answered, counted.capped, counted.asr_permille) == (3, True, None)


def test_nodes_and_worker_are_shown(app: Flask, databases: Databases) -> None:
    client = sign_in(app, "readonly")
    with writing(databases.panel) as connection:
        heartbeat.beat(connection, "worker")
        connection.execute(
            node.insert().values(
                name="sip1",
                mi_url="http://127.0.0.1:1/mi",
                state="down",
                last_error="It does not answer.",
                created_at=clock.now_ms(),
            )
        )
    page = client.get("/").text
    assert "sip1" in page and "down" in page and "It does not answer." in page
    assert "No worker is running" not in page


def test_progress_moves_and_goes(app: Flask, databases: Databases) -> None:
    client = sign_in(app, "readonly")
    with writing(databases.panel) as connection:
        number = progress.start(connection, "mediation", "Reading the backlog", 200)
        progress.advance(connection, number, 50)
    bar = client.get("/jobs/running", headers={"HX-Request": "true"}).text
    assert "25 %" in bar and 'value="50" max="200"' in bar and "every 2s" in bar
    assert "Reading the backlog" in client.get("/").text
    with writing(databases.panel) as connection:
        progress.finish(connection, number)
    after = client.get("/jobs/running").text
    assert "Reading the backlog" not in after and "every 10s" in after
    assert "Reading the backlog" in client.get("/jobs").text


def test_healthz_needs_nothing(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert "Set-Cookie" not in answer.headers


def test_readyz_follows_worker_schema_and_databases(
    client: FlaskClient, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "is_current", lambda _engine: True)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and list(answer.json["problems"]) == ["worker"]
    with writing(databases.panel) as connection:
        heartbeat.beat(connection, "worker")
    assert client.get("/readyz").json == {"status": "ready"}
    later = clock.now_ms() + ready.WORKER_SILENT_MS + 1_000
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    assert client.get("/readyz").status_code == 503

    monkeypatch.setattr(schema, "is_current", lambda _engine: False)
    answer = client.get("/readyz")
    assert answer.json is not None and list(answer.json["problems"]) == ["schema"]

    def away(_engine: object) -> None:
        raise DatabaseUnavailable("The database mysql://secret@host does not answer.")

    monkeypatch.setattr(ready, "ping", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and set(answer.json["problems"]) == {
        "database",
        "switch_database",
    }
    assert "secret" not in answer.text
