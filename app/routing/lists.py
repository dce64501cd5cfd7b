"""The list of gateways."""

from __future__ import annotations

from flask import url_for

from app.core.words import _l
from app.shell.filterbar import FilterBar, Text
from app.shell.listing import Column, Empty, Listing

BAR = FilterBar(
    Text("q", _l("Name, address or description"), search=True, wide=True), label=_l("Gateways")
)
GATEWAYS = Listing(
    "gateways",
    _l("Gateways, by name"),
    (
        Column("gwid", _l("Gateway"), "mono", fixed=True),
        Column("address", _l("Address"), "mono"),
        Column("description", _l("Description"), room="medium"),
        Column("type", _l("Type"), "number", room="wide"),
        Column("strip", _l("Strip"), "number", room="wide"),
        Column("pri_prefix", _l("Prefix"), "mono", room="wide"),
        Column("attrs", _l("Attributes"), "mono", room="widest", cut=True),
        Column("state", _l("State"), fit=True, plain=lambda row: row["state"]),
    ),
    empty=Empty(_l("No gateway"), _l("None has this text, or the table has none."), "gateway"),
    open=lambda row: url_for("gateways.show", gateway_id=row["id"]),
    label=lambda row: row["gwid"],
    off=lambda row: row["state"] == 1,
)
