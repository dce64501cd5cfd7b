"""How values look on a page: times in the viewer's zone, figures in his locale. Pure.

A locale is a BCP 47 tag such as ``de-DE``; its patterns come from Unicode's CLDR by Babel and are
kept once read, since a page formats some five hundred values.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import DateTimePattern, parse_pattern
from babel.numbers import NumberPattern
from babel.numbers import parse_pattern as parse_number
from markupsafe import Markup, escape

from app.core import clock, money
from app.core.words import _

DEFAULT = "en-GB"
# What is offered. Texts are in English where there is no catalogue for the language.
LOCALES = (
    "en-GB", "en-US", "cs-CZ", "da-DK", "de-AT", "de-CH", "de-DE", "es-ES", "es-MX", "fi-FI",
    "fr-CH", "fr-FR", "it-IT", "ja-JP", "nb-NO", "nl-NL", "pl-PL", "pt-BR", "pt-PT", "sv-SE",
    "tr-TR", "uk-UA",
)  # fmt: skip


@lru_cache(maxsize=64)
def of(tag: str) -> Locale:
    """Babel's locale for a tag that is offered."""
    return Locale.parse(tag.replace("-", "_"))


@lru_cache(maxsize=256)
def _pattern(tag: str, style: str) -> DateTimePattern:
    locale = of(tag)
    if style in ("date", "this_year"):
        skeleton = {"date": "yMMMd", "this_year": "MMMd"}[style]
        return parse_pattern(str(locale.datetime_skeletons[skeleton]))
    if style == "exact":
        # Milliseconds stand behind 24 hours everywhere: they are compared with logs.
        return parse_pattern("HH:mm:ss.SSS")
    return parse_pattern(str(locale.time_formats["short" if style == "minute" else "medium"]))


@lru_cache(maxsize=256)
def _figures(tag: str, pattern: str) -> NumberPattern:
    return parse_number(pattern or of(tag).decimal_formats[None])


def moment(instant_ms: int | None, zone: str, style: str = "full", locale: str = DEFAULT) -> Markup:
    """``<time>`` with the wall clock of the zone; UTC stands in its title.

    Styles: ``full`` (23 Nov 2026 05:12:03), ``short`` (without this year's number), ``exact``
    (with milliseconds), ``minute``, ``time`` (05:12:03), ``date``.
    """
    if instant_ms is None:
        return Markup('<span class="text-faint">—</span>')
    where = clock.zone(zone)
    local = clock.to_datetime(instant_ms).astimezone(where)
    words = hour = ""
    if style != "time":
        this_year = style == "short" and local.year == _year(zone, clock.now_ms() // clock.HOUR)
        words = f'<span class="day">{_day(locale, this_year, local.date())}</span>'
    if style != "date":
        hour = _hour(locale, style if style in ("minute", "exact") else "time", local)
    utc = (clock.iso(instant_ms) or "").replace("T", " ").removesuffix("Z")
    text = f"{words} {hour}".strip()
    # Every part was made here of numbers and CLDR's own words, so nothing is left to escape.
    return Markup(f'<time datetime="{clock.iso(instant_ms)}" title="{utc} UTC">{text}</time>')  # noqa: S704


@lru_cache(maxsize=64)
def _year(zone: str, hour: int) -> int:
    return clock.to_datetime(hour * clock.HOUR).astimezone(clock.zone(zone)).year


@lru_cache(maxsize=1024)
def _day(tag: str, this_year: bool, day: date) -> str:
    return _text(_pattern(tag, "this_year" if this_year else "date"), day, tag)


def _hour(tag: str, style: str, local: datetime) -> str:
    if plain := _strftime(tag, style):
        return local.strftime(plain)
    return _text(_pattern(tag, style), local, tag)


@lru_cache(maxsize=256)
def _strftime(tag: str, style: str) -> str:
    """The same pattern for C, ten times as fast, where it has but two-digit parts; else ""."""
    pattern = rest = str(_pattern(tag, style).pattern)
    for mark, code in (("HH", "%H"), ("mm", "%M"), ("ss", "%S")):
        pattern, rest = pattern.replace(mark, code), rest.replace(mark, "")
    return pattern if not any(char.isalpha() or char == "'" for char in rest) else ""


def _text(pattern: DateTimePattern, value: date | datetime, tag: str) -> str:
    return str(escape(pattern.apply(value, of(tag)).replace(" ", "\u00a0")))


def ago(instant_ms: int | None, now: int) -> str:
    """``12 s ago``, ``5 min ago``, ``3 h ago``, ``2 d ago``; rounded down."""
    if instant_ms is None:
        return _("never")
    past = max(now - instant_ms, 0)
    if past >= clock.DAY:
        return _("%(count)s d ago", count=past // clock.DAY)
    if past >= clock.HOUR:
        return _("%(count)s h ago", count=past // clock.HOUR)
    if past >= clock.MINUTE:
        return _("%(count)s min ago", count=past // clock.MINUTE)
    return _("%(count)s s ago", count=past // clock.SECOND)


def duration(length_ms: int | None, locale: str = DEFAULT) -> str:
    """``1:02:03.4``, ``0:07``: hours only when there are any, tenths only when there are any."""
    if length_ms is None:
        return "—"
    tenths = abs(length_ms) // 100
    seconds, tenth = divmod(tenths, 10)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"
    if tenth:
        text += f"{_point(locale)}{tenth}"
    return "-" + text if length_ms < 0 else text


@lru_cache(maxsize=64)
def _point(locale: str) -> str:
    return str(of(locale).number_symbols["latn"]["decimal"])


def amount(units: int | None, currency: str | None, locale: str = DEFAULT) -> str:
    """``0.0125 EUR``: exact, at least two decimal places where the currency has cents."""
    text = money.to_text(units, currency)
    if text is None or currency is None:
        return "—"
    cents = money.places(currency) > 4
    pattern = _figures(locale, "#,##0.00#######" if cents else "#,##0.####")
    return f"{_figured(pattern, Decimal(text), locale)}\u00a0{currency}"


def number(value: int | None, locale: str = DEFAULT) -> str:
    """``12,345``: digits in the locale's groups."""
    return "—" if value is None else _figured(_figures(locale, ""), value, locale)


def permille(value: int | None, locale: str = DEFAULT) -> str:
    """Thousandths as per cent with one place: 666 is ``66.6 %``."""
    if value is None:
        return "—"
    text = _figured(_figures(locale, "#,##0.0"), Decimal(value) / 10, locale)
    return f"{text}\u00a0%"


def _figured(pattern: NumberPattern, value: int | Decimal, locale: str) -> str:
    return str(pattern.apply(value, of(locale), decimal_quantization=False))


def phone(text: str) -> str:
    """E.164 digits get their ``+``; what is short, national or a name stays as it is."""
    number = text.isascii() and text.isdigit() and 8 <= len(text) <= 15 and text[0] != "0"
    return f"+{text}" if number else text
