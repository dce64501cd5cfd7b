"""The panel on a port, and a page of the distribution's Chromium that is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize

from app.identity import operators
from tests.browser import scene, screens
from tests.identity.people import PASSWORD, make


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the panel answers."""
    with scene.served(app) as url:
        yield url


@dataclass
class Troubles:
    """What a page complained about: script errors, refused inline code, missing files."""

    seen: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Listens to a page."""
        page.on("pageerror", lambda error: self.seen.append(str(error)))
        page.on(
            "console",
            lambda line: self.seen.append(line.text) if line.type in ("error", "warning") else None,
        )


@pytest.fixture
def troubles() -> Iterator[Troubles]:
    """Collects complaints; the test fails at its end when there was one."""
    found = Troubles()
    yield found
    assert found.seen == []


@pytest.fixture
def visit(
    app: Flask, address: str, browser: Browser, troubles: Troubles, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Page]:
    """``visit(width=390)``: a signed-in page of that size and colour scheme."""
    from argon2 import PasswordHasher

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)
    make(app, "ann")

    def open_page(
        width: int = 1440, height: int = 900, dark: bool = False, script: bool = True
    ) -> Page:
        context = browser.new_context(
            base_url=address,
            viewport=ViewportSize(width=width, height=height),
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        page = context.new_page()
        troubles.watch(page)
        page.goto("/login")
        page.get_by_label("Login").fill("ann")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        return page

    return open_page


def show(page: Page, address: str) -> None:
    """Opens the address; an error page is no screen."""
    answer = page.goto(address)
    assert answer is not None and answer.ok, (address, answer and answer.status)


@dataclass
class Tour:
    """A way through every screen of the seeded panel; pages are signed in."""

    browser: Browser
    seeded: scene.Seeded
    address: str
    cookies: list[dict[str, str]]

    @property
    def addresses(self) -> dict[str, str]:
        """Screens by name."""
        return screens.addresses(self.seeded.app, scene.first_ids(self.seeded))

    def page(
        self, width: int = 1440, dark: bool = False, script: bool = True, entered: bool = True
    ) -> Page:
        """A page of that size and colour scheme; ``entered`` False: nobody is signed in."""
        context = self.browser.new_context(
            base_url=self.address,
            viewport=ViewportSize(width=width, height=900),
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        if entered:
            context.add_cookies(cast(Any, self.cookies))
        return context.new_page()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[scene.Seeded]:
    """One panel with something on every screen, for all tests that only look."""
    made = scene.build(tmp_path_factory.mktemp("seeded"))
    yield made
    made.close()


@pytest.fixture
def tour(seeded: scene.Seeded, browser: Browser) -> Iterator[Tour]:
    """The seeded panel on a port, and pages of it."""
    with scene.served(seeded.app) as address:
        cookies = scene.enter(seeded.app, address)
        yield Tour(browser, seeded, address, cookies)
