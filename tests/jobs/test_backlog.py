"""The backlog's bar: the time left from the last minutes' pace, paused and resumed by people."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.errors import Conflict
from app.identity.tables import audit
from app.jobs import backlog, progress
from app.jobs.backlog import BacklogBar
from app.jobs.progress import Job
from tests.identity.people import sign_in


def _job(dbs: Databases) -> Job:
    with reading(dbs.panel) as connection:
        return progress.running(connection, backlog.KIND)[0]


def test_the_time_left_is_of_the_last_minutes(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    bar = BacklogBar(databases)
    bar.show(1_000_000)
    assert _job(databases).left_ms is None
    left = 1_000_000
    for pace in (100, 500):  # rows a second, for ten minutes each
        for _ in range(60):
            now += 10 * clock.SECOND
            left -= pace * 10
            bar.show(left)
    assert left == 640_000
    assert _job(databases).left_ms == 640_000 // 500 * clock.SECOND


def test_it_is_paused_and_resumed(app: Flask, databases: Databases) -> None:
    bar = BacklogBar(databases)
    assert not bar.is_paused()
    bar.show(1_000)
    bar.show(900)
    number = _job(databases).id
    client = sign_in(app, "noc")
    page = f"/jobs/{number}"
    assert ">Pause<" in client.get(page).text
    token = {"csrf_token": client.csrf}
    assert client.post(f"{page}/pause", data=token).status_code == 303
    assert bar.is_paused() and BacklogBar(databases).is_paused()
    bar.show(850)  # the step that was being done
    assert (_job(databases).state, _job(databases).left_ms) == ("paused", None)
    shown = client.get(page).text
    assert ">Resume<" in shown and "New calls are read all the while" in shown
    with pytest.raises(Conflict), writing(databases.panel) as connection:
        backlog.pause(connection, number)
    token = {"csrf_token": client.csrf}
    assert client.post(f"{page}/resume", data=token).status_code == 303
    after = BacklogBar(databases)
    assert not after.is_paused()
    after.show(500)
    assert (_job(databases).done, _job(databases).total) == (500, 1_000)
    after.show(0)
    with reading(databases.panel) as connection:
        assert progress.get(connection, number).state == "done"
        noted = connection.scalars(select(audit.c.action).where(audit.c.object == f"job:{number}"))
        assert sorted(noted) == ["job.pause", "job.resume"]
