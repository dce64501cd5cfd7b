"""Partitions: every day has one before it is needed, months where days are long past."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.cdr.partitions import Partitions, existing, missing_ranges
from app.core import clock
from app.core.database import Databases, reading

NOW = clock.parse("2026-11-23T10:00:00")


def at(day: str) -> int:
    return clock.parse(f"{day}T12:00:00")


def test_days_now_and_months_long_ago() -> None:
    made = missing_ranges([], [at("2026-11-20"), at("2026-03-07")], NOW)
    assert [(clock.iso(low), clock.iso(high)) for low, high in made] == [
        ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
    ]


def test_a_month_with_some_days_gets_the_rest() -> None:
    there = [(clock.parse("2026-03-10T00:00:00"), clock.parse("2026-03-11T00:00:00"))]
    made = missing_ranges(there, [at("2026-03-07"), at("2026-03-20")], NOW)
    assert [(clock.iso(low), clock.iso(high)) for low, high in made] == [
        ("2026-03-01T00:00:00Z", "2026-03-10T00:00:00Z"),
        ("2026-03-11T00:00:00Z", "2026-04-01T00:00:00Z"),
    ]


days = st.integers(-400, 3).map(lambda day: NOW + day * clock.DAY)


@given(st.lists(days, max_size=12), st.lists(days, max_size=12))
def test_every_instant_has_one_partition_and_none_overlap(some: list[int], more: list[int]) -> None:
    first = missing_ranges([], some, NOW)
    ranges = sorted([*first, *missing_ranges(first, more, NOW)])
    for (_, end), (start, _) in zip(ranges, ranges[1:], strict=False):
        assert end <= start
    for instant in [*some, *more]:
        assert sum(low <= instant < high for low, high in ranges) == 1


def test_made_on_the_server_in_any_order(panel_db: Databases) -> None:
    partitions, now = Partitions(panel_db.panel), clock.now_ms()
    for days_ago in (3, 200, 0, 95, 10):
        partitions.ensure([now - days_ago * clock.DAY], now)
    if panel_db.panel.dialect.name == "sqlite":
        return
    with reading(panel_db.panel) as connection:
        for table in ("cdr_answered", "cdr_failed"):
            ranges = sorted(existing(connection, table))
            for days_ago in (3, 200, 0, 95, 10, -1):
                instant = now - days_ago * clock.DAY
                assert sum(low <= instant < high for low, high in ranges) == 1
