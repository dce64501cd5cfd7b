"""Lines over time, and the small line that stands in a tile or a row."""

from __future__ import annotations

from collections.abc import Sequence

from app.core import clock
from app.core.words import _
from app.shell.charts import words
from app.shell.charts.model import (
    BREADTH,
    HEIGHT,
    Chart,
    Drawn,
    Say,
    Series,
    Table,
    Value,
    Viewer,
    clean,
    limited,
    place,
)
from app.shell.charts.scale import Scale, across, nice, time_ticks, value_ticks

_SPARK_HEIGHT = 28
# So many marks tell a line from others; more would hide it.
_MARKS = 8


def line(
    caption: str,
    at: Sequence[int],
    series: Sequence[Series],
    viewer: Viewer,
    *,
    say: Say | None = None,
    say_tick: Say | None = None,
) -> Chart:
    """1 to 6 lines over instants (ms, rising); a missing value leaves a gap.

    ``say`` writes a value in the table, ``say_tick`` on the axis.
    """
    series = limited(series, len(at))
    say = say or viewer.number
    known = [value for one in series for value in one.values if value is not None]
    first, last = (at[0], at[-1]) if at else (0, 0)
    where = [across(instant, first, last) for instant in at]
    scale = nice(known, HEIGHT)
    zone = clock.zone(viewer.zone)
    rows = tuple(
        (
            words.row_time(
                clock.to_datetime(instant).astimezone(zone), last - first, viewer.locale
            ),
            tuple(_said(one.values[row], say) for one in series),
        )
        for row, instant in enumerate(at)
    )
    return Chart(
        kind="line",
        caption=caption,
        summary=words.summary([(one.name, one.values) for one in series], say),
        table=Table((_("Time"), *(one.name for one in series)), rows),
        drawn=tuple(_draw(one, number, where, scale) for number, one in enumerate(series, 1)),
        x=time_ticks(first, last, viewer) if at else (),
        y=value_ticks(scale, say_tick or viewer.short),
        stops=tuple(where),
        zero=scale.down(0),
    )


def spark(
    caption: str,
    values: Sequence[Value],
    viewer: Viewer,
    *,
    names: Sequence[str] = (),
    say: Say | None = None,
) -> Chart:
    """A line without axes; ``names`` are those of the places, for the table behind it."""
    kept, say = clean(values), say or viewer.number
    scale = nice([value for value in kept if value is not None], _SPARK_HEIGHT)
    many = max(len(kept) - 1, 1)
    where = [place(number * 100 / many) if len(kept) > 1 else 50.0 for number in range(len(kept))]
    titles = names or [viewer.number(number) for number in range(1, len(kept) + 1)]
    found = _draw(Series(caption, kept), 1, where, scale)
    ends = [
        (x, scale.down(value)) for x, value in zip(where, kept, strict=True) if value is not None
    ]
    return Chart(
        kind="spark",
        caption=caption,
        summary=words.summary([(caption, kept)], say),
        table=Table(
            ("", caption),
            tuple((title, (_said(value, say),)) for title, value in zip(titles, kept, strict=True)),
        ),
        drawn=(Drawn(caption, 1, found.path, tuple(ends[-1:])),),
        stops=tuple(where),
        height=_SPARK_HEIGHT,
    )


def _draw(one: Series, number: int, where: Sequence[float], scale: Scale) -> Drawn:
    points = [
        None if value is None else (x, scale.down(value))
        for x, value in zip(where, one.values, strict=True)
    ]
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    pieces = [
        "M" + "L".join(f"{place(x * BREADTH / 100):g} {y:g}" for x, y in run)
        for run in runs
        if len(run) > 1
    ]
    every = max(1, len(points) // _MARKS)
    # Lines start their marks at different places, so that lines that run together show both.
    offset = (number - 1) * every // 6
    marks = [
        point
        for place_, point in enumerate(points)
        if point is not None and place_ % every == offset % every
    ]
    lonely = [run[0] for run in runs if len(run) == 1]
    return Drawn(one.name, number, "".join(pieces), tuple(dict.fromkeys([*marks, *lonely])))


def _said(value: Value, say: Say) -> str:
    return "—" if value is None else say(value)
