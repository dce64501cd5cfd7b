"""A list in its states, from rows that are made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import url_for

from app.core import clock
from app.core.words import _l
from app.shell.filterbar import Choice, FilterBar, Text, TimeRange
from app.shell.listing import Action, Column, Empty, Listing, Page
from app.shell.listing_view import Shown

Row = Mapping[str, Any]

_COLUMNS = (
    Column("id", _l("Number"), "number", sort="+", fixed=True),
    Column("name", _l("Name"), sort="+"),
    Column("at", _l("Written"), "moment", sort="-", room="medium"),
    Column("caller", _l("Caller"), "phone", room="medium"),
    Column("length", _l("Length"), "duration", room="wide"),
    Column("call_id", _l("Call-ID"), "mono", room="wide", cut=True),
    Column("state", _l("State"), ours=True),
)
_NOTHING = Empty(
    _l("Nothing here yet"),
    _l("An empty list says why it is empty, and what the next step is."),
    "check",
)

ROWS = Listing(
    "design",
    _l("Made-up rows"),
    _COLUMNS,
    _NOTHING,
    sort="id",
    open=lambda row: url_for("design.drawer", number=row["id"]),
    label=lambda row: str(row["name"]),
    drawer=True,
    bulk=(
        Action("mark", _l("Mark"), "design.bulk", "design.read", "check"),
        Action("remove", _l("Remove"), "design.bulk", "design.read", "trash", danger=True),
    ),
    off=lambda row: row["state"] == "off",
    csv=False,
)
NONE = Listing("design-none", _l("No rows"), _COLUMNS[:3], _NOTHING, csv=False)
COMPACT = Listing("design-compact", _l("Narrow rows"), _COLUMNS[:5], _NOTHING, csv=False)
ROOMY = Listing("design-roomy", _l("Roomy rows"), _COLUMNS[:5], _NOTHING, csv=False)

FILTERS = FilterBar(
    TimeRange(default="24h"),
    Text("q", _l("Name"), search=True),
    Choice("state", _l("State"), (("on", _l("on")), ("off", _l("off")))),
    Text("call_id", _l("Call-ID"), rare=True),
    label=_l("Filters of the made-up rows"),
)


def rows(now: int) -> list[Row]:
    """Six rows that look like life."""
    names = ("Anna", "Bert", "Clara", "Dora", "Emil", "Frieda")
    return [
        {
            "id": number,
            "name": name,
            "at": now - number * 37 * clock.MINUTE,
            "caller": f"4930{12345670 + number}",
            "length": number * 61_500,
            "call_id": f"{number * 7919:08x}-{number * 104729:08x}@192.0.2.{number}",
            "state": "off" if number == 4 else "on",
        }
        for number, name in enumerate(names, 1)
    ]


def shown(listing: Listing, found: list[Row], density: str | None = None) -> Shown:
    """The list as its address asks for it, or with a density of its own."""
    asked = listing.ask()
    if density is not None:
        asked = replace(asked, density=density)
    if asked.sort:
        found = sorted(found, key=lambda row: row[asked.sort], reverse=asked.descending)
    columns = [column for column in listing.columns if column.name in asked.columns]
    return Shown(listing, asked, Page(found), columns, list(listing.bulk))
