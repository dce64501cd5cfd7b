"""What one step of the pipeline works on: rows, what waits for them, and the calls they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.mediation.call import Call, Correlated, Leftover, Row
from app.mediation.columns import Layout, Raw
from app.mediation.correlate import correlate
from app.mediation.normalise import Habits, normalise
from app.mediation.pending import Kept
from app.mediation.position import Position
from app.mediation.source import Bookmark


@dataclass(slots=True)
class Window:
    """Rows, the epoch and the whole text of each by its name, and what became of them."""

    habits: Habits
    rows: list[Row] = field(default_factory=list)
    epochs: dict[str, int] = field(default_factory=dict)
    texts: dict[str, Callable[[], str]] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    moves: list[tuple[Bookmark, Position]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)

    def add(self, mark: Bookmark, rows: Sequence[Row], raws: Sequence[Raw], layout: Layout) -> None:
        """Takes in rows that were just read."""
        self.rows += rows
        for row, raw in zip(rows, raws, strict=True):
            name = row.name
            self.epochs[name] = mark.epoch
            # Few rows are kept as text: it is made when it is asked for.
            self.texts[name] = partial(layout.to_text, raw)

    def take(self, kept: Sequence[Kept]) -> None:
        """Takes in rows that were kept before."""
        self.kept += kept
        for item in kept:
            self.rows.append(item.row)
            self.epochs[item.row.name] = item.epoch
            self.texts[item.row.name] = partial(str, item.text)

    def kept_as(self, row: Row) -> tuple[int, str]:
        """The row's epoch and text."""
        return self.epochs[row.name], self.texts[row.name]()

    def sort(self) -> None:
        """Rows to calls, waiting rows and leftovers; again when more rows were taken in."""
        self.calls, self.waiting, self.leftovers = [], [], []
        outcome = correlate(self.rows)
        self.waiting += outcome.waiting
        self.leftovers += outcome.leftovers
        for found in outcome.calls:
            self._normalise(found)

    def alone(self, row: Row) -> None:
        """Makes a call of a single row whose others never came."""
        self._normalise(Correlated(row))

    def keep_rest(self) -> None:
        """What was kept and makes no call now stays where it is, untouched."""
        idle = {row.name for row in self.waiting} | {left.row.name for left in self.leftovers}
        known = {item.row.name for item in self.kept}
        self.kept = [item for item in self.kept if item.row.name not in idle]
        self.waiting = [row for row in self.waiting if row.name not in known]
        self.leftovers = [left for left in self.leftovers if left.row.name not in known]

    def _normalise(self, found: Correlated) -> None:
        call = normalise(found, self.habits)
        if isinstance(call, Leftover):
            self.leftovers += [Leftover(row, call.reason, call.detail) for row in found.rows]
        else:
            self.calls.append(call)
