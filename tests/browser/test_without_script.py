"""The core journeys where script is off: links and forms do it all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import scene


@pytest.fixture
def page(tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """Signed in; what the test changes is its own."""
    seeded = scene.build(tmp_path)
    with scene.served(seeded.app) as address:
        context = browser.new_context(base_url=address, java_script_enabled=False)
        found = context.new_page()
        scene.sign_in(found)
        yield found
    seeded.close()


def test_calls_are_found_opened_and_left(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_text("Call records").click()
    page.locator("main a[data-row-link]").first.click()
    page.wait_for_url(re.compile(r"/cdr/\d+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Call")
    page.get_by_role("navigation", name="Breadcrumb").get_by_text("Call records").click()
    page.wait_for_url("**/cdr")
    page.locator("main .pager a[rel=next]").click()
    expect(page.locator("main tr[data-row]").first).to_be_visible()
    page.locator("#filter-callee").fill("nobody")
    page.locator("#filter-callee").press("Enter")
    page.wait_for_url("**callee=nobody**")
    expect(page.locator("main tr[data-row]")).to_have_count(0)


def test_a_rule_comes_and_goes(page: Page) -> None:
    page.goto("/dialplan")
    page.get_by_role("link", name="Add a rule").click()
    form = page.locator("main form")
    form.get_by_role("textbox", name="Dialplan", exact=True).fill("7")
    form.get_by_role("textbox", name="Output", exact=True).fill("barred")
    form.get_by_role("button", name="Add").click()
    # What was typed is still there beside what is missing.
    expect(page.locator(".is-invalid").first).to_be_visible()
    expect(form.get_by_role("textbox", name="Output", exact=True)).to_have_value("barred")
    form.get_by_role("textbox", name="Match", exact=True).fill("^0190")
    form.get_by_role("button", name="Add").click()
    page.goto("/dialplan?q=0190")
    row = page.locator("main tbody tr", has_text="^0190")
    row.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").last.click()
    page.goto("/dialplan?q=0190")
    expect(page.locator("main tbody tr")).to_have_count(0)


def test_search_theme_suspense_and_out(page: Page) -> None:
    page.get_by_label("Search everything").fill("dialplan")
    page.get_by_label("Search everything").press("Enter")
    page.wait_for_url("**/dialplan")
    page.goto("/suspense")
    page.get_by_role("button", name="Replay all").first.click()
    page.wait_for_load_state()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
