"""No state of a screen breaks a rule of axe: light and dark, phone and desk."""

from __future__ import annotations

from pprint import pformat
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Tour

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
# In the dark a page is built the same: only its colours differ.
COLOURS = ["color-contrast", "link-in-text-block"]
LOOKS = [(1440, False), (1440, True), (390, False), (390, True)]


def violations(page: Page, dark: bool = False) -> list[str]:
    """What axe says about the page as it stands: rule, place, why."""
    options: dict[str, Any] = {
        "runOnly": {"type": "rule", "values": COLOURS} if dark else {"type": "tag", "values": TAGS},
        "resultTypes": ["violations"],
    }
    if not dark:
        # Not in those tags yet; Lighthouse asks for it, and so does everybody who speaks to a page.
        options["rules"] = {"label-content-name-mismatch": {"enabled": True}}
    page.evaluate(Axe().axe_script)
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{rule['id']}: {node['target'][0]}: {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]


def _help(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")


def _drawer(page: Page) -> None:
    page.goto("/cdr?range=7d")
    page.locator("tr[data-row]").first.click()
    page.wait_for_selector("#drawer[open] #drawer-title")


def _popovers(page: Page) -> None:
    page.goto("/cdr?range=7d")
    page.evaluate("document.querySelectorAll('main details').forEach(box => box.open = true)")


def _toast(page: Page) -> None:
    page.goto("/jobs")
    page.evaluate("companion.toast('Rule 7 is deleted.', '', '/nowhere')")
    page.evaluate("companion.toast('The panel could not answer.', 'bad')")
    page.wait_for_selector(".toast-line.is-bad")


def _menu(page: Page) -> None:
    page.goto("/")
    if page.viewport_size and page.viewport_size["width"] < 768:
        page.get_by_role("button", name="Menu").click()


def _errors(page: Page) -> None:
    page.goto("/dialplan/new")
    page.locator("main form button.btn-primary").last.click()
    page.wait_for_selector(".is-invalid, [aria-invalid=true], .field-error")


def _not_found(page: Page) -> None:
    page.goto("/nowhere")


STATES = {
    state.__name__.strip("_"): state
    for state in (_help, _drawer, _popovers, _toast, _menu, _errors, _not_found)
}


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_states(tour: Tour, width: int, dark: bool) -> None:
    page = tour.page(width, dark)
    wrong = {}
    for name, make in STATES.items():
        make(page)
        if found := violations(page, dark):
            wrong[name] = found
    assert wrong == {}, pformat(wrong, width=160)
