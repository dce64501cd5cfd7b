"""The list of a tool's rows, from its declaration: columns, filters, search, buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from app.core.context import databases
from app.core.database import reading
from app.core.errors import InvalidInput
from app.core.words import _, _l
from app.identity.access import current_operator
from app.provisioning import browse
from app.provisioning.tools import declaration
from app.provisioning.tools.declaration import Tool
from app.shell.filterbar import Choice, Filled, FilterBar, Text
from app.shell.keyset import Page
from app.shell.listing import LISTINGS, Action, Asked, Column, Empty, Listing

if TYPE_CHECKING:
    from app.provisioning.screens import ToolScreens

_LARGEST = 2**31 - 1
_KINDS = {"text": "mono", "whole": "number"}


class RowList:
    """Declares the listing once and answers with it."""

    def __init__(self, screens: ToolScreens) -> None:
        self.screens, self.tool = screens, screens.tool
        tool, blueprint = screens.tool, screens.blueprint.name
        listing = Listing(
            tool.name,
            tool.title,
            columns=_columns(tool),
            empty=Empty(tool.words.empty, tool.words.first),
            label=tool.describe,
            open=lambda row: screens.url("edit", row_id=row[tool.key]),
            drawer=True,
            bulk=tuple(_actions(tool, blueprint, can_disable=screens.can_disable)),
            ident=lambda row: row[tool.key],
            off=lambda row: bool(row.get("disabled")),
        )
        # Who may only read is shown no way into a form.
        reader = replace(listing, columns=listing.columns[:-1], open=None)
        self._by_right = {False: reader, True: listing}
        LISTINGS[tool.name] = listing

    def answer(self, template: str, values: Mapping[str, Any]) -> ResponseReturnValue:
        """The page, filtered as the address says; its table alone for htmx; all rows as CSV."""
        tool, bar = self.tool, self._filled()
        text = bar["q"] or ""
        chosen = {name: int(value) for name, value in bar.values.items() if name != "q"}

        def fetch(wish: Asked) -> Page:
            if bar.problems:
                return Page([])
            with reading(databases().switch) as connection:
                return browse.page(connection, tool, wish, chosen, text)

        mine = {"screens": self.screens, "tool": tool, "bar": bar, "chosen": chosen}
        listing = self._by_right[current_operator().may(tool.write)]
        return listing.answer(template, fetch, **mine, **values)

    def _filled(self) -> Filled:
        """The filters with the values that the table has now, as the address fills them."""
        fields: list[Text | Choice] = []
        if any(column.search for column in self.tool.columns):
            fields.append(Text("q", self.tool.words.search, most=64, search=True))
        with reading(databases().switch) as connection:
            for column in self.tool.columns:
                if column.filter:
                    fields.append(_filter(connection, self.tool, column))
        return FilterBar(*fields, label=self.tool.title).read(request.args)


def _filter(connection: Connection, tool: Tool, column: declaration.Column) -> Text | Choice:
    """Its values to choose from; a field to type into where there are too many."""
    values = browse.values_of(connection, tool, column.name)
    if len(values) > browse.MOST_VALUES:
        return Text(column.name, column.label, most=10, clean=_whole)
    words = dict(column.choices)
    named = [(str(value), f"{column.label} {words.get(value, value)}") for value in values]
    return Choice(column.name, column.label, named, none=_("%(label)s: all", label=column.label))


def _columns(tool: Tool) -> tuple[Column, ...]:
    shown = [
        Column(
            column.name,
            _l("State") if column.name == "disabled" else column.label,
            _KINDS.get(column.kind, "text"),
            sort="+" if browse.sortable(column) else "",
            room="" if column.room == "chosen" else column.room,
            shown=column.room != "chosen",
            fit=column.kind != "text",
        )
        for column in tool.columns
    ]
    return (
        *shown,
        Column("actions", _l("Actions"), "actions", room="medium", fixed=True, fit=True),
    )


def _actions(tool: Tool, blueprint: str, *, can_disable: bool) -> list[Action]:
    deeds = [("delete", _l("Delete"), "trash")]
    if can_disable:
        deeds = [("enable", _l("Enable"), "play"), ("disable", _l("Disable"), "pause"), *deeds]
    return [
        Action(deed, label, f"{blueprint}.bulk_{deed}", tool.write, icon, deed == "delete")
        for deed, label, icon in deeds
    ]


def _whole(given: str) -> str:
    if not given.isascii() or not given.isdigit() or int(given) > _LARGEST:
        raise InvalidInput(
            _("“%(given)s” is no whole number.", given=given[:20]), _("Enter digits only.")
        )
    return given


def whole(name: str) -> int | None:
    """A whole number of the address, None when it is not there; raises InvalidInput."""
    given = request.args.get(name, "").strip()
    return int(_whole(given)) if given else None
