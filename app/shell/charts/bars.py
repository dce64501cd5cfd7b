"""Bars beside each other or on top of each other, one group for each name."""

from __future__ import annotations

from collections.abc import Sequence

from app.shell.charts import words
from app.shell.charts.model import (
    HEIGHT,
    Box,
    Chart,
    Drawn,
    Say,
    Series,
    Table,
    Viewer,
    limited,
    place,
)
from app.shell.charts.scale import Scale, nice, value_ticks, word_ticks

# What part of a group's place its bars fill.
_FILLED = 0.72


def bars(
    caption: str,
    labels: Sequence[str],
    series: Sequence[Series],
    viewer: Viewer,
    *,
    head: str = "",
    stacked: bool = False,
    say: Say | None = None,
    say_tick: Say | None = None,
) -> Chart:
    """Bars of 1 to 6 series; ``head`` names what the labels are.

    Stacked, what is below 0 grows downwards from 0.
    """
    series, say = limited(series, len(labels)), say or viewer.number
    scale = nice(_reach(series, len(labels), stacked), HEIGHT)
    share = 100 / max(len(labels), 1)
    centres = [place((number + 0.5) * share) for number in range(len(labels))]
    drawn = (
        _stack(series, centres, share, scale) if stacked else _group(series, centres, share, scale)
    )
    rows = tuple(
        (str(label), tuple("—" if (v := one.values[row]) is None else say(v) for one in series))
        for row, label in enumerate(labels)
    )
    return Chart(
        kind="bars",
        caption=caption,
        summary=words.summary([(one.name, one.values) for one in series], say),
        table=Table((head, *(one.name for one in series)), rows),
        drawn=drawn,
        x=word_ticks([str(label) for label in labels], centres),
        y=value_ticks(scale, say_tick or viewer.short),
        stops=tuple(centres),
        zero=scale.down(0),
    )


def _reach(series: Sequence[Series], length: int, stacked: bool) -> list[float]:
    """The values that the scale must hold."""
    if not stacked:
        return [value for one in series for value in one.values if value is not None]
    found: list[float] = []
    for row in range(length):
        known = [value for one in series if (value := one.values[row]) is not None]
        found.append(sum(value for value in known if value > 0))
        found.append(sum(value for value in known if value < 0))
    return found


def _group(
    series: Sequence[Series], centres: Sequence[float], share: float, scale: Scale
) -> tuple[Drawn, ...]:
    width = share * _FILLED / max(len(series), 1)
    drawn = []
    for number, one in enumerate(series):
        boxes = [
            _bar(centre - share * _FILLED / 2 + number * width, width, 0, value, scale)
            for centre, value in zip(centres, one.values, strict=True)
            if value is not None
        ]
        drawn.append(Drawn(one.name, number + 1, boxes=tuple(boxes)))
    return tuple(drawn)


def _stack(
    series: Sequence[Series], centres: Sequence[float], share: float, scale: Scale
) -> tuple[Drawn, ...]:
    width = share * _FILLED
    above: list[float] = [0] * len(centres)
    below: list[float] = [0] * len(centres)
    drawn = []
    for number, one in enumerate(series, 1):
        boxes = []
        for row, value in enumerate(one.values):
            if value is None:
                continue
            pile = above if value >= 0 else below
            boxes.append(_bar(centres[row] - width / 2, width, pile[row], pile[row] + value, scale))
            pile[row] += value
        drawn.append(Drawn(one.name, number, boxes=tuple(boxes)))
    return tuple(drawn)


def _bar(x: float, width: float, base: float, end: float, scale: Scale) -> Box:
    top, bottom = sorted((scale.down(base), scale.down(end)))
    # What is not 0 can be seen, however small it is beside the others.
    height = max(bottom - top, 1 if end != base else 0)
    return Box(place(x), place(bottom - height), place(width), place(height))
