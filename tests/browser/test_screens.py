"""The screens as an operator meets them, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.core import clock
from app.core.database import Databases
from tests.browser import screens
from tests.cdr.calls import call, failed, put

Visit = Callable[..., Page]


@pytest.fixture
def calls(databases: Databases) -> list[int]:
    now = clock.now_ms()
    return put(
        databases,
        *(
            (failed if n % 3 else call)(setup_at=now - n * clock.MINUTE, call_id=f"call-{n}@x")
            for n in range(60)
        ),
    )


def _is_open(page: Page) -> bool:
    return bool(page.evaluate("document.getElementById('drawer').open"))


def test_a_call_opens_by_keyboard_and_back_closes_it(calls: list[int], visit: Visit) -> None:
    page = visit()
    page.goto("/cdr")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(f"#row-calls-{calls[1]}")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    heading = page.locator("#drawer-title")
    expect(heading).to_have_text(f"Call {calls[0]}")
    assert page.url.endswith(f"/cdr/{calls[0]}")
    page.keyboard.press("j")
    expect(heading).to_have_text(f"Call {calls[1]}")
    assert page.url.endswith(f"/cdr/{calls[1]}")
    page.go_back()
    expect(page.locator("#drawer")).not_to_be_visible()
    assert page.url.endswith("/cdr")
    page.go_forward()
    expect(heading).to_have_text(f"Call {calls[1]}")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).not_to_be_visible()
    expect(page.locator(f"#row-calls-{calls[1]}")).to_be_focused()
    page.wait_for_url("**/cdr")


def test_focus_stays_inside_an_open_drawer(calls: list[int], visit: Visit) -> None:
    page = visit()
    page.goto("/cdr")
    page.locator("tr[data-row]").first.click()
    expect(page.locator("#drawer-title")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = page.evaluate(
            "document.activeElement === document.body"
            " || document.getElementById('drawer').contains(document.activeElement)"
        )
        assert inside


def test_a_drawers_address_is_a_page_of_its_own(calls: list[int], visit: Visit) -> None:
    page = visit()
    page.goto("/cdr")
    page.locator("tr[data-row]").first.click()
    expect(page.locator("#drawer-title")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Call {calls[0]}")
    assert not _is_open(page)


def test_everything_works_without_script(calls: list[int], visit: Visit) -> None:
    page = visit(script=False)
    page.goto("/cdr")
    page.locator(f"#row-calls-{calls[2]}").click()
    page.wait_for_url(f"**/cdr/{calls[2]}")
    page.goto("/cdr")
    page.locator("#filter-call_id").fill("call-7@x")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.get_by_role("button", name="Dark").first.click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url("**/login")


def test_slash_searches_and_question_mark_helps(calls: list[int], visit: Visit) -> None:
    page = visit()
    page.goto("/cdr")
    page.keyboard.press("f")
    expect(page.locator(".filters :focus")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Search everything")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#help")).not_to_be_visible()
    # One shuts the suggestions, one leaves the field.
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url("**after=**")
    expect(page.locator("tr[data-row]")).to_have_count(10)
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")


def test_a_new_call_appears_by_itself(calls: list[int], databases: Databases, visit: Visit) -> None:
    page = visit()
    page.goto("/cdr")
    page.keyboard.press("j")
    (new,) = put(databases, call(setup_at=clock.now_ms()))
    expect(page.locator(f"#row-calls-{new}")).to_be_visible(timeout=4_000)
    expect(page.locator(f"#row-calls-{calls[0]}")).to_be_focused()


def test_the_theme_is_remembered_and_follows_the_system(visit: Visit) -> None:
    page = visit(dark=True)
    dark = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(dark) == "rgb(14, 18, 22)"
    page.get_by_role("button", name="Light").first.click()
    assert page.evaluate(dark) == "rgb(246, 247, 249)"
    page.goto("/cdr")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    expect(page.get_by_role("button", name="Light").first).to_have_attribute("aria-pressed", "true")


def test_every_view_stands_in_the_list_of_screens(app: Flask) -> None:
    assert screens.missing(app) == set()


def test_the_menu_of_a_phone(visit: Visit) -> None:
    page = visit(width=390)
    menu = page.get_by_role("navigation", name="Main")
    expect(menu).not_to_be_visible()
    page.get_by_role("button", name="Menu").click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()
    page.get_by_role("button", name="Menu").click()
    menu.get_by_text("Call records").click()
    page.wait_for_url("**/cdr")
    expect(menu).not_to_be_visible()
