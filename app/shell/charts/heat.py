"""Heat maps: a cell for each row and column, the deeper its shade the higher its value."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.words import _
from app.shell.charts import words
from app.shell.charts.model import (
    Box,
    Chart,
    Drawn,
    Say,
    Table,
    Tick,
    Value,
    Viewer,
    clean,
    place,
)
from app.shell.charts.scale import WIDTHS, Scale, nice, room_of, word_ticks

SHADES = 7
_ROW = 24


def heat(
    caption: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[Value]],
    viewer: Viewer,
    *,
    head: str = "",
    say: Say | None = None,
    say_short: Say | None = None,
) -> Chart:
    """``values[row][column]``; ``say`` writes them in the table, ``say_short`` in the cells."""
    say, say_short = say or viewer.number, say_short or viewer.short
    if len(values) != len(rows) or any(len(one) != len(columns) for one in values):
        raise ValueError("a heat map has a value, or None, for each row and column")
    grid = [clean(one) for one in values]
    known = [value for one in grid for value in one if value is not None]
    scale = nice(known, _ROW, SHADES)
    share = 100 / max(len(columns), 1)
    centres = [place((number + 0.5) * share) for number in range(len(columns))]
    longest = max((len(say_short(value)) for value in known), default=1)
    room = [name for name, width in WIDTHS.items() if room_of(longest) * len(columns) <= width]
    boxes = [
        Box(
            place(column * share),
            row * _ROW,
            place(share),
            _ROW,
            None if value is None else _shade(value, scale),
            "" if value is None else say_short(value),
            " ".join(room),
        )
        for row, one in enumerate(grid)
        for column, value in enumerate(one)
    ]
    table_rows = tuple(
        (str(name), tuple("—" if value is None else say(value) for value in one))
        for name, one in zip(rows, grid, strict=True)
    )
    step = (scale.high - scale.low) / SHADES
    return Chart(
        kind="heat",
        caption=caption,
        summary=_summary(rows, columns, grid, say),
        table=Table((head, *(str(name) for name in columns)), table_rows),
        drawn=(Drawn(caption, 1, boxes=tuple(boxes) if known else ()),),
        x=word_ticks([str(name) for name in columns], centres),
        y=tuple(Tick((row + 0.5) * _ROW, str(name)) for row, name in enumerate(rows)),
        stops=tuple(centres),
        height=max(len(rows), 1) * _ROW,
        shades=tuple(say_short(scale.low + step * number) for number in range(SHADES + 1)),
    )


def hours_by_weekday(
    caption: str, values: Sequence[Sequence[Value]], viewer: Viewer, *, say: Say | None = None
) -> Chart:
    """A row for each weekday from Monday, a column for each hour of the viewer's day."""
    hours = [f"{hour:02d}" for hour in range(24)]
    days = words.weekdays(viewer.locale)
    return heat(caption, days, hours, values, viewer, head=_("Weekday"), say=say)


def _shade(value: float, scale: Scale) -> int:
    share = (value / 2 - scale.low / 2) / (scale.high / 2 - scale.low / 2)
    return min(int(share * SHADES), SHADES - 1)


def _summary(
    rows: Sequence[str], columns: Sequence[str], grid: Sequence[Sequence[Value]], say: Say
) -> str:
    cells = [
        (value, row, column)
        for row, one in enumerate(grid)
        for column, value in enumerate(one)
        if value is not None
    ]
    if not cells:
        return _("There are no values.")
    high = max(cells, key=lambda cell: cell[0])
    low = min(cells, key=lambda cell: cell[0])
    return _(
        "Highest %(high)s at %(high_row)s, %(high_column)s; "
        "lowest %(low)s at %(low_row)s, %(low_column)s.",
        high=say(high[0]),
        high_row=rows[high[1]],
        high_column=columns[high[2]],
        low=say(low[0]),
        low_row=rows[low[1]],
        low_column=columns[low[2]],
    )
