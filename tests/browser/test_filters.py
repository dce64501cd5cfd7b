"""The filter bar and the range of time in a real browser, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from app.core import clock
from app.core.database import Databases
from tests.browser.conftest import Troubles
from tests.browser.test_axe import violations
from tests.cdr.calls import call, failed, put

Visit = Callable[..., Page]


@pytest.fixture
def calls(databases: Databases) -> list[int]:
    now = clock.now_ms()
    return put(
        databases,
        *((failed if n % 3 else call)(setup_at=now - n * clock.MINUTE) for n in range(6)),
    )


def _bar(page: Page) -> Locator:
    return page.get_by_role("search", name="Calls")


def test_enter_applies_and_the_address_stays_short(calls: list[int], visit: Visit) -> None:
    page = visit()
    page.goto("/cdr")
    page.keyboard.press("f")
    expect(_bar(page).get_by_label("Caller", exact=True)).to_be_focused()
    page.keyboard.type("4930*")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cdr?caller=4930*")
    page.get_by_role("link", name="Remove the filter Caller").click()
    page.wait_for_url("**/cdr")
    page.go_back()
    expect(_bar(page).get_by_label("Caller", exact=True)).to_have_value("4930*")
    page.go_forward()
    expect(_bar(page).get_by_label("Caller", exact=True)).to_have_value("")


def test_arrow_keys_pass_choices_and_enter_takes_one(calls: list[int], visit: Visit) -> None:
    page = visit()
    page.goto("/cdr")
    _bar(page).get_by_label("Status", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(_bar(page).get_by_label("Status", exact=True)).to_have_value("failed")
    assert page.url.endswith("/cdr")
    page.get_by_role("button", name="Search", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cdr?status=failed")
    expect(page.locator("tr[data-row]")).to_have_count(4)


def test_a_range_is_chosen_by_keyboard_and_with_ends(calls: list[int], visit: Visit) -> None:
    page = visit()
    page.goto("/cdr?range=7d")
    opener = page.locator(".time-range > summary")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Last 7 days")).to_have_attribute("aria-current", "true")
    expect(page.locator("#zones option[value='Asia/Tokyo']")).to_be_attached()
    page.keyboard.press("Escape")
    expect(page.locator(".time-panel")).not_to_be_visible()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    _bar(page).get_by_label("From", exact=True).fill("2026-07-01T08:00:00")
    _bar(page).get_by_label("On the clock of", exact=True).fill("tokyo")
    page.get_by_role("button", name="Apply range").click()
    page.wait_for_url("**/cdr?since=**")
    assert "range=" not in page.url and "until=" not in page.url and "zone=tokyo" in page.url
    expect(opener).to_contain_text("Asia/Tokyo")


def test_rare_filters_wait_behind_a_button(calls: list[int], visit: Visit) -> None:
    page = visit()
    page.goto("/cdr")
    expect(_bar(page).get_by_label("Domain", exact=True)).not_to_be_visible()
    page.get_by_text("Add a filter").click()
    _bar(page).get_by_label("Domain", exact=True).fill("example.com")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cdr?domain=example.com")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("example.com")


def test_narrow_pages_have_one_row_and_a_sheet(calls: list[int], visit: Visit) -> None:
    page = visit(width=390)
    page.goto("/cdr")
    bar = page.locator(".filters .filter-row").bounding_box()
    assert bar is not None and bar["height"] < 50
    expect(_bar(page).get_by_label("Callee", exact=True)).not_to_be_visible()
    page.get_by_role("button", name="Filters").click()
    expect(_bar(page).get_by_label("Callee", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(_bar(page).get_by_label("Callee", exact=True)).not_to_be_visible()
    page.get_by_role("button", name="Filters").click()
    _bar(page).get_by_label("Status", exact=True).select_option("failed")
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url("**/cdr?status=failed")
    expect(page.locator("tr[data-row]")).to_have_count(4)


def test_without_script_the_bar_does_the_same(calls: list[int], visit: Visit) -> None:
    page = visit(script=False)
    page.goto("/cdr")
    _bar(page).get_by_label("Status", exact=True).select_option("failed")
    page.get_by_role("button", name="Search", exact=True).click()
    assert page.url.endswith("/cdr?status=failed")
    page.locator(".time-range > summary").click()
    page.get_by_role("link", name="Last hour").click()
    assert page.url.endswith("status=failed&range=1h") or page.url.endswith(
        "range=1h&status=failed"
    )


@pytest.mark.parametrize(
    ("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)]
)
def test_axe_finds_nothing_in_what_opens(
    calls: list[int], visit: Visit, troubles: Troubles, width: int, dark: bool
) -> None:
    page = visit(width=width, dark=dark)
    openers = (".time-range > summary", ".filter-open" if width < 768 else ".filter-rare > summary")
    for opener in openers:
        page.goto("/cdr?status=failed&zone=UTC")
        page.locator(opener).click()
        # Rows that what opened covers by half are no targets now.
        assert [one for one in violations(page, dark) if "#row-calls" not in one] == []
    page.goto("/cdr?since=tomorrow&caller=*&sip_class=9")
    assert violations(page, dark) == []
    # The browser reports every answer of 400.
    troubles.seen.clear()
