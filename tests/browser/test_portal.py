"""A subscriber's own page in a real browser: from the link to the statement, on phone and desk."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from sqlalchemy import func, select

from app.cdr.tables import answered
from app.core.database import reading, writing
from app.opensips.tables import reflect
from app.portal import people
from tests.browser.conftest import Tour
from tests.browser.test_axe import LOOKS, violations

PASSWORD = "violin harbour seventeen"
PAGES = ("/my", "/my/calls", "/my/statement", "/my/password")


def _customer(tour: Tour) -> str:
    """A subscriber of the demo who has an account."""
    with reading(tour.seeded.dbs.switch) as connection:
        table = reflect(connection, "subscriber")
        names = {f"{row.username}@{row.domain}" for row in connection.execute(select(table))}
    with reading(tour.seeded.dbs.panel) as connection:
        most = select(answered.c.account).group_by(answered.c.account)
        codes = connection.scalars(most.order_by(func.count().desc())).all()
    return next(code for code in codes if code in names)


def enter(page: Page, tour: Tour) -> None:
    """By a link, as subscribers do."""
    with writing(tour.seeded.dbs.panel) as connection:
        token = people.invite(connection, _customer(tour))
    page.goto(f"/my/begin/{token}")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/my")


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_own_pages(tour: Tour, browser: Browser, width: int, dark: bool) -> None:
    page = tour.page(width, dark, entered=False)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    enter(page, tour)
    wrong: dict[str, Any] = {}
    for address in PAGES:
        answer = page.goto(address)
        assert answer is not None and answer.ok, address
        if found := violations(page, dark):
            wrong[address] = found
        beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert beyond <= 0, address
    assert wrong == {} and complaints == []
    page.goto("/my/statement")
    page.get_by_role("link", name="Month before").click()
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/my/enter")


def test_without_script(tour: Tour, browser: Browser) -> None:
    context = browser.new_context(
        base_url=tour.address,
        viewport=ViewportSize(width=390, height=800),
        java_script_enabled=False,
    )
    page = context.new_page()
    enter(page, tour)
    for address in PAGES:
        answer = page.goto(address)
        assert answer is not None and answer.ok, address
