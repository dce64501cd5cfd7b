"""The parts of a list: columns, buttons, what an empty one says, what an address asks of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select

from app.shell import keyset
from app.shell.keyset import Page, Place

LIMIT = 50
DENSITIES = ("compact", "comfortable")
Text = Any  # str, or a text that is looked up when it is shown


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``kind`` is how its values look: text, mono, number, moment, duration, phone.

    ``sort`` makes it sortable: ``"+"`` rises at the first click, ``"-"`` falls. ``room`` hides it
    on narrow pages (medium, wide, widest), ``shown`` False until somebody chooses it; a ``fixed``
    one is always there. ``value`` takes it from the row when it is not under the column's name;
    ``plain`` is what stands in a CSV file when that differs. ``ours`` says that the values are
    words of the panel: what switches and people wrote is never translated.
    """

    name: str
    label: Text
    kind: str = "text"
    sort: str = ""
    room: str = ""
    shown: bool = True
    fixed: bool = False
    fit: bool = False
    cut: bool = False
    right: bool = False
    value: Callable[[Any], Any] | None = None
    plain: Callable[[Any], Any] | None = None
    ours: bool = False

    def of(self, row: Any) -> Any:
        """The value in a row."""
        if self.value is not None:
            return self.value(row)
        return row[self.name] if isinstance(row, Mapping) else getattr(row, self.name, None)

    def classes(self, head: bool = False) -> str:
        """Of its cells."""
        number = self.kind in ("number", "duration", "money")
        names = (
            (self.room, bool(self.room)),
            ("fit", self.fit or self.kind == "moment"),
            ("cut", self.cut and not head),
            ("right", self.right or number),
            ("num", number or self.kind == "phone"),
            ("mono", self.kind == "mono" and not head),
        )
        return " ".join(name for name, wanted in names if wanted)


@dataclass(frozen=True, slots=True)
class Action:
    """A button for the selected rows: posts their ids as ``ids`` to ``endpoint``."""

    name: str
    label: Text
    endpoint: str
    permission: str
    icon: str = ""
    danger: bool = False


@dataclass(frozen=True, slots=True)
class Empty:
    """What an empty list says, and the next step: ``url`` of a button with ``label``."""

    title: Text
    text: Text
    icon: str = "info"
    label: Text = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of a list, checked."""

    sort: str
    descending: bool
    place: Place | None
    columns: tuple[str, ...]
    density: str
    csv: bool
    limit: int = LIMIT

    def page(
        self,
        connection: Connection,
        query: Select[Any],
        sorts: Mapping[str, ColumnElement[Any]] | None = None,
        **tie: ColumnElement[Any],
    ) -> Page:
        """The page of a query: by the asked column of ``sorts``, then by ``tie`` (unique)."""
        keys = dict(tie)
        if sorts and self.sort in sorts:
            keys = {self.sort: sorts[self.sort]} | keys
        return keyset.page(
            connection,
            query,
            keys,
            descending=self.descending,
            place=self.place,
            limit=self.limit,
        )
