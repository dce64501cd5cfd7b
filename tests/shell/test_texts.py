"""Every text that people read can be translated: a made-up language shows which cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select

from app.core import words
from app.core.database import Databases, reading
from app.shell import locale
from tests import texts
from tests.browser import scene, screens
from tests.identity.people import PASSWORD, token_of

_OPEN, _SHUT = "⟦", "⟧"
_NAMES = r"OpenSIPS Companion|[\d.,]+\s[A-Z]{3}\b|\d{1,2}\s[A-Z][a-z]{2}\s\d{4}|\b\d+ px"
# What these screens were asked for, and made-up rows of the page of pieces.
_TYPED = {"nobody", "nothing like it", "UTC", "on", "free"}
# What is written in these is data or code, never ours to translate.
_DATA = {"code", "kbd", "time", "script", "style", "svg"}
_READ = ("title", "aria-label", "placeholder", "alt", "data-confirm", "data-words", "data-label")
_EMPTY = {"meta", "link", "input", "br", "hr", "img", "path", "circle", "rect", "line", "use",
          "col", "source", "wbr"}  # fmt: skip
# Made-up rows of the page of pieces, and days as CLDR names them; names of icons and colours too.
_SAMPLES = {
    *("Anna", "Bert", "DE", "FR", "IT", "PL", "SE"),
    *("OK", "Moved Temporarily", "Busy Here", "Service Unavailable", "Decline"),
    "f81d4fae-7dec-11d0@192.0.2.1",
    *("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_SIGN = re.compile(r"[a-z]+(-[a-z0-9]+)*")


class _Reader(HTMLParser):
    """Collects what people read and nobody translated."""

    def __init__(self, data: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.data = data
        self.stack: list[bool] = [False]
        self.left: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        data = self.stack[-1] and found.get("translate") != "yes"
        data = data or tag in _DATA or found.get("translate") == "no"
        if not data:
            for name in _READ:
                self._judge(found.get(name) or "")
            if tag == "input" and found.get("type") in ("submit", "button"):
                self._judge(found.get("value") or "")
        if tag not in _EMPTY:
            self.stack.append(data)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY and len(self.stack) > 1:
            self.stack.pop()

    def handle_data(self, data: str) -> None:
        if not self.stack[-1]:
            self._judge(data)

    def _judge(self, text: str) -> None:
        # The product's name is a name, and so are currencies behind a figure.
        rest = re.sub(_NAMES, "", text)
        while (cut := re.sub(rf"{_OPEN}[^{_OPEN}{_SHUT}]*{_SHUT}", "", rest)) != rest:
            rest = cut
        # An element inside a sentence cuts it in parts.
        rest = re.sub(rf"{_OPEN}[^{_SHUT}]*$|^[^{_OPEN}]*{_SHUT}", "", rest)
        # A code stands before its reason, joined values have a sign between them.
        parts = re.split(r"^\d{3} |[·→]| – ", " ".join(rest.split()))
        for part in map(str.strip, parts):
            if re.search(r"[^\W\d_]{2,}", part) and part not in self.data:
                self.left.append(part)


def _pseudo(one: str, many: str | None, count: int) -> str:
    return f"{_OPEN}{one if many is None or count == 1 else many}{_SHUT}"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[scene.Seeded]:
    """A panel with something on every screen."""
    found = scene.build(tmp_path_factory.mktemp("texts"))
    yield found
    found.close()


@pytest.fixture
def pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts in brackets from now on."""
    monkeypatch.setattr(words, "_translate", _pseudo)


def _data(dbs: Databases) -> frozenset[str]:
    """Every value and every column's name in both databases: what people and switches wrote."""
    found = set(_TYPED)
    for engine in (dbs.panel, dbs.switch):
        tables = MetaData()
        tables.reflect(engine)
        with reading(engine) as connection:
            for table in tables.sorted_tables:
                found |= {column.name for column in table.c}
                for row in connection.execute(select(table)):
                    found |= {" ".join(value.split()) for value in row if isinstance(value, str)}
    parties = {f"+{value}" for value in found if value.isdigit()}
    return frozenset(found | parties)


def _untranslated(page: str, data: frozenset[str] = frozenset(_TYPED)) -> list[str]:
    reader = _Reader(data)
    reader.feed(page)
    return reader.left


def test_every_screen(seeded: scene.Seeded, pseudo: None) -> None:
    client = seeded.app.test_client()
    login = {"csrf_token": token_of(client), "login": scene.LOGIN, "password": PASSWORD}
    found, data = {}, _data(seeded.dbs)
    for name, address in screens.addresses(seeded.app, scene.first_ids(seeded)).items():
        if name == "login":
            left = _untranslated(client.get(address).text)
            assert client.post("/login", data=login).status_code == 303
        else:
            left = _untranslated(client.get(address).text, data)
        if name.startswith("design"):
            left = [text for text in left if text not in _SAMPLES and not _SIGN.fullmatch(text)]
        if left:
            found[name] = sorted(set(left))
    assert found == {}


def test_errors_and_refusals(seeded: scene.Seeded, pseudo: None) -> None:
    client, data = seeded.app.test_client(), _data(seeded.dbs)
    wrong = {"csrf_token": token_of(client), "login": "", "password": ""}
    pages = [client.post("/login", data=wrong), client.post("/login", data={}), client.get("/no")]
    login = {"csrf_token": token_of(client), "login": scene.LOGIN, "password": PASSWORD}
    assert client.post("/login", data=login).status_code == 303
    csrf = {"csrf_token": token_of(client, "/account")}
    pages += [
        client.get("/no"),
        client.get("/cdr/999999999"),
        client.get("/cdr?after=x"),
        client.get("/cdr?since=never"),
        client.get("/suspense?reason=x"),
        client.get("/suspense?after=x"),
        client.get("/suspense?sort=x"),
        client.get("/suspense/9999999"),
        client.get("/changes/9999999"),
        client.get("/dialplan/9999999"),
        client.post("/account/view", data=csrf | {"zone": "Mars"}),
        client.post("/account/password", data=csrf | {"old": "x", "new": "y"}),
        client.post("/account/password", data=csrf),
        client.post("/dialplan/new", data=csrf | {"match_exp": "(", "pr": "x"}),
        client.post("/suspense/replay-selected", data=csrf),
        client.post("/suspense/replay", data=csrf),
    ]
    assert all(page.status_code >= 400 for page in pages), [page.status for page in pages]
    found = {
        f"{page.request.method} {page.request.path} {index}": left
        for index, page in enumerate(pages)
        if (left := _untranslated(page.text, data))
    }
    assert found == {}


def test_a_catalogue_is_used_without_compiling(
    seeded: scene.Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "messages.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n'
        'Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        'msgid "Sign in"\nmsgstr "Anmelden"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(locale, "FOLDER", tmp_path)
    locale.languages.cache_clear()
    locale.catalogue.cache_clear()
    try:
        client = seeded.app.test_client()
        page = client.get("/login", headers={"Accept-Language": "de-CH, en;q=0.5"}).text
        assert '<html lang="de"' in page and "<h1>Anmelden</h1>" in page
        page = client.get("/login", headers={"Accept-Language": "fr, xx"}).text
        assert '<html lang="en"' in page and "<h1>Sign in</h1>" in page
    finally:
        locale.languages.cache_clear()
        locale.catalogue.cache_clear()


def test_the_translators_file_is_up_to_date() -> None:
    kept = texts.TEMPLATE.read_text(encoding="utf-8")
    assert texts.written(texts.gather()) == kept, "run `make texts` and commit what it writes"
