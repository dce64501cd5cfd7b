"""Every screen at every width, light and dark: axe, nothing sideways, targets for fingers.

One visit for desks and one for phones: what differs between widths and colours is style, so the
page is resized and darkened as it stands. What axe looks for is in ``tests.browser.test_axe``.
"""

from __future__ import annotations

from pprint import pformat
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Tour, show
from tests.browser.test_axe import violations

SMALL = """() => [...document.querySelectorAll("a, button, input, select, summary")]
  .filter((e) => e.checkVisibility({checkVisibilityCSS: true}))
  .filter((e) => !e.closest("p, dd, .visually-hidden, .skip, td a, h2 a"))
  .filter((e) => !e.matches("[type=hidden], label > input"))
  .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
  .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""


def _wrong(page: Page, width: int, others: tuple[int, ...]) -> dict[str, Any]:
    """What is wrong with the page as it stands, by what was looked for."""
    found: dict[str, Any] = {"axe": violations(page), "small targets": page.evaluate(SMALL)}
    for wide in (width, *others):
        page.set_viewport_size({"width": wide, "height": 900})
        found[f"sideways at {wide}"] = page.evaluate(
            "Math.max(0, document.documentElement.scrollWidth - window.innerWidth)"
        )
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark")
    found["axe in the dark"] = violations(page, dark=True)
    page.emulate_media(color_scheme="light")
    return {what: value for what, value in found.items() if value}


@pytest.mark.parametrize(("width", "others"), [(1440, (2560, 1024)), (390, (768,))])
def test_nothing_is_wrong_with_it(tour: Tour, width: int, others: tuple[int, ...]) -> None:
    outside, inside = tour.page(width, entered=False), tour.page(width)
    wrong = {}
    for name, address in tour.addresses.items():
        page = outside if name == "login" else inside
        show(page, address)
        if found := _wrong(page, width, others):
            wrong[name] = found
    assert wrong == {}, pformat(wrong, width=160)
