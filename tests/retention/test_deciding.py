"""Nothing goes until somebody decides: screen, command line, the night's job."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.cdr.tables import failed
from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity.tables import audit
from app.jobs import runner
from app.jobs.tables import job
from app.retention import decisions
from app.retention import job as night
from tests.cdr import calls

PAGE = "/settings/retention"


def left(dbs: Databases) -> int:
    with reading(dbs.panel) as connection:
        return connection.scalar(select(func.count()).select_from(failed)) or 0


def test_the_screen_proposes_and_asks_twice(dbs: Databases, admin_client) -> None:  # type: ignore[no-untyped-def]
    calls.put(dbs, calls.failed(setup_at=clock.now_ms() - 50 * clock.DAY, acc_ids=""))
    page = admin_client.get(PAGE).text
    assert "Nothing is decided yet" in page
    assert 'value="14"' in page
    form = {"answered": "400", "failed": "14", "numbers": "", "keep_digits": "6"}
    form["csrf_token"] = admin_client.csrf
    shown = admin_client.post(PAGE, data=form | {"try": "1"})
    assert shown.status_code == 200
    refused = admin_client.post(PAGE, data=form)
    assert refused.status_code == 400
    assert "go for good" in refused.text
    with reading(dbs.panel) as connection:
        assert not decisions.is_decided(connection)
    assert admin_client.post(PAGE, data=form | {"failed": "1"}).status_code == 400
    done = admin_client.post(PAGE, data=form | {"word": "remove"})
    assert done.status_code == 303
    with reading(dbs.panel) as connection:
        known = decisions.load(connection)
        noted = select(func.count()).where(audit.c.action == "retention.change")
        assert connection.scalar(noted) == 1
    assert [known[kind].days for kind in decisions.KINDS] == [400, 14, None]
    assert known["failed"].changed_by == "a-admin"
    assert "Remove what is due" in admin_client.get(PAGE).text
    started = admin_client.post(f"{PAGE}/run", data={"csrf_token": admin_client.csrf})
    assert "/jobs/" in started.location
    assert admin_client.get(started.location).status_code == 200
    assert left(dbs) == 1


def test_the_night_s_run_is_put_once(
    dbs: Databases, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clock.now_ms()
    at = clock.day_start(real) + 2 * clock.HOUR
    monkeypatch.setattr(clock, "now_ms", lambda: at)
    calls.put(dbs, calls.failed(setup_at=at - 50 * clock.DAY, acc_ids=""))
    assert night.tonight(dbs) == 0
    with writing(dbs.panel) as connection:
        decisions.decide(connection, {"failed": 14}, keep_digits=6, by="ann")
    assert [night.tonight(dbs) for _ in range(3)] == [1, 0, 0]
    assert runner.run_next(dbs, settings) > 0
    assert left(dbs) == 0
    with reading(dbs.panel) as connection:
        assert connection.scalar(select(job.c.state)) == "done"
    at += 10 * clock.HOUR
    assert night.tonight(dbs) == 0
    at += 14 * clock.HOUR
    assert night.tonight(dbs) == 1


def test_the_command_line_shows_sets_and_runs(app: Flask, dbs: Databases) -> None:
    calls.put(dbs, calls.failed(setup_at=clock.now_ms() - 50 * clock.DAY, acc_ids=""))

    def flask(*words: str) -> str:
        done = app.test_cli_runner().invoke(args=["retention", *words])
        return f"{done.exit_code} {done.output}"

    assert "Nothing is decided" in flask("show")
    assert flask("set", "--failed", "14").startswith("1 ")  # asked, and nobody agreed
    assert flask("set", "--failed", "1", "--yes").startswith("1 Error: ")
    assert flask("set", "--failed", "14", "--yes").startswith("0 Decided")
    assert "failed: 1 calls would go" in flask("run", "--dry-run")
    assert left(dbs) == 1
    assert "failed: 1" in flask("run")
    assert left(dbs) == 0
    assert flask("set", "--failed", "never").startswith("0 ")
