"""The lists of this room: suspense, and rows that wait for the rest of their call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from app.core import clock
from app.core.words import _, _l
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
