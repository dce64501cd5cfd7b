"""The living page: every piece is there and works, in a browser and without script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.shell.design.samples import SECTIONS
from tests.browser.conftest import Troubles
from tests.identity.people import sign_in

Visit = Callable[..., Page]


@pytest.fixture
def page(visit: Visit) -> Page:
    found = visit()
    found.goto("/design")
    return found


def test_only_administrators_see_it(app: Flask) -> None:
    assert sign_in(app, "readonly").get("/design").status_code == 403
    admin = sign_in(app, "admin")
    assert admin.get("/design").status_code == 200
    assert admin.get("/design/rows/99").status_code == 404
    assert 'href="/design"' not in sign_in(app, "readonly", "reader").get("/").text


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_every_piece_is_there_and_nothing_overflows(visit: Visit, width: int, dark: bool) -> None:
    page = visit(width=width, dark=dark)
    page.goto("/design")
    for name, heading in SECTIONS:
        expect(page.locator(f"#piece-{name} > h2")).to_have_text(str(heading))
        assert page.locator(f"#piece-{name} > *").count() > 1, name
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".design-nav a", has_text="Charts").click()
    assert page.url.endswith("#piece-charts")


def test_charts_read_out_their_values(page: Page) -> None:
    view = page.locator("#chart-line .chart-view")
    readout = page.locator("#chart-line [data-readout]")
    rows = page.locator("#chart-line tbody tr")
    view.focus()
    page.keyboard.press("End")
    last = rows.last.locator("td").first.text_content() or "?"
    expect(readout).to_contain_text(f"Set up {last}")
    page.keyboard.press("ArrowLeft")
    expect(readout).to_contain_text(rows.nth(-2).locator("th").text_content() or "?")
    page.keyboard.press("Home")
    expect(readout).to_contain_text(rows.first.locator("th").text_content() or "?")
    week = page.locator("#chart-week .chart-view")
    week.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#chart-week [data-readout]")).to_contain_text("Tue, 01:")
    expect(readout).to_have_text("")
    page.locator("#chart-week .chart-svg .chart-cell").nth(24 * 2 + 5).hover()
    expect(page.locator("#chart-week [data-readout]")).to_contain_text("Wed, 05:")


def test_text_of_charts_keeps_its_size(visit: Visit) -> None:
    page = visit()
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto("/design")
        sizes = page.evaluate(
            "[...document.querySelectorAll('.chart-x text')]"
            ".filter(text => text.getClientRects().length && text.getBBox().width)"
            ".map(text => text.getBoundingClientRect().height)"
        )
        assert sizes and all(11 <= size <= 18 for size in sizes)
        overlaps = page.evaluate(
            "[...document.querySelectorAll('.chart-x')].some(axis => {"
            " const boxes = [...axis.querySelectorAll('text')]"
            "  .map(text => text.getBoundingClientRect()).filter(box => box.width);"
            " return boxes.some((box, n) => n && box.left < boxes[n - 1].right); })"
        )
        assert not overlaps


def test_a_chart_has_its_table(page: Page) -> None:
    table = page.locator("#chart-grouped table")
    expect(table).not_to_be_visible()
    page.locator("#chart-grouped summary").click()
    expect(table).to_be_visible()
    expect(table.locator("tbody tr")).to_have_count(4)


def test_rows_are_sorted_selected_and_opened(page: Page) -> None:
    rows = page.locator("#list-design tbody tr")
    page.locator("#list-design th a", has_text="Number").click()
    expect(rows.first).to_contain_text("Frieda")
    rows.nth(0).locator("[data-pick]").check()
    rows.nth(1).locator("[data-pick]").check()
    expect(page.locator("#list-design [data-bulk-count]")).to_have_text("2 selected")
    page.locator("#list-design-bulk button", has_text="Mark").click()
    expect(page.locator("#toasts")).to_contain_text("2 rows were meant.")
    page.locator("#row-design-2").click()
    expect(page.locator("#drawer-title")).to_have_text("Bert")
    assert page.url.endswith("/design/rows/2")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).not_to_be_visible()


def test_confirmation_is_a_dialog_and_names_what_goes(page: Page) -> None:
    page.locator("#piece-confirm a").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("0049 → gw-2")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    page.locator("#piece-confirm a").click()
    dialog.get_by_role("button", name="Delete 3 rows").click()
    expect(page.locator("#toasts")).to_contain_text("Three rows would be gone now.")
    page.locator("#toasts .toast-action").click()
    expect(page.locator("#toasts")).to_contain_text("It is as it was.")


def test_the_form_refuses_and_keeps_what_was_typed(page: Page, troubles: Troubles) -> None:
    number = page.locator("#piece-forms form").get_by_label("Telephone number")
    number.fill("abc")
    page.locator("#piece-forms form").get_by_role("button", name="Save").click()
    expect(page.locator(".error-summary")).to_contain_text("3 to 15 digits")
    expect(number).to_have_value("abc")
    # Browsers note the answer's status, 422, among their complaints.
    assert len(troubles.seen) == 1 and "422" in troubles.seen.pop()
    number.fill("112")
    page.locator("#piece-forms form").get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("The form was fine")


def test_filters_become_chips(page: Page) -> None:
    page.locator("#filter-q").fill("anna")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=anna**")
    expect(page.locator("#piece-filters .chip")).to_contain_text("anna")


def test_progress_says_how_it_stands(page: Page) -> None:
    bars = page.locator("#piece-progress progress")
    expect(bars).to_have_count(7)
    assert bars.nth(0).get_attribute("value") == "6200"
    assert bars.nth(1).get_attribute("value") is None
    expect(page.locator("#piece-progress")).to_contain_text("41 %")
    for word in ("waiting", "paused", "done", "failed", "cancelled"):
        expect(page.locator("#piece-progress")).to_contain_text(word)


def test_without_script_it_is_all_there(visit: Visit) -> None:
    page = visit(script=False)
    page.goto("/design")
    assert page.locator(".chart-svg").count() >= 9
    page.locator("#chart-week summary").click()
    expect(page.locator("#chart-week table")).to_be_visible()
    page.locator("#piece-confirm a").click()
    expect(page.get_by_role("heading", name="Delete 3 rows?")).to_be_visible()
