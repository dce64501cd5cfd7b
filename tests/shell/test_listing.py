"""Lists through their addresses: hostile wishes, choices that are kept, files, many rows."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask import Flask

from app.core.database import Databases, writing
from app.mediation.call import Trouble
from app.mediation.source import ensure_source
from app.mediation.tables import suspense
from tests.identity.people import Browser, sign_in
from tests.mediation.test_views import _put


@pytest.fixture
def admin(app: Flask, databases: Databases) -> Browser:
    with writing(databases.panel) as connection:
        ensure_source(connection, app.extensions["settings"])
    return sign_in(app, "admin")


def _heads(browser: Browser, address: str = "/suspense") -> list[str]:
    found = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', browser.get(address).text, re.S)
    return [re.sub(r"<[^>]*>", "", head).strip() for head in found]


def _keep(browser: Browser, name: str = "suspense", **values: object) -> object:
    sent = {"csrf_token": browser.csrf, "next": "/suspense"} | values
    return browser.post(f"/preferences/list/{name}", data=sent)


@pytest.mark.parametrize(
    "wish",
    ["sort=call_id", "sort=--id", "sort=values", "sort=id'--", "sort=%00", "sort=__class__",
     "after=%25", "before=W10", "after=WyJhIl0", "before=WzEsMl0", "after=" + "W" * 5000,
     "after=WyJcdWQ4MDAiXQ", "before=WzFlOTk5XQ"],
)  # fmt: skip
def test_wishes_that_no_list_offers_are_refused(admin: Browser, wish: str) -> None:
    assert admin.get(f"/suspense?{wish}").status_code == 400


def test_the_order_is_named_in_the_head(databases: Databases, admin: Browser) -> None:
    _put(databases, suspense, 3, Trouble.NO_BYE)
    _keep(admin, columns=["id"])
    page = admin.get("/suspense").text
    assert 'aria-sort="descending"' in page and 'href="/suspense?sort=id"' in page
    page = admin.get("/suspense?sort=id&reason=no_bye").text
    # The list's usual order needs no argument; the filter stays.
    assert 'aria-sort="ascending"' in page and 'href="/suspense?reason=no_bye"' in page
    ids = [int(text) for text in re.findall(r'id="row-suspense-(\d+)"', page)]
    assert ids == sorted(ids)


def test_choices_belong_to_their_operator(app: Flask, databases: Databases, admin: Browser) -> None:
    _put(databases, suspense, 1, Trouble.NO_BYE)
    usual = _heads(admin)
    other = sign_in(app, "admin", "other")
    _keep(admin, columns=["detail", "nonsense"], density="comfortable")
    # What is fixed stays, what does not exist never was.
    assert _heads(admin)[-2:] == ["Written", "Detail"]
    assert "is-comfortable" in admin.get("/suspense").text
    assert _heads(other) == usual and "is-comfortable" not in other.get("/suspense").text
    _keep(admin, reset="1")
    assert _heads(admin) == usual


def test_no_column_chosen_is_a_choice(databases: Databases, admin: Browser) -> None:
    _put(databases, suspense, 1, Trouble.NO_BYE)
    _keep(admin)
    assert _heads(admin)[-1] == "Written"


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", ""]
)
def test_keeping_a_choice_leads_nowhere_else(admin: Browser, address: str) -> None:
    sent = {"csrf_token": admin.csrf, "next": address}
    answer = admin.post("/preferences/list/suspense", data=sent)
    assert (answer.status_code, answer.location) == (303, "/")


def test_only_lists_that_exist_have_choices(admin: Browser) -> None:
    sent = {"csrf_token": admin.csrf}
    assert admin.post("/preferences/list/nothing", data=sent).status_code == 404
    assert admin.post("/preferences/list/suspense", data={}).status_code == 400


def test_the_file_is_whole_and_runs_nothing(databases: Databases, admin: Browser) -> None:
    _put(databases, suspense, 1203, Trouble.NO_BYE)
    _put(databases, suspense, 1, Trouble.NO_TIME, callid='=HYPERLINK("http://evil")')
    answer = admin.get("/suspense?format=csv")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert len(rows) == 1205
    assert rows[1][3] == '\'=HYPERLINK("http://evil")'
    only = admin.get("/suspense?format=csv&reason=no_time").get_data(as_text=True)
    assert len(list(csv.reader(io.StringIO(only)))) == 2


def test_selected_rows_that_are_none(databases: Databases, admin: Browser) -> None:
    sent = {"csrf_token": admin.csrf}
    assert admin.post("/suspense/replay-selected", data=sent).status_code == 400
    for text in ("x", "-1", "9" * 5000, "²", "1e3", str(2**63)):
        answer = admin.post("/suspense/replay-selected", data=sent | {"ids": text})
        assert answer.status_code == 400, text


def test_a_reader_sees_no_box_to_select(app: Flask, databases: Databases, admin: Browser) -> None:
    _put(databases, suspense, 1, Trouble.NO_BYE)
    reader = sign_in(app, "readonly")
    page = reader.get("/suspense").text
    assert "row-suspense-" in page and "data-pick" not in page
