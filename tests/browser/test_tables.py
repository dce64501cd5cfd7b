"""The lists of the shell in the browser: order, columns, density, selection, pages, a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.core.database import Databases
from app.mediation.call import Trouble
from app.mediation.tables import suspense
from tests.mediation.test_views import _put

Visit = Callable[..., Page]


@pytest.fixture
def rows(databases: Databases) -> None:
    """More suspense entries than one page holds."""
    _put(databases, suspense, 60, Trouble.NO_BYE)


def _first(page: Page) -> str:
    return page.locator("tbody tr td .cell").first.get_attribute("id") or ""


def test_pages_there_and_back(visit: Visit, rows: None) -> None:
    page = visit()
    page.goto("/suspense")
    expect(page.locator("tbody tr")).to_have_count(50)
    top = _first(page)
    page.keyboard.press("n")
    expect(page.locator("tbody tr")).to_have_count(10)
    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    page.keyboard.press("p")
    expect(page.locator("tbody tr")).to_have_count(50)
    assert _first(page) == top
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(10)


def test_columns_and_density_are_kept(visit: Visit, rows: None) -> None:
    page = visit()
    page.goto("/suspense")
    expect(page.get_by_role("columnheader", name="Entry")).to_have_count(0)
    page.get_by_text("Columns", exact=True).first.click()
    page.get_by_label("Entry", exact=True).check()
    page.get_by_label("Call-ID", exact=True).uncheck()
    page.get_by_label("Comfortable").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("columnheader", name="Entry")).to_be_visible()
    page.goto("/suspense?reason=no_bye")
    expect(page.get_by_role("columnheader", name="Call-ID")).to_have_count(0)
    expect(page.locator(".list.is-comfortable")).to_be_visible()
    page.get_by_text("Columns", exact=True).first.click()
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("columnheader", name="Call-ID")).to_be_visible()
    assert page.url.endswith("?reason=no_bye")


def test_the_head_of_a_column_turns_the_order(visit: Visit, rows: None) -> None:
    page = visit()
    page.goto("/suspense")
    page.get_by_text("Columns", exact=True).first.click()
    page.get_by_label("Entry", exact=True).check()
    page.get_by_role("button", name="Apply").click()
    newest = _first(page)
    head = page.get_by_role("columnheader", name="Entry")
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert _first(page) != newest
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert _first(page) == newest


def test_selection_by_mouse_and_keys(visit: Visit, rows: None) -> None:
    page = visit()
    page.goto("/suspense")
    bar = page.locator("[data-bulk]")
    expect(bar).not_to_be_visible()
    boxes = page.locator("[data-pick]")
    boxes.nth(1).check()
    boxes.nth(5).click(modifiers=["Shift"])
    expect(bar).to_contain_text("5 selected")
    page.keyboard.press("Escape")
    page.get_by_label("Select all rows of this page").check()
    expect(bar).to_contain_text("50 selected")
    page.get_by_role("button", name="Select none").click()
    expect(bar).not_to_be_visible()
    page.locator("h1").click()
    for key in "jxjx":
        page.keyboard.press(key)
    expect(bar).to_contain_text("2 selected")
    page.locator("[data-bulk]").get_by_role("button", name="Replay").click()
    expect(page.locator("#toasts")).to_contain_text("stayed in suspense")


def test_without_script_the_bar_is_always_there(visit: Visit, rows: None) -> None:
    page = visit(script=False)
    page.goto("/suspense")
    bar = page.locator("[data-bulk]")
    expect(bar).to_contain_text("With the selected:")
    page.locator("[data-pick]").first.check()
    bar.get_by_role("button", name="Replay").click()
    expect(page.locator("#toasts")).to_contain_text("1 row stayed in suspense")


def test_the_file_holds_all_rows_and_the_chosen_columns(visit: Visit, rows: None) -> None:
    page = visit()
    page.goto("/suspense")
    with page.expect_download() as found:
        page.get_by_role("link", name="CSV").click()
    text = found.value.path().read_text(encoding="utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    assert table[0] == ["Written", "Reason", "Row", "Call-ID", "Method", "Code"]
    assert len(table) == 61
    assert found.value.suggested_filename.startswith("suspense-")


@pytest.mark.parametrize("width", [390, 1440])
def test_lists_never_scroll_the_page_sideways(visit: Visit, rows: None, width: int) -> None:
    page = visit(width=width)
    page.goto("/suspense")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
