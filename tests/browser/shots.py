"""``make shots``: a picture of every screen into docs/images/screens/, for people to look at.

``python -m tests.browser.shots [folder] [names …]`` takes some of them only.
"""

from __future__ import annotations

import base64
import logging
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from app.core import clock
from tests.browser import scene
from tests.browser.screens import SCREENS, addresses
from tests.services import chromium, run

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "screens"
# A working Wednesday: the same pictures whenever they are taken.
NOW = clock.parse("2026-11-18T09:41:07Z")
LOOKS = (
    ("1440-light", 1440, 900, False),
    ("1440-dark", 1440, 900, True),
    ("390-light", 390, 844, False),
)
HIGHEST = 6_000


def take(folder: Path, only: set[str], kind: str) -> int:
    """Writes the pictures; returns how many bytes they are."""
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    with tempfile.TemporaryDirectory() as home:
        real, began = clock.now_ms, clock.now_ms()
        clock.now_ms = lambda: NOW + (real() - began) // 1000  # type: ignore[assignment]
        seeded = scene.build(Path(home))
        pages = addresses(seeded.app, scene.first_ids(seeded))
        with scene.served(seeded.app) as address, chromium.browser() as browser:
            for look, width, height, dark in LOOKS:
                page = _page(browser, address, width, height, dark)
                entered = False
                for screen in SCREENS:
                    if screen.name not in pages or (only and screen.name not in only):
                        continue
                    if screen.signed_in and not entered:
                        scene.sign_in(page)
                        entered = True
                    page.goto(pages[screen.name], wait_until="networkidle")
                    picture = _picture(page, width, height, kind)
                    (folder / f"{screen.name}-{look}.{kind}").write_bytes(picture)
                    written += len(picture)
    return written


def _page(browser: Browser, address: str, width: int, height: int, dark: bool) -> Page:
    context = browser.new_context(
        base_url=address,
        viewport=ViewportSize(width=width, height=height),
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    return context.new_page()


def _picture(page: Page, width: int, height: int, kind: str) -> bytes:
    # The whole page as a window of that height would show it: what sticks stays in place.
    whole = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size(ViewportSize(width=width, height=min(max(whole, height), HIGHEST)))
    options = {"quality": 70} if kind == "webp" else {}
    session = page.context.new_cdp_session(page)
    answer = session.send("Page.captureScreenshot", {"format": kind, **options})
    session.detach()
    page.set_viewport_size(ViewportSize(width=width, height=height))
    return base64.b64decode(answer["data"])


def main() -> None:
    """Takes the pictures that were asked for, else all of them into docs/."""
    elsewhere = len(sys.argv) > 1
    folder = Path(sys.argv[1]) if elsewhere else FOLDER
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    run.begin()
    try:
        written = take(folder, set(sys.argv[2:]), "png" if elsewhere else "webp")
    finally:
        run.end()
    print(f"{folder}: {written / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
