"""A list as its template, its live update and its file see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.words import _
from app.identity.access import current_operator
from app.shell import frame, sheet
from app.shell.columns import Action, Asked, Column
from app.shell.keyset import Page

if TYPE_CHECKING:
    from app.shell.listing import Listing

# A file made while somebody waits holds so many rows; more is a job.
MOST = 100_000


@dataclass(frozen=True)
class Shown:
    """What the macros of pieces/table.html draw."""

    listing: Listing
    asked: Asked
    page: Page
    columns: list[Column]
    bulk: list[Action]

    @property
    def id(self) -> str:
        """Of the part that is replaced."""
        return f"list-{self.listing.name}"

    def address(self, **changed: str | None) -> str:
        """This screen's address with other arguments; a page place is never carried over."""
        values: dict[str, Any] = dict(request.view_args or {})
        for name in request.args:
            if name not in ("after", "before", "format", "stamp"):
                values[name] = request.args.getlist(name)
        values.update(changed)
        return url_for(request.endpoint or "", **values)

    @property
    def csv(self) -> str:
        """Where the same list is a file."""
        return self.address(format="csv")

    @property
    def older(self) -> str | None:
        """The next page."""
        return self.address(after=self.page.older) if self.page.older else None

    @property
    def newer(self) -> str | None:
        """The page before."""
        return self.address(before=self.page.newer) if self.page.newer else None

    @property
    def paged(self) -> bool:
        """Whether this is not the first page."""
        return self.asked.place is not None

    def sorted(self, column: Column) -> str:
        """The head's ``aria-sort``."""
        if column.name != self.asked.sort:
            return "none"
        return "descending" if self.asked.descending else "ascending"

    def sort(self, column: Column) -> str:
        """Where a click on the head leads: its own order first, then the other way round."""
        falls = column.sort == "-"
        if column.name == self.asked.sort:
            falls = not self.asked.descending
        wish = ("-" if falls else "") + column.name
        return self.address(sort=None if wish == self.listing.sort else wish)


def render(
    listing: Listing, asked: Asked, page: Page, template: str, values: dict[str, Any]
) -> ResponseReturnValue:
    """The screen; for htmx asking for the list's own part, the template gets ``inside``."""
    operator = current_operator()
    columns = [column for column in listing.columns if column.name in asked.columns]
    bulk = [action for action in listing.bulk if operator.may(action.permission)]
    shown = Shown(listing, asked, page, columns, bulk)
    return render_template(template, listing=shown, **values)


def download(listing: Listing, asked: Asked, fetch: Callable[[Asked], Page]) -> ResponseReturnValue:
    """All rows of the list, streamed as CSV with the columns that are shown."""
    columns = [column for column in listing.columns if column.name in asked.columns]
    columns = [column for column in columns if column.kind != "actions"]
    cell = partial(_plain, zone=frame.zone())

    def rows() -> Iterator[list[object]]:
        for count, row in enumerate(listing.walk(asked, fetch, MOST)):
            if count == MOST:
                yield [_("The file ends here, after %(most)s rows: narrow the list.", most=MOST)]
                return
            yield [cell(column, row) for column in columns]

    head = [str(column.label) for column in columns]
    name = f"{listing.name}-{clock.iso(clock.now_ms())[:10]}.csv"  # type: ignore[index]
    # Fetched before the answer begins, so that an error is a page and not half a file.
    first = fetch(asked)
    del first
    return Response(
        stream_with_context(sheet.lines(head, rows())),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _plain(column: Column, row: Any, zone: str) -> object:
    if column.plain is not None:
        return column.plain(row)
    value = column.of(row)
    if column.kind == "moment" and isinstance(value, int):
        return clock.to_datetime(value).astimezone(clock.zone(zone)).isoformat("T", "milliseconds")
    return value
