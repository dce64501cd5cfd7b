"""What one step of the pipeline works on: rows, what waits for them, and the calls they make."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.cdr.record import Key
from app.mediation.call import Call, Correlated, Leftover, Row
from app.mediation.columns import Layout, Raw
from app.mediation.correlate import correlate
from app.mediation.normalise import Habits, normalise
from app.mediation.pending import Kept
from app.mediation.position import Position
from app.mediation.singles import Singles
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
    # CDRs that are there already, and the names of rows that belong to them
    joined: list[tuple[Key, list[str]]] = field(default_factory=list)
    # calls of one row each, which stand in no other list
    singles: Singles | None = None
    # Call-IDs that were asked for among those read before, and those that had been
    known: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)

    def add(self, mark: Bookmark, rows: Sequence[Row], raws: Sequence[Raw], layout: Layout) -> None:
        """Takes in rows that were just read."""
        self._add(mark.epoch, rows, raws, layout)

    def _add(self, epoch: int, rows: Sequence[Row], raws: Sequence[Raw], layout: Layout) -> None:
        self.rows += rows
        for row, raw in zip(rows, raws, strict=True):
            name = row.name
            self.epochs[name] = epoch
            # Few rows are kept as text: it is made when it is asked for.
            self.texts[name] = partial(layout.to_text, raw)

    def look_closer(self, places: Collection[int]) -> bool:
        """Makes ordinary rows of these singles; True when there was one. ``sort`` must follow."""
        if self.singles is None or not places:
            return False
        rows, raws = self.singles.take_out(places)
        self._add(self.singles.epoch, rows, raws, self.singles.layout)
        return True

    @property
    def read(self) -> int:
        """How many rows there are."""
        return len(self.rows) + (len(self.singles) if self.singles else 0)

    @property
    def call_ids(self) -> set[str]:
        """The Call-IDs of all rows."""
        mine = {row.call_id for row in self.rows}
        return mine.union(self.singles.columns["call_id"]) if self.singles else mine

    @property
    def accounts(self) -> set[str]:
        """The account codes of all calls."""
        mine = {call.account for call in self.calls}
        return mine.union(self.singles.columns["account"]) if self.singles else mine

    @property
    def called(self) -> Iterator[tuple[str, str]]:
        """What all calls called, normalised and as dialled."""
        yield from ((call.callee, call.dialled) for call in self.calls)
        if self.singles:
            told = self.singles.columns
            yield from zip(told["callee"], told["dialled"], strict=True)

    @property
    def begins(self) -> Iterator[int]:
        """When the calls were set up."""
        yield from (call.setup_at for call in self.calls)
        if self.singles:
            yield from self.singles.columns["setup_at"]

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

    def alone(self, found: Correlated) -> None:
        """Makes a call of rows whose main row never came."""
        self._normalise(found)

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
