"""Ranges of time: presets, ends on any clock, days when clocks change, and nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.core import clock
from app.core.errors import InvalidInput
from app.shell import timerange, zones
from app.shell.timerange import Range, read

BERLIN = "Europe/Berlin"
# A Wednesday in July, half past eleven at night in UTC: Thursday in Berlin.
NOW = clock.parse("2026-07-01T23:30:00Z")


def _utc(text: str) -> int:
    return clock.parse(text)


def _read(zone: str = BERLIN, now: int = NOW, default: str = "24h", **given: str) -> Range:
    return read(given, default, zone, now)


@pytest.mark.parametrize("preset", [one for one in timerange.PRESETS if one.length_ms])
def test_presets_count_back_from_now_and_stay_open(preset: timerange.Preset) -> None:
    found = _read(range=preset.name)
    assert (found.since, found.until) == (NOW - preset.length_ms, None)
    assert found.name == preset.name and str(found.label)


def test_without_a_wish_it_is_the_screens_default() -> None:
    assert _read().name == "24h"
    assert _read(default="any") == Range(None, None, BERLIN, "any")
    assert _read(range="") == _read()


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("today", "2026-07-01T22:00:00Z", None),
        ("yesterday", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"),
        ("month", "2026-06-30T22:00:00Z", None),
    ],
)
def test_stretches_of_the_calendar_are_the_viewers(
    name: str, since: str, until: str | None
) -> None:
    found = _read(range=name)
    assert found.since == _utc(since)
    assert found.until == (_utc(until) if until else None)
    assert _read(range="today", zone="UTC") != found
    assert _read("UTC", range="today").since == _utc("2026-07-01T00:00:00Z")


def test_yesterday_has_23_and_25_hours_when_clocks_change() -> None:
    for now, hours in (("2026-03-30T10:00:00Z", 23), ("2026-10-26T10:00:00Z", 25)):
        found = _read(range="yesterday", now=_utc(now))
        assert found.since is not None and found.until is not None
        assert found.until - found.since == hours * clock.HOUR


def test_a_day_begins_where_midnight_was_skipped() -> None:
    # Clocks in Beirut went from 23:59:59 to 01:00 on 29 March 2026.
    found = _read("Asia/Beirut", _utc("2026-03-29T12:00:00Z"), range="today")
    assert found.since == _utc("2026-03-28T22:00:00Z")


def test_given_ends_are_read_on_the_asked_clock() -> None:
    ends = {"since": "2026-07-01T08:00", "until": "2026-07-01T09:30:15"}
    assert _read(**ends) == Range(
        _utc("2026-07-01T06:00:00Z"), _utc("2026-07-01T07:30:15Z"), BERLIN
    )
    tokyo = read(ends | {"zone": "Asia/Tokyo"}, "24h", BERLIN, NOW)
    assert tokyo.since == _utc("2026-06-30T23:00:00Z") and tokyo.zone == "Asia/Tokyo"
    assert read(ends | {"zone": "UTC"}, "24h", BERLIN, NOW).since == _utc("2026-07-01T08:00:00Z")


def test_one_end_may_be_open_and_ends_win_over_a_preset() -> None:
    assert _read(since="2026-07-01T08:00", range="15m").until is None
    assert _read(until="2026-07-01T08:00").since is None
    assert _read(since="2026-07-01T08:00", range="15m").name == ""


def test_a_day_alone_is_meant_whole() -> None:
    found = _read(since="2026-07-01", until="2026-07-01")
    assert found.since is not None and found.until is not None
    assert found.until - found.since == clock.DAY
    change = _read(since="2026-03-29", until="2026-03-29")
    assert change.since is not None and change.until is not None
    assert change.until - change.since == 23 * clock.HOUR


def test_an_offset_of_its_own_needs_no_zone() -> None:
    assert _read(since="2026-07-01T08:00:00+03:00").since == _utc("2026-07-01T05:00:00Z")
    assert _read(since="2026-07-01 08:00Z").since == _utc("2026-07-01T08:00:00Z")


def test_autumns_double_hour_is_taken_whole() -> None:
    found = _read(since="2026-10-25T02:00", until="2026-10-25T02:59:59")
    assert found.since == _utc("2026-10-25T00:00:00Z")
    assert found.until == _utc("2026-10-25T01:59:59Z")


def test_a_time_that_spring_skipped_is_the_change_itself() -> None:
    change = _utc("2026-03-29T01:00:00Z")
    assert _read(since="2026-03-29T02:30").since == change
    assert _read(until="2026-03-29T02:30").until == change
    assert _read(since="2026-03-29T02:30", until="2026-03-29T03:15").until == (
        change + 15 * clock.MINUTE
    )
    with pytest.raises(InvalidInput, match="skipped this time"):
        _read(since="2026-03-29T02:10", until="2026-03-29T02:40")


@pytest.mark.parametrize("zone", [BERLIN, "Australia/Lord_Howe", "America/St_Johns", "Asia/Beirut"])
def test_later_wall_clocks_are_never_earlier(zone: str) -> None:
    # All that change clocks in these weeks do so in one of them.
    begin = (datetime(2026, 3, 1), datetime(2026, 4, 1), datetime(2026, 10, 15))  # noqa: DTZ001
    walls = [day + timedelta(minutes=15 * n) for day in begin for n in range(4 * 24 * 31)]
    walls.sort()
    for first in (True, False):
        instants = [timerange.instant(wall, zone, first=first) for wall in walls]
        assert instants == sorted(instants)


def test_ends_go_round_from_clock_to_clock() -> None:
    found = _read(since="2026-07-01T08:00", until="2026-07-01T09:00")
    moved = found.walls("Asia/Tokyo")
    assert moved == {"since": "2026-07-01T15:00:00", "until": "2026-07-01T16:00:00"}
    again = read(moved | {"zone": "Asia/Tokyo"}, "24h", BERLIN, NOW)
    assert (again.since, again.until) == (found.since, found.until)
    assert _read(range="7d").walls("UTC") == {}


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"since": "yesterday"}, "since", "no time"),
        ({"until": "25:00"}, "until", "no time"),
        ({"since": "2026-02-30T00:00"}, "since", "2026-02 has no day 30"),
        ({"since": "2026-04-31"}, "since", "has no day 31"),
        ({"since": "2026-13-01T00:00"}, "since", "no time"),
        ({"since": "0001-01-01T00:00"}, "since", "year 1 is out of range"),
        ({"until": "9999-12-31T23:59"}, "until", "year 9999"),
        ({"until": "9999-12-31"}, "until", "year 9999"),
        ({"since": "1970-01-01T00:00+14:00"}, "since", "out of range"),
        ({"since": "2026-07-02T00:00", "until": "2026-07-01T00:00"}, "until", "ends before"),
        ({"since": "2026-07-01T00:00", "until": "2026-07-01T00:00"}, "until", "ends before"),
        ({"range": "1y"}, "range", "no range “1y”"),
        ({"range": "<script>"}, "range", "no range"),
        ({"range": "custom"}, "range", "no range"),
        ({"zone": "Mars/Olympus"}, "zone", "no time zone"),
        ({"zone": "../../etc/passwd"}, "zone", "no time zone"),
        ({"zone": "/etc/localtime"}, "zone", "no time zone"),
        ({"zone": "Europe/Berlin\x00"}, "zone", "no time zone"),
        ({"zone": "z" * 10_000}, "zone", "no time zone"),
        ({"zone": "٣"}, "zone", "no time zone"),
        ({"since": "٢٠٢٦-٠٧-٠١"}, "since", "no time"),
        ({"since": "9" * 10_000}, "since", "no time"),
        ({"since": "%(typed)s %s {0}"}, "since", "no time"),
    ],
)
def test_nonsense_is_named_at_its_field(given: dict[str, str], field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(given, "24h", BERLIN, NOW)
    assert caught.value.field == field
    assert words in caught.value.message and caught.value.remedy
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        (" New York ", "America/New_York"),
        ("utc", "UTC"),
        ("CET", "CET"),
        ("Etc/GMT+3", "Etc/GMT+3"),
    ],
)
def test_zones_as_people_write_them(typed: str, name: str) -> None:
    assert zones.find_zone(typed) == name


def test_every_offered_zone_is_found_by_its_name() -> None:
    assert [zones.find_zone(name) for name in zones.zones()] == list(zones.zones())
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= set(zones.zones())


def test_a_city_that_there_is_twice_is_asked_back() -> None:
    with pytest.raises(InvalidInput, match="several places"):
        zones.find_zone("louisville")


def test_what_time_it_is_changes_nothing_about_given_ends() -> None:
    ends = {"since": "2026-07-01T08:00"}
    later = clock.from_datetime(datetime(2030, 1, 1, tzinfo=UTC))
    assert read(ends, "24h", BERLIN, NOW) == read(ends, "24h", BERLIN, later)
