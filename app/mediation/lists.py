"""The lists of this room: suspense, and rows that wait for the rest of their call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from app.core import clock
from app.core.words import _, _l
from app.mediation.numbers import KIND_WORDS
from app.shell.filterbar import FilterBar, Text
from app.shell.listing import Action, Column, Empty, Listing

Row = Mapping[str, Any]


def _written(row: Row) -> int:
    """When the switch wrote the row; when it was first read where its own time is no time."""
    at = row["at"]
    return int(at if at and at > clock.DAY else row["seen_at"])


def _source_row(row: Row) -> str:
    return f"{row['table_name']} {row['acc_id']}"


SUSPENSE = Listing(
    "suspense",
    _l("Suspense entries"),
    (
        Column("id", _l("Entry"), sort="-", shown=False, fit=True),
        Column("at", _l("Written"), "moment", fixed=True, value=_written),
        Column("title", _l("Reason"), ours=True),
        Column("source_row", _l("Row"), room="medium", fit=True, value=_source_row),
        Column("call_id", _l("Call-ID"), "mono", room="medium", cut=True),
        Column("method", _l("Method"), room="medium", value=lambda row: row["values"]["method"]),
        Column("code", _l("Code"), room="medium", value=lambda row: row["values"]["sip_code"]),
        Column("seen_at", _l("First read"), "moment", shown=False),
        Column("detail", _l("Detail"), cut=True, shown=False),
    ),
    Empty(
        _l("Nothing in suspense"),
        _l(
            "Every row that the switch wrote is a call or waits for the rest of one. Rows that"
            " cannot be understood would land here, with the reason and what to do."
        ),
        "check",
    ),
    sort="-id",
    open=lambda row: url_for("mediation.show", entry_id=row["id"]),
    label=lambda row: _("Suspense entry %(id)s", id=row["id"]),
    drawer=True,
    bulk=(
        Action("replay", _l("Replay"), "mediation.replay_selected", "suspense.replay", "replay"),
    ),
)

OPEN_CALLS = Listing(
    "open-calls",
    _l("Rows that wait"),
    (
        Column("at", _l("Written"), "moment", fixed=True),
        Column(
            "waits",
            _l("Waits"),
            fit=True,
            value=lambda row: clock.now_ms() - row["at"],
            kind="duration",
        ),
        Column("caller", _l("Caller"), "phone", value=lambda row: row["values"].get("caller")),
        Column(
            "callee",
            _l("Callee"),
            "phone",
            room="medium",
            value=lambda row: row["values"].get("callee"),
        ),
        Column("call_id", _l("Call-ID"), "mono", cut=True, room="medium"),
        Column("method", _l("Method"), room="wide", value=lambda row: row["values"]["method"]),
        Column("source_row", _l("Row"), room="medium", fit=True, value=_source_row),
    ),
    Empty(
        _l("No open calls"),
        _l(
            "Rows that wait for the rest of their call show here: with the cdr flag in the script"
            " there are none, since one row holds the whole call."
        ),
        "open",
    ),
    sort="-id",
)

VANISHED = Listing(
    "vanished",
    _l("Vanished calls"),
    (
        Column("id", _l("Entry"), sort="-", shown=False, fit=True),
        Column("start_at", _l("Answered"), "moment", fixed=True),
        Column("seen_at", _l("Seen last"), "moment", room="medium"),
        Column("title", _l("What"), ours=True),
        Column("caller", _l("Caller"), "phone"),
        Column("callee", _l("Callee"), "phone", room="medium"),
        Column("length", _l("At least"), "duration", room="medium", fit=True),
        Column("call_id", _l("Call-ID"), "mono", cut=True, room="wide"),
        Column("node", _l("Node"), shown=False),
        Column("remedy", _l("What to do"), cut=True, ours=True, room="wide"),
    ),
    Empty(
        _l("No call has vanished"),
        _l(
            "Each dialog of the switch that ended left a row in acc. This is known where the"
            " switch keeps its dialogs in the database (dialog module, db_mode 1 or 2), or its"
            " nodes (PANEL_NODES) list them over MI."
        ),
        "check",
    ),
    sort="-id",
    bulk=(
        Action(
            "acknowledge", _l("Acknowledge"), "mediation.acknowledge", "suspense.replay", "check"
        ),
    ),
)
SOURCES = Listing(
    "sources",
    _l("Sources"),
    (
        Column("name", _l("Name"), "mono", fixed=True),
        Column("state", _l("State"), fit=True, plain=lambda row: row["said"] or "read"),
        Column("zone", _l("Clock"), fit=True),
        Column("tables", _l("Tables and their versions"), "mono", room="medium"),
        Column("waiting", _l("Rows still to be read"), "number", room="medium"),
        Column("looked_at", _l("Looked at"), "moment", room="medium"),
        Column("suspended", _l("In suspense"), "number", room="wide"),
        Column("said", _l("Problem"), cut=True, room="wide"),
    ),
    Empty(_l("No source yet"), _l("The worker makes the first one when it starts."), "node"),
    sort="+id",
    open=lambda row: url_for("sources.show", source_id=row["id"]),
    label=lambda row: row["name"],
)
PAYERS = Listing(
    "payers",
    _l("Rules of who pays, newest first"),
    (
        Column("pattern", _l("Pattern"), "mono", fixed=True, cut=True),
        Column("way", _l("Way"), fit=True),
        Column("code", _l("Account"), "mono", cut=True),
        Column("trunk", _l("Trunk"), room="medium", cut=True),
        Column("created_at", _l("Made"), "moment", room="wide"),
    ),
    empty=Empty(_l("No rule"), _l("Account codes alone say who pays."), "account"),
    sort="-id",
    open=lambda row: url_for("payers.delete", rule_id=row["id"]),
    label=lambda row: row["pattern"],
)
NUMBER_BAR = FilterBar(Text("q", _l("Number"), 20, search=True, wide=True), label=_l("Numbers"))
NUMBERS = Listing(
    "numbers",
    _l("Numbers that we own"),
    (
        Column("number", _l("Number"), "mono", fixed=True),
        Column("code", _l("Account"), "mono", cut=True),
        Column(
            "kind",
            _l("Kind"),
            room="medium",
            ours=True,
            value=lambda row: KIND_WORDS.get(row["kind"], row["kind"]),
            plain=lambda row: row["kind"],
        ),
        Column("carrier", _l("Carrier"), room="wide", cut=True),
        Column("rental", _l("Rental"), "money", room="medium"),
        Column("valid_till", _l("Until"), "moment", room="wide"),
    ),
    empty=Empty(_l("No number"), _l("None starts so, or none was taken in yet."), "account"),
    sort="+number",
    label=lambda row: row["number"],
)
