"""The search box as a combobox by keyboard alone, the page of what was found, and no script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.shell import search
from tests.browser.conftest import Tour
from tests.browser.test_axe import violations

FIELD = "Search everything"


@pytest.fixture(autouse=True)
def _a_busy_machine_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "DEADLINE_S", 30.0)


def _type(page: Page, text: str) -> None:
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name=FIELD)).to_be_focused()
    page.keyboard.type(text)


def test_the_box_is_a_combobox(tour: Tour) -> None:
    page = tour.page()
    page.goto(f"{tour.address}/")
    field = page.get_by_role("combobox", name=FIELD)
    expect(field).to_have_attribute("aria-expanded", "false")
    _type(page, "dial")
    box = page.get_by_role("listbox", name="Found")
    expect(box).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(page.locator("[data-search-said]")).to_contain_text("found")
    page.keyboard.press("ArrowDown")
    first = box.get_by_role("option").first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", first.get_attribute("id") or "-")
    expect(field).to_be_focused()
    page.keyboard.press("ArrowUp")
    assert field.get_attribute("aria-activedescendant") is None
    page.keyboard.press("Escape")
    expect(box).not_to_be_visible()
    expect(field).to_have_value("dial")
    page.keyboard.press("ArrowDown")
    expect(box).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/dialplan")


def test_escape_twice_empties_and_ctrl_k_comes_back(tour: Tour) -> None:
    page = tour.page()
    page.goto(f"{tour.address}/jobs")
    field = page.get_by_role("combobox", name=FIELD)
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("gw-01")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(field).to_have_value("")
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(field).not_to_be_focused()


def test_enter_goes_to_the_only_exact_hit(tour: Tour) -> None:
    page = tour.page()
    page.goto(f"{tour.address}/")
    _type(page, "gw-01-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/gateways/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Gateway gw-01-1")


def test_hits_are_walked_with_j_and_k(tour: Tour) -> None:
    page = tour.page()
    page.goto(f"{tour.address}/search?q=carrier&all=1")
    page.goto(f"{tour.address}/search?q=gw-0&all=1")
    links = page.locator("main a[data-row-link]")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/gateways/*")


def test_without_script_it_is_a_form(tour: Tour) -> None:
    page = tour.page(script=False)
    page.goto(f"{tour.address}/")
    field = page.get_by_role("searchbox", name=FIELD)
    field.fill("anna")
    field.press("Enter")
    page.wait_for_url("**/search?q=anna")
    page.locator("main a[data-row-link]").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert "/search" not in page.url


@pytest.mark.parametrize("width", [390, 1440])
def test_options_stay_on_the_screen(tour: Tour, width: int) -> None:
    page = tour.page(width=width)
    page.goto(f"{tour.address}/")
    page.get_by_role("combobox", name=FIELD).fill("anna")
    box = page.get_by_role("listbox", name="Found")
    expect(box).to_be_visible()
    place = box.bounding_box()
    assert place is not None
    assert place["x"] >= 0 and place["x"] + place["width"] <= width
    bar = page.locator(".topbar").bounding_box()
    assert bar is not None and place["y"] >= bar["y"] + bar["height"] - 8
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("ArrowDown")
    assert violations(page) == []
