"""Single sign-on in a real browser: the content policy must let one go to the provider."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from app.core.database import Databases, writing
from app.identity import openid_people
from tests.browser.test_axe import violations
from tests.identity.openid import switch_on
from tests.identity.people import make
from tests.services import openid


@pytest.mark.parametrize("script", [True, False])
def test_to_the_provider_and_back(
    app: Flask,
    databases: Databases,
    address: str,
    browser: Browser,
    tmp_path: Path,
    script: bool,
) -> None:
    number = make(app, "ann", "noc")
    with openid.started(tmp_path / "log", {"sub": "s-ann"}) as issuer:
        switch_on(app, issuer)
        with writing(databases.panel) as connection:
            openid_people.link(connection, number, issuer, "s-ann")
        context = browser.new_context(base_url=address, java_script_enabled=script)
        page = context.new_page()
        page.goto("/login?next=/account")
        clean = script and not violations(page)
        page.get_by_role("button", name="Sign in with Works").click()
        page.wait_for_url(f"{issuer}/**")
        page.get_by_role("button", name="s-ann").click()
        page.wait_for_url(f"{address}/account")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Your account")
        page.get_by_role("link", name="Single sign-on").click()
        expect(page.locator("main")).to_contain_text("s-ann")
        assert not script or (clean and violations(page) == [])
        context.close()
