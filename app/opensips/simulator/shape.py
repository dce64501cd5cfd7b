"""When people call: the shape of a day and of a week."""

from __future__ import annotations

from datetime import datetime

# Share of the busiest hour, from midnight on, by local wall clock.
_RETAIL_DAY = tuple(
    map(
        int,
        [
            "6",
            "4",
            "3",
            "2",
            "2",
            "4",
            "12",
            "30",
            "62",
            "88",
            "97",
            "94",
            "78",
            "80",
            "92",
            "96",
            "100",
            "94",
            "82",
            "70",
            "58",
            "42",
            "24",
            "12",
        ],
    )
)
_TRUNK_DAY = tuple(
    map(
        int,
        [
            "34",
            "28",
            "24",
            "22",
            "24",
            "28",
            "36",
            "50",
            "70",
            "84",
            "90",
            "92",
            "88",
            "88",
            "92",
            "95",
            "97",
            "100",
            "98",
            "92",
            "84",
            "70",
            "54",
            "42",
        ],
    )
)
_RETAIL_WEEK = (104, 108, 106, 104, 98, 46, 34)
_TRUNK_WEEK = (98, 100, 100, 100, 104, 84, 78)

# Means of the tables above, so that a rate is a mean over a week.
_RETAIL_MEAN = sum(_RETAIL_DAY) / 24 * sum(_RETAIL_WEEK) / 7
_TRUNK_MEAN = sum(_TRUNK_DAY) / 24 * sum(_TRUNK_WEEK) / 7


def retail(wall: datetime) -> float:
    """How many calls subscribers make at a wall-clock time, 1.0 being the mean of a week."""
    return _RETAIL_DAY[wall.hour] * _RETAIL_WEEK[wall.weekday()] / _RETAIL_MEAN


def wholesale(wall: datetime) -> float:
    """The same for trunks: their callers live in several time zones."""
    return _TRUNK_DAY[wall.hour] * _TRUNK_WEEK[wall.weekday()] / _TRUNK_MEAN
