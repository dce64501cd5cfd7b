"""Instants, walls and the two days a year on which they disagree."""

from datetime import datetime

import pytest

from app.core import clock
from app.core.errors import InvalidInput, SettingsError


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_iso_has_milliseconds_only_where_there_are_any() -> None:
    assert clock.iso(1_795_392_160_000) == "2026-11-23T00:02:40Z"
    assert clock.iso(1_795_392_160_007) == "2026-11-23T00:02:40.007Z"
    assert clock.iso(None) is None


def test_autumn_has_two_candidates_and_spring_none_of_its_own() -> None:
    twice = clock.wall_to_candidates(wall("2026-10-25 02:30:00"), "Europe/Berlin")
    assert [clock.iso(at) for at in twice] == ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]
    skipped = clock.wall_to_candidates(wall("2026-03-29 02:30:00"), "Europe/Berlin")
    assert [clock.iso(at) for at in skipped] == ["2026-03-29T01:30:00Z"]
    plain = clock.wall_to_candidates(wall("2026-11-22 19:02:57"), "America/New_York")
    assert [clock.iso(at) for at in plain] == ["2026-11-23T00:02:57Z"]


def test_wall_clock_is_the_way_back() -> None:
    at = clock.parse("2026-07-01T12:00:00")
    assert clock.wall_clock(at, "Asia/Kathmandu") == wall("2026-07-01 17:45:00")


def test_months_start_at_midnight() -> None:
    at = clock.parse("2026-11-23T10:00:00")
    assert clock.iso(clock.month_start(at)) == "2026-11-01T00:00:00Z"
    assert clock.iso(clock.month_start(at, 2)) == "2027-01-01T00:00:00Z"
    assert clock.iso(clock.day_start(at)) == "2026-11-23T00:00:00Z"


def test_what_is_no_time_or_zone_is_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="is no time"):
        clock.parse("yesterday")
    for name in ("Mars/Phobos", "../etc/passwd", ""):
        with pytest.raises(SettingsError, match="is not a time zone"):
            clock.zone(name)
