"""The dialplan in a browser: everything that people type, click twice, or collide over."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.core.database import Databases, reading
from app.core.settings import NodeSetting, Settings
from app.opensips.sandbox import check_patterns
from app.provisioning import pusher
from app.provisioning.tables import change_set
from app.routing import regex_check
from app.shell.columns import LIMIT
from tests.identity.people import Browser, sign_in
from tests.opensips.fake_mi import FakeNode
from tests.provisioning.scene import change_behind_our_back, loader, put, stored

GOOD = {
    "dpid": "1",
    "pr": "10",
    "match_op": "1",
    "match_exp": "^00[1-9]",
    "match_flags": "0",
    "subst_exp": "^00(.*)$",
    "repl_exp": r"+\1",
    "timerec": "",
    "attrs": "",
    "comment": "abroad",
}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy test machine may start the child slowly; the limit has a test of its own."""
    monkeypatch.setattr(regex_check, "check_patterns", partial(check_patterns, seconds=20))


@pytest.fixture
def ann(app: Flask) -> Browser:
    return sign_in(app, "admin")


@pytest.fixture
def node(databases: Databases) -> Iterator[FakeNode]:
    with FakeNode(loader(databases)) as running:
        yield running


def with_node(app: Flask, node: FakeNode) -> Settings:
    settings = replace(
        app.extensions["settings"], nodes=(NodeSetting("edge", node.url),), mi_timeout=1.0
    )
    app.extensions["settings"] = settings
    return settings


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def opened(browser: Browser, address: str) -> dict[str, str]:
    """The hidden fields of a form that was opened."""
    page = browser.get(address).text
    return {name: hidden(page, name) for name in ("csrf_token", "seen", "reference")}


def save(browser: Browser, address: str, **values: str) -> TestResponse:
    return browser.post(address, data=opened(browser, address) | GOOD | values)


def changes(databases: Databases) -> int:
    with reading(databases.panel) as connection:
        return connection.scalar(select(func.count()).select_from(change_set)) or 0


def test_an_empty_dialplan_says_what_to_do(ann: Browser) -> None:
    assert "No rules yet" in ann.get("/dialplan").text
    assert "No changes yet" in ann.get("/changes").text


def test_from_the_form_to_every_node(
    app: Flask, ann: Browser, databases: Databases, node: FakeNode
) -> None:
    settings = with_node(app, node)
    answer = save(ann, "/dialplan/new")
    assert answer.status_code == 303
    page = ann.get(answer.location).text
    assert "waiting" in page and 'hx-trigger="every 1s"' in page and "abroad" in page
    assert node.calls == [], "a page never waits for a node"
    (row,) = stored(databases)
    assert (row["match_exp"], row["pr"], row["timerec"]) == ("^00[1-9]", 10, None)
    pusher.run_due(databases, settings)
    progress = ann.get(f"{answer.location}/progress", headers={"HX-Request": "true"}).text
    assert "verified" in progress and "sampled" in progress and "hx-trigger" not in progress
    assert "<html" not in progress
    listing = ann.get("/changes").text
    assert "verified" in listing and "edge" in listing and "3.6.8" in listing


def test_with_the_node_down_it_is_saved_and_waits(
    app: Flask, ann: Browser, databases: Databases, node: FakeNode
) -> None:
    settings = with_node(app, node)
    node.stop()
    answer = save(ann, "/dialplan/new")
    pusher.run_due(databases, settings)
    page = ann.get(answer.location).text
    assert "waiting" in page and "Connection refused" in page and "Try now" in page
    node.start()
    again = ann.post(f"{answer.location}/now", data={"csrf_token": ann.csrf})
    assert again.status_code == 303
    pusher.run_due(databases, settings)
    assert "verified" in ann.get(answer.location).text


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("match_exp", "^00[1-9", "does not compile"),
        ("match_exp", "^(a+)+$", "calls would wait"),
        ("match_exp", "", "Match is needed"),
        ("match_exp", "1" * 65, "takes 64"),
        ("match_exp", "1" * 5000, "takes 64"),
        ("subst_exp", "(", "does not compile"),
        ("repl_exp", r"\2", "has only 1 group"),
        ("repl_exp", "1" * 33, "takes 32"),
        ("repl_exp", r"\+49\1", "only \\0 to \\9"),
        ("dpid", "one", "takes a whole number"),
        ("dpid", "", "Dialplan is needed"),
        ("dpid", "99999999999", "whole number from 0"),
        ("pr", "1.5", "takes a whole number"),
        ("match_op", "7", "Not a valid choice"),
        ("timerec", "monday", "no time recurrence"),
        ("attrs", "x" * 256, "takes 255"),
        ("attrs", "a\x01b", "control character"),
        ("comment", "x" * 256, "At most 255"),
    ],
)
def test_bad_input_is_said_at_the_field_and_kept(
    ann: Browser, databases: Databases, field: str, typed: str, sentence: str
) -> None:
    form = opened(ann, "/dialplan/new") | GOOD | {field: typed}
    started = time.monotonic()
    answer = ann.post("/dialplan/new", data=form)
    assert time.monotonic() - started < 2.0
    assert answer.status_code == 422
    page = unescape(answer.text)
    place = re.search(rf'id="{field}-error">([^<]*)<', page)
    assert place is not None and sentence in place[1], place
    assert stored(databases) == [] and changes(databases) == 0
    # everything else that was typed is still there, and the form can be sent again
    assert "abroad" in page or field == "comment"
    if field not in ("match_op", "attrs"):
        assert typed in page
    assert ann.post("/dialplan/new", data=form | GOOD).status_code == 303


def test_a_double_click_is_one_change(ann: Browser, databases: Databases) -> None:
    form = opened(ann, "/dialplan/new") | GOOD
    first, second = (ann.post("/dialplan/new", data=form) for _ in range(2))
    assert first.location == second.location
    assert len(stored(databases)) == 1 and changes(databases) == 1
    address = f"/dialplan/{stored(databases)[0]['id']}"
    form = opened(ann, address) | GOOD | {"pr": "20"}
    first, second = (ann.post(address, data=form) for _ in range(2))
    assert first.status_code == 303 and first.location == second.location
    assert changes(databases) == 2


def test_two_people_edit_the_same_rule(ann: Browser, databases: Databases) -> None:
    row = put(databases)
    address = f"/dialplan/{row['id']}"
    form = opened(ann, address) | GOOD | {"pr": "77"}
    change_behind_our_back(databases, row["id"], attrs="theirs")
    answer = ann.post(address, data=form)
    assert answer.status_code == 409
    assert "Somebody changed this rule" in answer.text
    assert "theirs" in answer.text and 'value="77"' in answer.text
    assert stored(databases)[0]["pr"] == 1 and changes(databases) == 0
    # having seen it, saving again means it
    form["seen"] = hidden(answer.text, "seen")
    assert ann.post(address, data=form).status_code == 303
    assert stored(databases)[0]["pr"] == 77


def test_a_rule_that_somebody_deleted_can_be_added_again(
    ann: Browser, databases: Databases
) -> None:
    row = put(databases)
    address = f"/dialplan/{row['id']}"
    form = opened(ann, address) | GOOD
    change_behind_our_back(databases, row["id"])
    answer = ann.post(address, data=form)
    assert answer.status_code == 409 and 'action="/dialplan/new"' in answer.text
    assert ann.post("/dialplan/new", data=form).status_code == 303
    assert len(stored(databases)) == 1


def test_saving_without_a_change_says_so(ann: Browser, databases: Databases) -> None:
    row = put(databases, pr=10, match_exp="^00[1-9]", attrs="", timerec="")
    answer = save(ann, f"/dialplan/{row['id']}")
    assert answer.status_code == 422 and "Nothing was changed" in answer.text
    assert changes(databases) == 0


def test_clone_disable_enable_delete(ann: Browser, databases: Databases) -> None:
    row = put(databases)
    page = ann.get(f"/dialplan/new?from={row['id']}").text
    assert 'value="^00[1-9][0-9]+$"' in page
    listing = ann.get("/dialplan").text
    form = {name: hidden(listing, name) for name in ("seen", "reference")}
    form["csrf_token"] = ann.csrf
    address = f"/dialplan/{row['id']}"
    assert ann.post(f"{address}/state", data=form).status_code == 303
    assert ann.post(f"{address}/state", data=form).status_code == 303, "a double click"
    assert stored(databases)[0]["disabled"] == 1
    assert "disabled" in ann.get("/dialplan").text
    assert "Disable dialplan 1" in ann.get("/changes").text
    stale = form | {"reference": "f" * 32}
    assert ann.post(f"{address}/state", data=stale).status_code == 409

    page = ann.get(f"{address}/delete").text
    assert "dialplan 1, priority 1" in page and "^00[1-9][0-9]+$" in page
    answer = ann.post(f"{address}/delete", data=opened(ann, f"{address}/delete"))
    assert answer.status_code == 303 and stored(databases) == []
    assert ann.get(address).status_code == 404


def test_list_filters_and_pages(ann: Browser, databases: Databases) -> None:
    for dpid, pr in ((2, 1), *((1, pr) for pr in range(LIMIT + 1, 0, -1))):
        put(databases, dpid=dpid, pr=pr, attrs=f"d{dpid}p{pr}")
    page = ann.get("/dialplan").text
    assert cells(page) == [f"d1p{pr}" for pr in range(1, LIMIT + 1)]
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older is not None
    assert cells(ann.get(unescape(older[1])).text) == [f"d1p{LIMIT + 1}", "d2p1"]
    assert cells(ann.get("/dialplan?dpid=2").text) == ["d2p1"]
    assert cells(ann.get("/dialplan?q=D1P51").text) == ["d1p51"]
    assert cells(ann.get("/dialplan?sort=-pr&dpid=1").text)[:2] == ["d1p51", "d1p50"]
    assert "No rule fits" in ann.get("/dialplan?q=100%25").text
    wrong = ann.get("/dialplan?dpid=abc").text
    assert "“abc” is no choice here" in unescape(wrong) and cells(wrong) == []
    rows = ann.get("/dialplan?format=csv").text.splitlines()
    assert len(rows) == LIMIT + 3 and "Priority" in rows[0]


def cells(page: str) -> list[str]:
    """The attributes in the list, which are the rules' names here."""
    return re.findall(r">(d\dp\d+)<", page)


def test_try_a_number(app: Flask, ann: Browser, databases: Databases, node: FakeNode) -> None:
    settings = with_node(app, node)
    put(databases)
    save(ann, "/dialplan/new", pr="50", match_exp="^0")
    pusher.run_due(databases, settings)
    page = ann.get("/dialplan?try=1&number=0049151").text
    assert "+49151" in page and "as the table says" in page and "is-match" in page
    change_behind_our_back(databases, stored(databases)[0]["id"], repl_exp=r"999\1")
    part = ann.get("/dialplan/try?try=1&number=0049151", headers={"HX-Request": "true"}).text
    assert "99949151" in part and "differs from the table" in part and "<html" not in part
    assert "no translation" in ann.get("/dialplan?try=1&number=xyz").text
    node.mode = "hang"
    started = time.monotonic()
    assert "did not answer" in ann.get("/dialplan?try=1&number=0049151").text
    assert time.monotonic() - started < 3


def test_an_exploding_rule_in_the_table_does_not_hang_the_test_box(
    ann: Browser, databases: Databases
) -> None:
    for number in range(20):
        put(databases, pr=number, match_exp=r"^(\d+)+$")
    started = time.monotonic()
    page = ann.get(f"/dialplan?try=1&number={'1' * 40}!").text
    assert time.monotonic() - started < 2.5
    assert "took longer" in page


def test_hostile_text_is_shown_as_text(ann: Browser, databases: Databases) -> None:
    put(databases, attrs="<script>alert(1)</script>", match_exp="<img src=x>")
    page = ann.get("/dialplan?try=1&number=%3Cb%3E").text
    assert "<script>alert" not in page and "<img" not in page and "<b>" not in page


def test_who_may_only_read(app: Flask, databases: Databases) -> None:
    row = put(databases)
    bob = sign_in(app, "readonly")
    page = bob.get("/dialplan").text
    assert "^00[1-9][0-9]+$" in page and "Add a rule" not in page and "Delete" not in page
    assert bob.get("/changes").status_code == 200
    for address in ("/dialplan/new", f"/dialplan/{row['id']}", f"/dialplan/{row['id']}/delete"):
        assert bob.get(address).status_code == 403
    for address in (
        f"/dialplan/{row['id']}/delete",
        f"/dialplan/{row['id']}/state",
        "/changes/1/now",
    ):
        assert bob.post(address, data={"csrf_token": bob.csrf}).status_code == 403
    assert stored(databases) == [row]


def test_reading_changes_nothing_and_posting_needs_the_token(
    ann: Browser, databases: Databases
) -> None:
    row = put(databases)
    assert ann.get(f"/dialplan/{row['id']}/state").status_code == 405
    assert ann.post("/dialplan/new", data=GOOD).status_code == 400
    assert stored(databases) == [row] and changes(databases) == 0


def test_a_missing_table_and_an_unknown_version_are_one_sentence(
    ann: Browser, databases: Databases
) -> None:
    with databases.switch.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE version SET table_version = 99 WHERE table_name = 'dialplan'"
        )
    answer = ann.get("/dialplan")
    assert answer.status_code == 503 and "version 99" in answer.text
    with databases.switch.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE version SET table_version = 5 WHERE table_name = 'dialplan'"
        )
        connection.exec_driver_sql("DROP TABLE dialplan")
    answer = ann.get("/dialplan")
    assert answer.status_code == 503 and "no table" in unescape(answer.text)


def test_another_tenants_change_is_not_there(ann: Browser, databases: Databases) -> None:
    answer = save(ann, "/dialplan/new")
    with databases.panel.begin() as connection:
        connection.execute(change_set.update().values(tenant_id=2))
    assert ann.get(answer.location).status_code == 404
    assert "No changes yet" in ann.get("/changes").text
