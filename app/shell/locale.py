"""In whose language and writing a page is: catalogues, and what the viewer chose."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request

from app.core import formats, words
from app.core.phonebook import NO_COUNTRY, About
from app.core.words import _l
from app.identity.access import operator_or_none

FOLDER = Path(__file__).parent.parent / "translations"
SOURCE = "en"
_INTERNATIONAL = _l("international, of no country")


def init_app(_app: Flask) -> None:
    """Looks texts up in the viewer's language from now on."""
    words.install(_look_up)


@cache
def languages() -> tuple[str, ...]:
    """English, and every language that has a catalogue: ``translations/<language>/messages.po``."""
    return (SOURCE, *sorted(path.parent.name for path in FOLDER.glob("*/messages.po")))


@cache
def catalogue(language: str) -> NullTranslations:
    """The texts of a language, read from its .po file once; nothing has to be compiled."""
    if language == SOURCE:
        return NullTranslations()
    with (FOLDER / language / "messages.po").open("rb") as file:
        texts = read_po(file, locale=language.replace("-", "_"))
    compiled = io.BytesIO()
    write_mo(compiled, texts)
    compiled.seek(0)
    return Translations(compiled)


def tag() -> str:
    """How the viewer wants dates and figures: the operator's choice, else the browser's."""
    if not has_request_context():
        return formats.DEFAULT
    if "locale" not in g:
        operator = operator_or_none()
        g.locale = operator.locale if operator is not None else _wished(formats.LOCALES)
    return str(g.locale)


def language() -> str:
    """The language of the texts: the locale's where there is a catalogue, else English."""
    return negotiate_locale([tag().replace("-", "_")], languages()) or SOURCE


def _wished(offered: tuple[str, ...]) -> str:
    wishes = [wish.replace("-", "_") for wish, _quality in request.accept_languages]
    found = negotiate_locale(wishes, [name.replace("-", "_") for name in offered])
    return (found or formats.DEFAULT).replace("_", "-")


def _look_up(one: str, many: str | None, count: int) -> str:
    if not has_request_context():
        texts = catalogue(SOURCE)
    else:
        if "texts" not in g:
            g.texts = catalogue(language())
        texts = g.texts
    return texts.gettext(one) if many is None else texts.ngettext(one, many, count)


def country(found: About | None) -> str:
    """The country of a number in the viewer's language; empty where it is no number."""
    if found is None:
        return ""
    if found.country == NO_COUNTRY:
        return str(_INTERNATIONAL)
    names = formats.of(language()).territories
    return str(names.get(found.country, found.country))


def name_of(locale: str) -> str:
    """The locale in its own words: ``Deutsch (Deutschland)``."""
    return str(formats.of(locale).display_name)


def example(locale: str, now: int, zone: str) -> str:
    """What a date and a figure look like there, as plain text."""
    moment = formats.moment(now, zone, locale=locale).striptags()
    return f"{moment} · {formats.amount(1_234_567_890_000, 'EUR', locale)}"
