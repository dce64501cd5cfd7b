"""Values as people read them: zones, locales, clock changes, big and negative figures."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, formats, money

BERLIN = "Europe/Berlin"
AT = clock.parse("2026-11-23T04:12:03.045Z")


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: clock.parse("2026-12-01T00:00:00Z"))


def _plain(text: str) -> str:
    return re.sub(r"<[^>]+>", "", text).replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("locale", "style", "expected"),
    [
        ("en-GB", "full", "23 Nov 2026 05:12:03"),
        ("en-GB", "short", "23 Nov 05:12:03"),
        ("en-GB", "exact", "23 Nov 2026 05:12:03.045"),
        ("en-GB", "minute", "23 Nov 2026 05:12"),
        ("en-GB", "time", "05:12:03"),
        ("en-GB", "date", "23 Nov 2026"),
        ("en-US", "full", "Nov 23, 2026 5:12:03 AM"),
        ("en-US", "minute", "Nov 23, 2026 5:12 AM"),
        ("de-DE", "full", "23. Nov. 2026 05:12:03"),
        ("de-DE", "short", "23. Nov. 05:12:03"),
        ("fi-FI", "time", "5.12.03"),
        ("ja-JP", "date", "2026年11月23日"),
    ],
)
def test_moments_by_locale(locale: str, style: str, expected: str) -> None:
    assert _plain(formats.moment(AT, BERLIN, style, locale)) == expected


def test_a_moment_says_utc_and_last_year_has_its_number() -> None:
    text = formats.moment(clock.parse("2025-06-01T12:00:00Z"), BERLIN, "short")
    assert 'datetime="2025-06-01T12:00:00' in text
    assert (
        'title="2025-06-01 12:00:00 UTC"' in text or 'title="2025-06-01 12:00:00.000 UTC"' in text
    )
    assert _plain(text) == "1 Jun 2025 14:00:00"
    assert _plain(formats.moment(None, BERLIN)) == "—"


def test_the_hour_that_comes_twice() -> None:
    first, second = (clock.parse(f"2026-10-25T0{hour}:30:00Z") for hour in (0, 1))
    shown = [_plain(formats.moment(at, BERLIN, "minute")) for at in (first, second)]
    assert shown == ["25 Oct 2026 02:30"] * 2
    assert formats.moment(first, BERLIN) != formats.moment(second, BERLIN)


@pytest.mark.parametrize(
    ("units", "currency", "locale", "expected"),
    [
        (12_500_000, "EUR", "en-GB", "0.0125 EUR"),
        (1_000_000_000, "EUR", "en-GB", "1.00 EUR"),
        (1_234_567_891_234_567_891, "EUR", "en-GB", "1,234,567,891.234567891 EUR"),
        (-1_234_567_891_234_567_891, "EUR", "de-DE", "-1.234.567.891,234567891 EUR"),
        (1_234_567_800_000_000, "EUR", "fr-FR", "1 234 567,80 EUR"),
        (12_345, "JPY", "ja-JP", "1.2345 JPY"),
        (10_000, "JPY", "en-GB", "1 JPY"),
        (None, "EUR", "en-GB", "—"),
        (5, None, "en-GB", "—"),
    ],
)
def test_money(units: int | None, currency: str | None, locale: str, expected: str) -> None:
    assert _plain(formats.amount(units, currency, locale)) == expected


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.sampled_from(formats.LOCALES))
def test_money_never_loses_a_digit(units: int, locale: str) -> None:
    text = formats.amount(units, "EUR", locale)
    whole, _, rest = text.removesuffix("\u00a0EUR").rpartition(formats._point(locale))
    digits = re.sub(r"\D", "", whole) + re.sub(r"\D", "", rest).ljust(9, "0")
    assert int(digits) == abs(units)
    assert (units < 0) == (text[0] in "-−")
    assert money.to_text(units, "EUR") is not None


@pytest.mark.parametrize(
    ("value", "locale", "expected"),
    [
        (0, "en-GB", "0"),
        (1_234_567, "en-GB", "1,234,567"),
        (1_234_567, "de-CH", "1’234’567"),
        (1_234_567, "sv-SE", "1 234 567"),
        (None, "en-GB", "—"),
    ],
)
def test_numbers(value: int | None, locale: str, expected: str) -> None:
    assert _plain(formats.number(value, locale)) == expected


def test_lengths_shares_and_ages() -> None:
    assert formats.duration(3_723_400) == "1:02:03.4"
    assert formats.duration(3_723_400, "de-DE") == "1:02:03,4"
    assert [formats.duration(ms) for ms in (0, 7_000, -7_000, None)] == [
        "0:00",
        "0:07",
        "-0:07",
        "—",
    ]
    assert _plain(formats.permille(666)) == "66.6 %"
    assert _plain(formats.permille(1000, "de-DE")) == "100,0 %"
    assert [formats.ago(0, ms) for ms in (0, 61_000, 3_600_000, 90_000_000)] == [
        "0 s ago", "1 min ago", "1 h ago", "1 d ago",
    ]  # fmt: skip
    assert formats.ago(None, 0) == "never"


@pytest.mark.parametrize("locale", formats.LOCALES)
def test_what_a_locale_says_is_inert(locale: str) -> None:
    for style in ("full", "short", "exact", "minute", "time", "date"):
        text = str(formats.moment(AT, BERLIN, style, locale))
        assert re.fullmatch(
            r'<time datetime="[^"<]+" title="[^"<]+">'
            r'(<span class="day">[^<]+</span>)? ?[^<]*</time>',
            text,
        )
