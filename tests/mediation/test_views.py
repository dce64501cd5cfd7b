"""Suspense and open calls on the screen: understand, replay, and nothing lost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core import clock
from app.core.database import Databases, reading, writing
from app.identity.tables import audit
from app.mediation.call import Trouble
from app.mediation.source import ensure_source
from app.mediation.tables import open_call, suspense
from tests.identity.people import Browser, sign_in


def _put(
    dbs: Databases, table: Any, count: int = 1, reason: str | None = None, **row: Any
) -> list[int]:
    now = clock.now_ms()
    with writing(dbs.panel) as connection:
        first = (connection.scalar(select(func.max(table.c.acc_id))) or 0) + 1
        ids = []
        for number in range(first, first + count):
            raw = {
                "id": number,
                "method": "INVITE",
                "callid": f"c{number}",
                "from_tag": "a",
                "to_tag": "b",
                "sip_code": "200",
                "sip_reason": "OK",
                "time": "2026-07-01 12:00:00",
            } | row
            values = {
                "source_id": 1,
                "epoch": 1,
                "table_name": "acc",
                "acc_id": number,
                "call_id": raw["callid"],
                "at": now,
                "seen_at": now,
                "row": json.dumps(raw),
            }
            if reason is not None:
                values["reason"] = reason
            key = connection.execute(table.insert(), values).inserted_primary_key
            assert key is not None
            ids.append(int(key[0]))
    return ids


@pytest.fixture
def admin(app: Flask, databases: Databases) -> Browser:
    with writing(databases.panel) as connection:
        ensure_source(connection, app.extensions["settings"])
    return sign_in(app, "admin")


def test_nothing_in_suspense(admin: Browser) -> None:
    assert "Nothing in suspense" in admin.get("/suspense").text
    assert "No open calls" in admin.get("/open-calls").text


def test_reasons_in_words_and_one_entry(databases: Databases, admin: Browser) -> None:
    evil = "<script>alert(1)</script>"
    (number,) = _put(databases, suspense, reason=Trouble.NO_BYE, callid=evil)
    page = admin.get("/suspense").text
    assert "Answered, but no BYE was accounted" in page and "set the cdr flag" in page
    entry = admin.get(f"/suspense/{number}", headers={"HX-Request": "true"}).text
    assert "2026-07-01 12:00:00" in entry and "<html" not in entry
    for text in (page, entry):
        assert "<script>alert" not in text
    assert admin.get("/suspense/999").status_code == 404
    assert admin.get("/suspense?reason=nonsense").status_code == 404
    assert admin.get("/suspense?after=x").status_code == 400


def test_the_list_of_a_reason_is_walked_page_by_page(databases: Databases, admin: Browser) -> None:
    _put(databases, suspense, 60, Trouble.NO_BYE)
    _put(databases, suspense, 3, Trouble.NO_TIME)
    seen: list[str] = []
    address: str | None = "/suspense?reason=no_bye"
    while address:
        page = admin.get(address).text
        seen += re.findall(r'id="row-suspense-(\d+)"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older.group(1).replace("&amp;", "&") if older else None
    assert len(seen) == len(set(seen)) == 60


def test_replay_of_what_cannot_be_a_call_keeps_it_and_says_so(
    databases: Databases, admin: Browser
) -> None:
    (number,) = _put(databases, suspense, reason=Trouble.NOT_A_CALL, method="MESSAGE")
    answer = admin.post(
        f"/suspense/{number}/replay", data={"csrf_token": admin.csrf}, follow_redirects=True
    )
    assert answer.status_code == 200
    assert "1 row stayed in suspense" in answer.text
    with reading(databases.panel) as connection:
        assert connection.scalar(select(func.count()).select_from(suspense)) == 1
        entry = connection.execute(
            select(audit).where(audit.c.action == "suspense.replay")
        ).mappings()
        assert json.loads(entry.one()["detail"]) == {"rows": 1, "used": 0, "still": 1}


def test_replay_of_a_reason_makes_calls_of_what_fits(databases: Databases, admin: Browser) -> None:
    # Put there while the zone was wrong, say: by now the row is a plain unanswered call.
    _put(databases, suspense, 2, Trouble.IN_FUTURE, sip_code="486", sip_reason="Busy Here")
    values = {"csrf_token": admin.csrf, "reason": "in_future"}
    answer = admin.post("/suspense/replay", data=values, follow_redirects=True)
    assert "2 rows are part of calls now" in answer.text
    assert "Nothing in suspense" in answer.text
    calls = admin.get("/cdr?status=failed&since=2026-07-01T00:00", follow_redirects=True).text
    assert calls.count("data-row-link") == 2


def test_replay_needs_its_token_and_a_reason(admin: Browser) -> None:
    assert admin.post("/suspense/replay", data={"reason": "no_bye"}).status_code == 400
    values = {"csrf_token": admin.csrf, "reason": "nonsense"}
    assert admin.post("/suspense/replay", data=values).status_code == 400


def test_open_calls_wait_on_a_screen(databases: Databases, admin: Browser) -> None:
    _put(databases, open_call, 2)
    page = admin.get("/open-calls").text
    assert page.count("INVITE") >= 2 and "After 24 hours" in page
