"""Every journey by keyboard alone: no mouse, and one always sees where the focus is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import scene
from tests.identity.people import PASSWORD

# The focused element, its row or its label shows an outline, a ring or a marked first cell.
SEEN = """() => {
  const shows = (e) => {
    const style = e && getComputedStyle(e);
    return Boolean(style) && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== 'none');
  };
  const here = document.activeElement;
  if (!here || here === document.body || here.matches('main, dialog, h2')) return true;
  return shows(here) || shows(here.closest('tr[data-row]')?.firstElementChild)
    || shows(here.closest('label'));
}"""
WHAT = "document.activeElement.outerHTML.slice(0, 120)"
HERE = "e => e === document.activeElement"


@pytest.fixture
def page(tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """Nobody is signed in yet; what the test changes is its own."""
    seeded = scene.build(tmp_path)
    with scene.served(seeded.app) as address:
        found = browser.new_context(base_url=address, reduced_motion="reduce").new_page()
        yield found
    seeded.close()


def tab_to(page: Page, target: Locator, backwards: bool = False) -> None:
    """Presses Tab until the target has the focus; what lies on the way must show it, too."""
    expect(target).to_be_visible()
    for _ in range(250):
        if target.evaluate(HERE):
            return
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        assert page.evaluate(SEEN), page.evaluate(WHAT)
    pytest.fail(f"the keyboard does not reach {target}")


def go(page: Page, key: str, address: str) -> None:
    """``g`` and a letter."""
    page.keyboard.press("g")
    page.keyboard.press(key)
    page.wait_for_url(address)


def sign_in(page: Page) -> None:
    page.goto("/login")
    expect(page.get_by_label("Login")).to_be_focused()
    page.keyboard.type(scene.LOGIN)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")


def test_in_look_around_and_out(page: Page) -> None:
    sign_in(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).not_to_be_visible()

    page.keyboard.press("/")
    expect(page.get_by_label("Search everything")).to_be_focused()
    page.keyboard.type("suspense")
    page.keyboard.press("Enter")
    page.wait_for_url("**/suspense")
    page.go_back()

    zone = page.get_by_label("Time zone")
    tab_to(page, page.get_by_title("Your account"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/account")
    tab_to(page, zone)
    page.keyboard.type("America/New_Y")
    page.keyboard.press("Enter")
    if "America/New_York" not in page.locator(".who-role").inner_text():
        tab_to(page, page.locator("form", has=zone).get_by_role("button", name="Save"))
        page.keyboard.press("Enter")
    expect(page.locator(".who-role")).to_contain_text("America/New_York")

    tab_to(page, page.get_by_role("button", name="Sign out"), backwards=True)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")


def test_through_a_list(page: Page) -> None:
    sign_in(page)
    go(page, "c", "**/cdr")
    links = page.locator("main a[data-row-link]")
    title = page.locator("#drawer-title")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    assert page.evaluate(SEEN)
    page.keyboard.press("Enter")
    expect(title).to_be_focused()
    first = title.inner_text()
    page.keyboard.press("j")
    expect(title).not_to_have_text(first)
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN), page.evaluate(WHAT)
        assert page.evaluate(
            "document.activeElement === document.body"
            " || document.getElementById('drawer').contains(document.activeElement)"
        )
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).not_to_be_visible()
    expect(links.nth(1)).to_be_focused()

    callee = page.locator("#filter-callee")
    page.keyboard.press("f")
    tab_to(page, callee)
    page.keyboard.type("nobody at all")
    page.keyboard.press("Enter")
    page.wait_for_url("**callee=**")
    expect(page.locator("main tr[data-row]")).to_have_count(0)


def test_a_rule_comes_and_goes(page: Page) -> None:
    sign_in(page)
    go(page, "d", "**/dialplan")
    tab_to(page, page.get_by_role("link", name="Add a rule"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/dialplan/new**")
    for label, text in (("Dialplan", "7"), ("Match", "^0190"), ("Output", "barred")):
        tab_to(page, page.get_by_role("textbox", name=label, exact=True))
        page.keyboard.press("Control+a")
        page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda address: not address.endswith("/new"))

    page.goto("/dialplan?q=0190")
    row = page.locator("main tbody tr", has_text="^0190")
    expect(row).to_have_count(1)
    tab_to(page, row.get_by_role("link", name="Delete"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Delete").last)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.goto("/dialplan?q=0190")
    expect(page.locator("main tbody tr")).to_have_count(0)


def test_suspense_is_tried_again(page: Page) -> None:
    sign_in(page)
    go(page, "s", "**/suspense")
    tab_to(page, page.get_by_role("button", name="Replay all").first)
    page.keyboard.press("Enter")
    sure = page.locator("dialog[open], .confirm-form").get_by_role("button", name="Replay")
    tab_to(page, sure)
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).not_to_be_empty()
