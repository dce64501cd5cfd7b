"""What a chart is made of once it is worked out: places, words, and the table behind it.

Across, places are per cent of the plot's width, so that a chart fits any room while its text keeps
its size; down, they are pixels of a plot of fixed height, 0 at the top.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.shell.charts import words

MOST_SERIES = 6
HEIGHT = 180
# the wide edge of the box in which lines are drawn before they are stretched to the plot's width
BREADTH = 1000

Say = Callable[[float], str]
Value = float | int | None


@dataclass(frozen=True, slots=True)
class Viewer:
    """In whose zone (IANA name) and locale (``en-GB``) times and numbers are written."""

    zone: str = "UTC"
    locale: str = "en-GB"

    def number(self, value: float) -> str:
        """The number in full."""
        return words.number(value, self.locale)

    def short(self, value: float) -> str:
        """The number with few digits, for an axis."""
        return words.short_number(value, self.locale)


@dataclass(frozen=True, slots=True)
class Series:
    """A name and one value for each place on the axis; None where nothing is known."""

    name: str
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis; ``room`` names the widths (narrow medium wide) that have space for it."""

    at: float
    label: str
    room: str = "narrow medium wide"


@dataclass(frozen=True, slots=True)
class Box:
    """A bar or cell: ``x`` and ``width`` in per cent, ``y`` and ``height`` in pixels.

    ``step`` is the cell's shade (0 … 6; None without value), ``label`` what stands in it
    where ``room`` says that it fits.
    """

    x: float
    y: float
    width: float
    height: float
    step: int | None = None
    label: str = ""
    room: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A series as it is drawn: its number (1 … 6 = colour, dash, mark, pattern) and its shapes."""

    name: str
    number: int
    path: str = ""
    marks: tuple[tuple[float, float], ...] = ()
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The values in words: the first head is that of the rows' names."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that is ready to be drawn; ``kind`` is line, bars, heat or spark."""

    kind: str
    caption: str
    summary: str
    table: Table
    drawn: tuple[Drawn, ...] = ()
    x: tuple[Tick, ...] = ()
    y: tuple[Tick, ...] = ()
    # where the cursor can stand, in per cent, one for each row of the table (heat: each column)
    stops: tuple[float, ...] = ()
    zero: float | None = None
    height: int = HEIGHT
    # heat: what the shades mean, from the palest
    shades: tuple[str, ...] = field(default=())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(one.path or one.marks or one.boxes for one in self.drawn)

    @property
    def gutter(self) -> int:
        """How many characters the longest word left of the plot has, 2 … 14."""
        return min(max([2, *(len(tick.label) for tick in self.y)]), 14)


def clean(values: Sequence[Value]) -> list[Value]:
    """The values, with None for what is no finite number."""
    return [value if value is not None and math.isfinite(value) else None for value in values]


def limited(series: Sequence[Series], length: int) -> list[Series]:
    """The series with clean values; refuses more than six, or values that do not fit the axis."""
    if not 0 <= len(series) <= MOST_SERIES:
        raise ValueError(f"a chart holds up to {MOST_SERIES} series")
    for one in series:
        if len(one.values) != length:
            raise ValueError(f"'{one.name}' has {len(one.values)} values for {length} places")
    return [Series(str(one.name), clean(one.values)) for one in series]


def place(value: float) -> float:
    """A coordinate with as many digits as an eye can tell."""
    return round(value, 2) + 0.0
