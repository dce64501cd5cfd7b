"""Charts: round figures on the axes, true shapes, words and a table for those who see none."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, render_template_string

from app.core import clock
from app.shell.charts import Chart, Series, Viewer, bars, heat, hours_by_weekday, line, spark
from app.shell.charts.model import HEIGHT
from app.shell.charts.scale import nice, time_ticks

BERLIN = Viewer("Europe/Berlin", "en-GB")
START = clock.from_datetime(datetime(2026, 11, 23, tzinfo=ZoneInfo("Europe/Berlin")))


def _at(count: int, step: int = clock.HOUR) -> list[int]:
    return [START + number * step for number in range(count)]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], (0, 1)),
        ([0, 0, 0], (0, 1)),
        ([7], (0, 2, 4, 6, 8)),
        ([1], (0, 1)),
        ([3, 97], (0, 20, 40, 60, 80, 100)),
        ([-5, 3], (-6, -4, -2, 0, 2, 4)),
        ([-40], (-40, -30, -20, -10, 0)),
        ([0.1, 0.3], (0, 0.1, 0.2, 0.3)),
        ([0.0004], (0, 0.0001, 0.0002, 0.0003, 0.0004)),
        ([10**15], (0, 2e14, 4e14, 6e14, 8e14, 1e15)),
        ([1e308, -1e308], (-1e308, -5e307, 0, 5e307, 1e308)),
    ],
)
def test_ticks_are_round_and_hold_every_value(
    values: list[float], ticks: tuple[float, ...]
) -> None:
    scale = nice(values, HEIGHT)
    assert scale.ticks == pytest.approx(ticks)
    for value in values:
        assert 0 <= scale.down(value) <= HEIGHT


def test_whole_numbers_get_no_steps_between() -> None:
    assert all(float(tick).is_integer() for tick in nice([2], HEIGHT).ticks)


def _labels(first: int, last: int, viewer: Viewer, room: str) -> list[str]:
    return [tick.label for tick in time_ticks(first, last, viewer) if room in tick.room.split()]


@pytest.mark.parametrize(
    ("span", "wide", "narrow"),
    [
        (10 * clock.MINUTE, ["00:01", "00:02"], ["00:05"]),
        (24 * clock.HOUR, ["23 Nov", "03:00", "06:00"], ["23 Nov", "06:00", "12:00"]),
        (7 * clock.DAY, ["23 Nov", "24 Nov"], ["24 Nov", "26 Nov"]),
        (90 * clock.DAY, ["23 Nov", "7 Dec"], ["Dec", "Jan 2027", "Feb"]),
        (3 * 365 * clock.DAY, ["Jan 2027", "Jul"], ["2027", "2028"]),
    ],
)
def test_times_are_round_in_the_viewers_zone(span: int, wide: list[str], narrow: list[str]) -> None:
    found = _labels(START, START + span, BERLIN, "wide")
    assert 3 <= len(found) <= 12 and all(label in found for label in wide)
    found = _labels(START, START + span, BERLIN, "narrow")
    assert 2 <= len(found) <= 5 and all(label in found for label in narrow)


def test_times_follow_locale_and_zone() -> None:
    day = (START, START + clock.DAY)
    assert "23 Nov" in _labels(*day, BERLIN, "wide")
    # Berlin's midnight is half past four in Kolkata.
    first = time_ticks(*day, Viewer("Asia/Kolkata", "en-GB"))[0]
    assert (first.label, first.at) == ("06:00", pytest.approx(100 / 16, abs=0.01))
    assert "Nov 23" in _labels(*day, Viewer("Europe/Berlin", "en-US"), "wide")
    assert "24. Nov." in _labels(*day, Viewer("Europe/Berlin", "de-DE"), "wide")


@pytest.mark.parametrize("day", [datetime(2026, 3, 29), datetime(2026, 10, 25)])  # noqa: DTZ001
def test_a_day_on_which_the_clocks_change(day: datetime) -> None:
    zone = ZoneInfo("Europe/Berlin")
    first = clock.from_datetime(day.replace(tzinfo=zone))
    last = clock.from_datetime(day.replace(day=day.day + 1, tzinfo=zone))
    ticks = time_ticks(first, last, BERLIN)
    assert [tick.at for tick in ticks] == sorted(tick.at for tick in ticks)
    hours = [tick.label for tick in ticks if "wide" in tick.room]
    assert len(hours) == len(set(hours)) and "12:00" in hours


def test_a_gap_parts_the_line_and_a_lonely_value_is_a_mark() -> None:
    found = line("Calls", _at(6), [Series("Calls", [1, 2, None, 4, None, 6])], BERLIN).drawn[0]
    assert found.path.count("M") == 1
    assert found.path.startswith("M0 150L200 120") or found.path.count("L") == 1
    assert {x for x, _y in found.marks} >= {60.0, 100.0}


@pytest.mark.parametrize("values", [[], [5], [0, 0], [None, None], [-3, 2], [10**18, 1]])
def test_every_kind_bears_every_series(app: Flask, values: list[float | None]) -> None:
    labels = [str(number) for number in range(len(values))]
    series = [Series("A", values), Series("B", values)]
    charts = [
        line("L", _at(len(values)), series, BERLIN),
        bars("B", labels, series, BERLIN),
        bars("S", labels, series, BERLIN, stacked=True),
        heat("H", ["row"], labels, [values], BERLIN),
    ]
    for chart in charts:
        page = _draw(app, chart)
        known = any(value is not None for value in values)
        assert ("No values in this range." in page) is not known
        assert "nan" not in page and "inf" not in page.replace("info", "")
        for number in re.findall(r' (?:y|height)="(-?[\d.]+)"', page):
            assert -1 <= float(number) <= HEIGHT + 40
    assert spark("S", values, BERLIN).summary


def test_what_is_no_number_is_missing() -> None:
    found = bars("B", ["a", "b"], [Series("S", [float("nan"), float("inf")])], BERLIN)
    assert found.empty and found.table.rows[0] == ("a", ("—",))


def test_stacks_stand_on_each_other_and_hang_from_zero() -> None:
    found = bars(
        "B", ["a"], [Series("A", [30]), Series("B", [70]), Series("C", [-20])], BERLIN, stacked=True
    )
    a, b, c = (one.boxes[0] for one in found.drawn)
    assert b.y + b.height == pytest.approx(a.y, abs=0.05)
    assert a.y + a.height == pytest.approx(found.zero, abs=0.05)
    assert c.y == pytest.approx(found.zero, abs=0.05)


def test_small_values_beside_large_ones_are_still_seen() -> None:
    found = bars("B", ["a", "b", "c"], [Series("A", [10**9, 1, 0])], BERLIN).drawn[0].boxes
    assert [box.height for box in found] == [HEIGHT, 1, 0]


def test_seven_series_are_too_many() -> None:
    with pytest.raises(ValueError, match="up to 6"):
        bars("B", ["a"], [Series(str(n), [n]) for n in range(7)], BERLIN)
    with pytest.raises(ValueError, match="2 values for 1 places"):
        bars("B", ["a"], [Series("A", [1, 2])], BERLIN)


def test_the_words_say_what_the_drawing_shows() -> None:
    found = line("Calls", _at(3), [Series("Answered", [1200, 5, None])], BERLIN)
    assert found.summary == "Answered: lowest 5, highest 1,200, last 5."
    assert found.table.head == ("Time", "Answered")
    assert found.table.rows[0] == ("23 Nov 2026, 00:00", ("1,200",))
    assert found.table.rows[2][1] == ("—",)
    grid = [[day * 24 + hour for hour in range(24)] for day in range(7)]
    week = hours_by_weekday("Week", grid, BERLIN)
    assert week.summary == "Highest 167 at Sun, 23; lowest 0 at Mon, 00."
    assert len(week.table.rows) == 7 and week.table.rows[6][1][23] == "167"
    steps = [box.step for box in week.drawn[0].boxes]
    assert (steps[0], steps[-1]) == (0, 5)


def test_the_drawing_has_a_name_a_table_and_no_style_of_its_own(app: Flask) -> None:
    page = _draw(app, line("Calls <now>", _at(3), [Series("A & B", [1, 2, 3])], BERLIN))
    assert 'role="img"' in page and "<figcaption" in page and "<details" in page
    assert "Calls &lt;now&gt;" in page and "style=" not in page
    assert page.count("<tr>") == 4


def _draw(app: Flask, chart: Chart) -> str:
    with app.test_request_context("/"):
        return render_template_string(
            '{% from "pieces/charts.html" import chart with context %}{{ chart(c, "x") }}', c=chart
        )
