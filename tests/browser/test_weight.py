"""What a first visit costs, and what a page is made of: the facts behind Lighthouse's figures."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import Tour, show

MOST_BYTES = 200_000
MOST_REQUESTS = 12


class Meter:
    """Counts what a page loads, by the browser's own account; the cache is off."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        self.requests: list[str] = []
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)

    def _sent(self, event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            self.requests.append(event["request"]["url"])

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])


MADE_OF = """() => {
  const found = [];
  const all = [...document.querySelectorAll('*')];
  for (const tag of all) {
    for (const {name} of tag.attributes)
      if (/^(style$|on|hx-on)/.test(name)) found.push(`${tag.tagName} ${name}`);
  }
  for (const tag of document.querySelectorAll('style')) found.push('style');
  for (const tag of document.querySelectorAll('script')) {
    if (!tag.src) found.push('script without src');
    else if (!tag.defer && !tag.async && tag.type !== 'module') found.push(`blocks: ${tag.src}`);
  }
  for (const tag of document.querySelectorAll('[src], link[href]')) {
    const address = new URL(tag.getAttribute('src') ?? tag.getAttribute('href'), location);
    if (address.origin !== location.origin) found.push(address.href);
  }
  return found;
}"""


def test_a_first_visit_is_light_and_stays_here(tour: Tour) -> None:
    wrong: dict[str, object] = {}
    left = list(tour.addresses.items())
    while left:
        # Several at once: most of the time one waits for a page to fall silent.
        visits = [(name, tour.page(entered=name != "login")) for name, _ in left[:6]]
        meters = [Meter(page) for _, page in visits]
        for (_, page), (_, address) in zip(visits, left, strict=False):
            show(page, address)
        for (name, page), meter in zip(visits, meters, strict=True):
            page.wait_for_load_state("networkidle")
            if meter.bytes > MOST_BYTES or len(meter.requests) > MOST_REQUESTS:
                wrong[name] = (meter.bytes, meter.requests)
            strangers = [url for url in meter.requests if not url.startswith(tour.address)]
            assert meter.bytes > 10_000 and not strangers, (name, meter.bytes, strangers)
            page.context.close()
        left = left[6:]
    assert wrong == {}


def test_no_screen_holds_code_of_its_own(tour: Tour) -> None:
    # Without script: what the server sent, not what scripts made of it.
    page, outside = tour.page(script=False), tour.page(script=False, entered=False)
    for name, address in tour.addresses.items():
        shown = outside if name == "login" else page
        show(shown, address)
        assert shown.evaluate(MADE_OF) == [], name
