"""A list on a screen, declared once: columns, order, what a row opens, what is done with many.

SUSPENSE = Listing(
    "suspense", _l("Suspense entries"),
    columns=(Column("seen_at", _l("Written"), "moment", sort="-"), Column("call_id", "Call-ID")),
    empty=Empty(_l("Nothing in suspense"), _l("Every row is a call.")),
)

def fetch(asked: Asked) -> Page:
    with reading(databases().panel) as connection:
        return asked.page(connection, select(suspense), id=suspense.c.id)

return SUSPENSE.answer("mediation/index.html", fetch)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from app.core.errors import InvalidInput
from app.core.words import _
from app.shell import listing_view, preferences
from app.shell.columns import DENSITIES, Action, Asked, Column, Empty, Text
from app.shell.keyset import Page, Place

__all__ = [
    "DENSITIES",
    "LISTINGS",
    "Action",
    "Asked",
    "Column",
    "Empty",
    "Listing",
    "Page",
    "Place",
]


@dataclass(frozen=True)
class Listing:
    """The declaration; ``sort`` is the order without a wish, ``-name`` when it falls.

    ``open`` gives the address of a row, in the drawer when ``drawer``; ``label`` its accessible
    name. ``ident`` is what ``ids`` of a bulk action hold. ``off`` and ``match`` mark rows.
    """

    name: str
    caption: Text
    columns: tuple[Column, ...]
    empty: Empty
    sort: str = ""
    open: Callable[[Any], str] | None = None
    label: Callable[[Any], str] | None = None
    drawer: bool = False
    bulk: tuple[Action, ...] = ()
    ident: Callable[[Any], Any] = lambda row: row["id"]
    off: Callable[[Any], bool] | None = None
    csv: bool = True

    def __post_init__(self) -> None:
        LISTINGS[self.name] = self

    def ask(self) -> Asked:
        """What this request wants; InvalidInput names what cannot be understood."""
        wish = request.args.get("sort", "") or self.sort
        name, descending = wish.removeprefix("-"), wish.startswith("-")
        if wish != self.sort and not any(c.name == name and c.sort for c in self.columns):
            raise InvalidInput(
                _("The list cannot be sorted so."), _("Click the head of a column."), "sort"
            )
        place = None
        for word, backwards in (("after", False), ("before", True)):
            if text := request.args.get(word):
                place = Place.parse(text, backwards)
        chosen = preferences.get(f"list.{self.name}") or {}
        density = preferences.get("density", DENSITIES[0])
        return Asked(
            name,
            descending,
            place,
            self.shown(chosen.get("columns")),
            density,
            request.args.get("format") == "csv",
        )

    def shown(self, chosen: list[str] | None) -> tuple[str, ...]:
        """The names of the columns to show, in the order of the declaration."""
        return tuple(
            column.name
            for column in self.columns
            if column.fixed or (column.shown if chosen is None else column.name in chosen)
        )

    def answer(
        self, template: str, fetch: Callable[[Asked], Page], **values: Any
    ) -> ResponseReturnValue:
        """The page, its table alone for htmx, or all rows as CSV."""
        asked = self.ask()
        if asked.csv and self.csv:
            return listing_view.download(self, asked, fetch)
        return listing_view.render(self, asked, fetch(asked), template, values)

    def walk(self, asked: Asked, fetch: Callable[[Asked], Page], most: int) -> Iterator[Any]:
        """All rows, a page at a time, ``most`` at most; one more tells that there were more."""
        asked = replace(asked, place=None, limit=1000)
        count = 0
        while True:
            found = fetch(asked)
            for row in found.rows:
                count += 1
                yield row
                if count > most:
                    return
            if found.older is None:
                return
            asked = replace(asked, place=Place.parse(found.older))


LISTINGS: dict[str, Listing] = {}
