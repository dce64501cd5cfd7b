"""The replay of many suspense entries: complete, counted right, through kills and cancels."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity.tables import audit
from app.jobs import progress, queue, runner
from app.jobs.progress import Job
from app.mediation import replay_job, replaying
from app.mediation.call import Trouble
from app.mediation.source import ensure_source
from app.mediation.tables import suspense
from app.pipeline import Pipeline
from tests.identity.people import Browser, sign_in
from tests.jobs.test_queue import Killed


def _fill(dbs: Databases, settings: Settings, good: int, bad: int) -> None:
    """Entries that are calls by now, and some that will never be."""
    with writing(dbs.panel) as connection:
        found = ensure_source(connection, settings)
        for number in range(1, good + bad + 1):
            fits = number <= good
            raw = {
                "id": number,
                "method": "INVITE" if fits else "MESSAGE",
                "callid": f"c{number}",
                "from_tag": "a",
                "to_tag": "b",
                "sip_code": "486",
                "sip_reason": "Busy Here",
                "time": "2026-07-01 12:00:00",
            }
            connection.execute(
                suspense.insert().values(
                    source_id=found.id,
                    epoch=1,
                    table_name="acc",
                    acc_id=number,
                    call_id=raw["callid"],
                    at=clock.now_ms(),
                    seen_at=clock.now_ms(),
                    row=json.dumps(raw),
                    reason=Trouble.IN_FUTURE,
                )
            )


def _left(dbs: Databases) -> int:
    with reading(dbs.panel) as connection:
        return connection.scalar(select(func.count()).select_from(suspense)) or 0


def _start(dbs: Databases) -> int:
    with writing(dbs.panel) as connection:
        return replay_job.start(connection, reason=Trouble.IN_FUTURE, operator_id=1)


def _get(dbs: Databases, job_id: int) -> Job:
    with reading(dbs.panel) as connection:
        return progress.get(connection, job_id)


@pytest.fixture(autouse=True)
def _small_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_job, "BITE", 5)
    monkeypatch.setattr(replaying, "MOST", 5)


def test_all_entries_of_a_reason(both_dbs: Databases, settings: Settings) -> None:
    _fill(both_dbs, settings, good=11, bad=2)
    number = _start(both_dbs)
    runner.run_next(both_dbs, settings)
    found = _get(both_dbs, number)
    assert (found.state, found.done, found.total) == ("done", 13, 13)
    assert found.detail == {"used": 11, "still": 2}
    assert _left(both_dbs) == 2
    assert replay_job.KIND.result(found) == [
        "11 rows are part of a call now.",
        "2 rows stayed in suspense.",
    ]


def test_killed_after_the_effects_and_before_the_note(
    both_dbs: Databases, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(both_dbs, settings, good=11, bad=2)
    number = _start(both_dbs)
    real, bites = Pipeline.replay, []

    def mortal(self: Pipeline, ids: list[int]) -> tuple[int, int]:
        answer = real(self, ids)
        bites.append(len(ids))
        if len(bites) == 2:
            raise Killed
        return answer

    monkeypatch.setattr(Pipeline, "replay", mortal)
    with pytest.raises(Killed):
        runner.run_next(both_dbs, settings)
    later = clock.now_ms() + queue.LEASE_MS
    monkeypatch.setattr(clock, "now_ms", lambda: later)
    runner.run_next(both_dbs, settings)
    found = _get(both_dbs, number)
    assert (found.state, found.done, found.detail) == ("done", 13, {"used": 11, "still": 2})
    assert _left(both_dbs) == 2


def test_cancelled_in_the_middle_keeps_what_is_done(
    both_dbs: Databases, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(both_dbs, settings, good=12, bad=0)
    number = _start(both_dbs)
    real = Pipeline.replay

    def cancelling(self: Pipeline, ids: list[int]) -> tuple[int, int]:
        with writing(both_dbs.panel) as connection:
            queue.cancel(connection, number)
        return real(self, ids)

    monkeypatch.setattr(Pipeline, "replay", cancelling)
    runner.run_next(both_dbs, settings)
    found = _get(both_dbs, number)
    assert (found.state, found.done, found.detail["used"], _left(both_dbs)) == (
        "cancelled",
        5,
        5,
        7,
    )


def test_a_list_of_entries_and_those_that_come_later(
    both_dbs: Databases, settings: Settings
) -> None:
    _fill(both_dbs, settings, good=12, bad=0)
    with writing(both_dbs.panel) as connection:
        ids = list(connection.scalars(select(suspense.c.id).order_by(suspense.c.id)))[:7]
        number = replay_job.start(connection, ids=[*ids, ids[0]])
    runner.run_next(both_dbs, settings)
    assert (_get(both_dbs, number).detail, _left(both_dbs)) == ({"used": 7, "still": 0}, 5)


def _page(client: Browser, number: int) -> str:
    return client.get(f"/jobs/{number}").text


def test_many_entries_become_a_job_that_can_be_watched(
    app: Flask, databases: Databases, settings: Settings
) -> None:
    _fill(databases, settings, good=6, bad=1)
    admin = sign_in(app, "admin")
    values = {"csrf_token": admin.csrf, "reason": "in_future"}
    answer = admin.post("/suspense/replay", data=values)
    match = re.fullmatch(r"/jobs/(\d+)", answer.headers["Location"])
    assert match is not None
    number = int(match[1])
    page = _page(admin, number)
    assert "waiting" in page and "The row is from the future" in page and "a-admin" in page
    piece = admin.get(f"/jobs/{number}?piece=progress", headers={"HX-Request": "true"})
    assert "<html" not in piece.text and "every 1s" in piece.text
    assert f"seen={number}" in admin.get("/jobs/running").text

    runner.run_next(databases, settings)
    piece = admin.get(f"/jobs/{number}?piece=progress", headers={"HX-Request": "true"})
    assert "6 rows are part of a call now." in piece.text and "hx-get" not in piece.text
    assert "Done: Replay of suspense" in piece.headers["HX-Trigger"]
    bars = admin.get(f"/jobs/running?seen={number}.x", headers={"HX-Request": "true"})
    assert "Done: Replay of suspense" in bars.headers["HX-Trigger"]
    assert "HX-Trigger" not in admin.get("/jobs/running", headers={"HX-Request": "true"}).headers
    with reading(databases.panel) as connection:
        noted = connection.execute(select(audit).where(audit.c.action == "suspense.replay"))
        assert json.loads(noted.mappings().one()["detail"]) == {"job": number}


def test_cancelling_asks_first_and_is_noted(
    app: Flask, databases: Databases, settings: Settings
) -> None:
    _fill(databases, settings, good=6, bad=0)
    number = _start(databases)
    reader, admin = sign_in(app, "readonly"), sign_in(app, "admin")
    assert f"/jobs/{number}/cancel" not in _page(reader, number)
    assert (
        reader.post(f"/jobs/{number}/cancel", data={"csrf_token": reader.csrf}).status_code == 403
    )
    assert f"/jobs/{number}/cancel" in _page(admin, number)
    asked = admin.get(f"/jobs/{number}/cancel").text
    assert "Cancel this job?" in asked and "The row is from the future" in asked
    assert _get(databases, number).state == "waiting"
    assert admin.post(f"/jobs/{number}/cancel").status_code == 400
    answer = admin.post(f"/jobs/{number}/cancel", data={"csrf_token": admin.csrf})
    assert answer.headers["Location"] == f"/jobs/{number}"
    assert _get(databases, number).state == "cancelled"
    assert admin.post(f"/jobs/{number}/cancel", data={"csrf_token": admin.csrf}).status_code == 409
    with reading(databases.panel) as connection:
        noted = connection.execute(select(audit).where(audit.c.action == "job.cancel")).mappings()
        assert noted.one()["object"] == f"job:{number}"
    runner.run_next(databases, settings)
    assert _left(databases) == 6


def test_a_failed_job_says_why_and_what_to_do(app: Flask, databases: Databases) -> None:
    admin = sign_in(app, "admin")
    with writing(databases.panel) as connection:
        number = queue.put(connection, "from.the.future", "Something new", {})
    runner.run_next(databases, app.extensions["settings"])
    page = _page(admin, number)
    assert "Something new" in page and "See that all workers run the same version" in page
    assert admin.get("/jobs/999999").status_code == 404
