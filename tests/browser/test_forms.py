"""Forms and confirmations in a browser: nothing typed is lost, the focus is where it helps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.core.database import Databases
from app.provisioning.changeset import Row
from tests.browser.conftest import Troubles
from tests.provisioning.scene import put, stored

Visit = Callable[..., Page]


@pytest.fixture
def rule(databases: Databases) -> Row:
    put(databases, dpid=2, match_exp="^0800")
    return put(databases)


def discard(page: Page) -> Page:
    """The dialog that asks before typed text is lost."""
    return page.locator("dialog[data-discard][open]")  # type: ignore[return-value]


def test_a_link_asks_before_it_loses_what_was_typed(visit: Visit, rule: Row) -> None:
    page = visit()
    page.goto(f"/dialplan/{rule['id']}")
    page.get_by_label("Output").fill("999")
    page.get_by_role("link", name="Changes").first.click()
    expect(discard(page)).to_be_visible()
    expect(page.get_by_role("button", name="Keep editing")).to_be_focused()
    page.keyboard.press("Escape")
    expect(discard(page)).to_have_count(0)
    expect(page.get_by_label("Output")).to_have_value("999")
    page.get_by_role("link", name="Changes").first.click()
    page.get_by_role("button", name="Discard").click()
    page.wait_for_url("**/changes")


def test_back_asks_too(visit: Visit, rule: Row) -> None:
    page = visit()
    page.goto("/dialplan")
    page.goto(f"/dialplan/{rule['id']}")
    page.get_by_label("Output").fill("999")
    page.go_back()
    expect(discard(page)).to_be_visible()
    page.get_by_role("button", name="Keep editing").click()
    assert page.url.endswith(f"/dialplan/{rule['id']}")
    expect(page.get_by_label("Output")).to_have_value("999")
    page.go_back()
    page.get_by_role("button", name="Discard").click()
    page.wait_for_url("**/dialplan")


def test_saving_asks_nothing_and_back_leads_to_the_form_once(
    visit: Visit, rule: Row, databases: Databases
) -> None:
    page = visit()
    page.goto("/dialplan")
    page.goto(f"/dialplan/{rule['id']}")
    page.get_by_label("Output").fill("999")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/changes/**")
    assert stored(databases)[1]["repl_exp"] == "999"
    page.go_back()
    page.wait_for_url(f"**/dialplan/{rule['id']}")
    page.wait_for_function("!history.state?.edited")
    page.go_back()
    page.wait_for_url("**/dialplan")


def test_a_form_in_the_drawer_is_not_lost_with_it(visit: Visit, rule: Row) -> None:
    page = visit()
    page.goto("/dialplan")
    page.locator("tr[data-row]", has_text=rule["match_exp"]).get_by_role("link").first.click()
    drawer = page.locator("#drawer")
    drawer.get_by_label("Output").fill("999")
    page.keyboard.press("Escape")
    expect(discard(page)).to_be_visible()
    page.get_by_role("button", name="Keep editing").click()
    drawer.get_by_role("button", name="Close").click()
    expect(discard(page)).to_be_visible()
    page.get_by_role("button", name="Keep editing").click()
    page.go_back()
    expect(discard(page)).to_be_visible()
    page.get_by_role("button", name="Keep editing").click()
    expect(drawer.get_by_label("Output")).to_have_value("999")
    assert page.url.endswith(f"/dialplan/{rule['id']}")
    drawer.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Discard").click()
    expect(drawer).not_to_be_visible()
    page.wait_for_url("**/dialplan")


def test_what_is_wrong_is_said_above_and_leads_to_the_field(
    visit: Visit, troubles: Troubles
) -> None:
    page = visit()
    page.goto("/dialplan/new")
    page.get_by_label("Match", exact=False).nth(1).fill("^00[1-9")
    page.get_by_role("button", name="Add and push").click()
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_count(2)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#dpid")).to_be_focused()
    expect(page.locator("#dpid")).to_have_attribute("aria-invalid", "true")
    troubles.seen[:] = [one for one in troubles.seen if "422" not in one]


def test_deleting_asks_in_a_dialog_that_keeps_the_focus(
    visit: Visit, rule: Row, databases: Databases
) -> None:
    page = visit()
    page.goto("/dialplan")
    row = page.locator("tr", has_text=rule["match_exp"])
    row.get_by_role("link", name="Delete").click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_text("dialplan 1, priority 1")).to_be_visible()
    assert page.url.endswith(f"/dialplan/{rule['id']}/delete")
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"
            " || document.getElementById('dialog').contains(document.activeElement)"
        )
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(row.get_by_role("link", name="Delete")).to_be_focused()
    row.get_by_role("link", name="Delete").click()
    dialog.get_by_role("button", name="Delete the rule").click()
    page.wait_for_url("**/changes/**")
    assert len(stored(databases)) == 1
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    page.wait_for_url("**/changes/2")
    assert [one["id"] for one in stored(databases)] == [rule["id"] - 1, rule["id"]]


@pytest.mark.parametrize("script", [True, False])
def test_ticked_rows_are_disabled_together(
    visit: Visit, rule: Row, databases: Databases, script: bool
) -> None:
    page = visit(script=script)
    page.goto("/dialplan")
    for box in page.locator("tbody input[name=ids]").all():
        box.check()
    page.locator("form.bulk").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Disable 2 rows?")
    page.get_by_role("button", name="Disable 2 rows").click()
    page.wait_for_url("**/changes/**")
    assert [one["disabled"] for one in stored(databases)] == [1, 1]
