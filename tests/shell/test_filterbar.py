"""The filter bar: fields, chips, addresses that say no more than they must, and nonsense."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from app.core import clock
from app.core.errors import InvalidInput
from app.shell.filterbar import Choice, Filled, FilterBar, Text, TimeRange

NOW = clock.parse("2026-07-01T12:00:00Z")
BERLIN = "Europe/Berlin"


def _even(text: str) -> str:
    if not text.isdigit() or int(text) % 2:
        raise InvalidInput("Only even numbers.", "Add one.")
    return text.lstrip("0")


BAR = FilterBar(
    TimeRange(default="24h"),
    Text("caller", "Caller", most=8, search=True),
    Text("even", "Even", clean=_even, rare=True),
    Choice("status", "Status", (("answered", "Answered"), ("failed", "Not answered")), "Any"),
    label="Calls",
)
TIMELESS = FilterBar(Text("q", "Text"), label="Rules")


def _read(bar: FilterBar = BAR, /, **given: str) -> Filled:
    return bar.read(given, BERLIN, NOW)


def test_an_empty_address_asks_for_the_default() -> None:
    bar = _read()
    assert bar.arguments() == {} and bar.chips() == [] and not bar.problems
    assert bar.range is not None and bar.range.since == NOW - clock.DAY
    assert bar.live and not bar.active and not bar.untidy
    assert bar["caller"] is None


def test_values_are_trimmed_and_cleaned_and_chips_keep_what_was_typed() -> None:
    bar = _read(caller="  bob ", even="0042", status="failed")
    assert (bar["caller"], bar["even"], bar["status"]) == ("bob", "42", "failed")
    assert [(chip.label, chip.text) for chip in bar.chips()] == [
        ("Caller", "bob"),
        ("Even", "0042"),
        ("Status", "Not answered"),
    ]


def test_a_chip_takes_its_filter_away_and_nothing_else() -> None:
    bar = _read(caller="bob", status="failed", range="7d", sort="-caller")
    assert bar.arguments(without="caller") == {"status": "failed", "range": "7d", "sort": "-caller"}
    assert bar.cleared() == {"range": "7d", "sort": "-caller"}
    assert bar.arguments(after="x")["after"] == "x"


def test_what_is_not_its_own_is_dropped() -> None:
    assert _read(after="x", stamp="y", format="csv", utm="z").arguments() == {}


@pytest.mark.parametrize(
    ("given", "tidy"),
    [
        ({"caller": ""}, {}),
        ({"caller": "bob", "status": "", "even": ""}, {"caller": "bob"}),
        ({"range": "24h"}, {}),
        ({"range": "7d", "since": "2026-06-30T10:00", "zone": BERLIN}, None),
        ({"zone": BERLIN}, {}),
        ({"range": "7d", "zone": BERLIN}, {"range": "7d"}),
    ],
)
def test_an_untidy_address_has_a_shorter_one_that_is_tidy(
    given: dict[str, str], tidy: dict[str, str] | None
) -> None:
    bar = _read(**given)
    assert bar.untidy
    if tidy is None:
        tidy = {"since": "2026-06-30T10:00", "zone": BERLIN}
    assert bar.arguments() == tidy
    assert not _read(**tidy).untidy


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"caller": "bob", "range": "7d"},
        {"zone": "UTC"},
        {"since": "2026-06-30T10:00"},
        {"since": "2026-06-30T10:00", "zone": "UTC"},
        {"caller": "much too long", "range": "24h"},
        {"since": "x", "until": "y", "zone": "z", "range": "w"},
    ],
)
def test_an_address_that_is_short_or_wrong_is_left_alone(given: dict[str, str]) -> None:
    assert not _read(**given).untidy


def test_given_ends_carry_their_zone_to_whoever_opens_the_link() -> None:
    bar = _read(since="2026-06-30T10:00", range="7d")
    link = bar.arguments()
    assert link == {"since": "2026-06-30T10:00", "zone": BERLIN}
    elsewhere = BAR.read(link, "Asia/Tokyo", NOW)
    assert bar.range is not None and elsewhere.range is not None
    assert elsewhere.range.since == bar.range.since
    assert elsewhere.zone == BERLIN and elsewhere.own_zone == "Asia/Tokyo"


def test_zones_are_spelt_right_and_left_out_where_they_are_ones_own() -> None:
    assert _read(zone="utc").arguments() == {"zone": "UTC"}
    assert _read(zone="berlin").arguments() == {}
    assert _read(zone="utc", range="7d").preset("1h") == {"range": "1h", "zone": "UTC"}
    assert _read(zone="utc", range="7d").preset("24h") == {"zone": "UTC"}


def test_the_same_range_on_another_clock() -> None:
    bar = _read(since="2026-06-30T10:00", until="2026-06-30T12:00", caller="bob")
    moved = bar.on_clock("UTC")
    assert moved == {
        "caller": "bob",
        "since": "2026-06-30T08:00:00",
        "until": "2026-06-30T10:00:00",
        "zone": "UTC",
    }
    again = _read(**moved)
    assert again.range is not None and bar.range is not None
    assert (again.range.since, again.range.until) == (bar.range.since, bar.range.until)
    assert _read(range="today").on_clock("UTC") == {"range": "today", "zone": "UTC"}
    assert _read(range="7d", zone="UTC").on_clock(BERLIN) == {"range": "7d"}


def test_a_preset_takes_given_ends_away_and_keeps_the_filters() -> None:
    bar = _read(since="2026-06-30T10:00", caller="bob")
    assert bar.preset("7d") == {"caller": "bob", "range": "7d"}
    assert [preset.name for preset, here in bar.presets() if here] == []
    assert [preset.name for preset, here in _read(range="7d").presets() if here] == ["7d"]


def test_only_an_open_range_is_live() -> None:
    assert _read(range="any").live and _read(since="2026-06-30T10:00").live
    assert not _read(range="yesterday").live
    assert not _read(until="2026-06-30T10:00").live
    assert not _read(caller="much too long").live


def test_what_is_wrong_is_said_at_each_field_and_kept_there() -> None:
    given = {
        "caller": "much too long",
        "even": "7",
        "status": "<script>",
        "since": "tomorrow",
        "sort": "x",
    }
    bar = _read(**given)
    assert set(bar.problems) == {"caller", "even", "status", "since"}
    assert bar.problems["caller"] == "At most 8 characters."
    assert bar.problems["even"] == "Only even numbers. Add one."
    assert "no choice here" in bar.problems["status"]
    assert bar.raw == given
    assert bar.values == {} and bar.range is None
    assert bar.arguments()["since"] == "tomorrow" and bar.zone == BERLIN


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"range": "1y"}, "range"),
        ({"zone": "Mars"}, "zone"),
        ({"since": "2026-07-02", "until": "2026-06-01"}, "until"),
    ],
)
def test_what_is_wrong_with_the_range(given: dict[str, str], field: str) -> None:
    bar = _read(**given)
    assert list(bar.problems) == [field]
    assert bar.chips() == [] and bar.presets() and bar.preset("7d") == {"range": "7d"}
    bar.arguments(), bar.on_clock("UTC"), bar.cleared()


@pytest.mark.parametrize(
    "text", ["\x00", "\u202e", "%(x)s", "{0}", "'; --", "=1+1", "<b>", "\ud800", "a\r\nb"]
)
def test_odd_text_passes_as_it_is(text: str) -> None:
    assert _read(caller=text)["caller"] == text
    assert "status" in _read(status=text).problems


def test_repeated_arguments_and_a_bar_without_time() -> None:
    given = MultiDict([("q", "a"), ("q", "b"), ("range", "nonsense")])
    bar = TIMELESS.read(given)
    assert bar["q"] == "a" and not bar.problems and bar.range is None and bar.live
    assert bar.arguments() == {"q": "a"}
    assert TIMELESS.read({"q": ""}).untidy
