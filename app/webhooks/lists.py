"""Webhooks and what was sent to them as lists."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.core.words import _l
from app.shell.filterbar import Choice, FilterBar
from app.shell.listing import Column, Empty, Listing
from app.webhooks.words import EVENT_WORDS, STATE_WORDS


def _events(row: Any) -> str:
    return str(row["events"]).replace(" ", ", ")


WEBHOOKS = Listing(
    "webhooks",
    _l("Webhooks"),
    (
        Column("url", _l("Address"), "mono", fixed=True, cut=True),
        Column("active", _l("State"), fit=True),
        Column("events", _l("Events"), "mono", room="medium", cut=True, value=_events),
        Column("tenant", _l("Tenant"), room="wide", cut=True),
        Column("waiting", _l("Waiting"), "number"),
        Column("dead", _l("Dead"), "number"),
        Column("created_at", _l("Made"), "moment", room="wide"),
    ),
    Empty(
        _l("No webhook"),
        _l("Make one for each program that wants to hear of calls, prices or balances."),
        "arrow",
    ),
    sort="-id",
    open=lambda row: url_for("webhooks.edit", webhook_id=row["id"]),
    label=lambda row: row["url"],
    off=lambda row: not row["active"],
)

DELIVERIES = Listing(
    "deliveries",
    _l("Deliveries, newest first"),
    (
        Column("created_at", _l("When"), "moment", fixed=True),
        Column(
            "event",
            _l("Event"),
            fixed=True,
            ours=True,
            value=lambda row: EVENT_WORDS.get(row["event"], row["event"]),
            plain=lambda row: row["event"],
        ),
        Column("state", _l("State"), fit=True, plain=lambda row: row["state"]),
        Column("tries", _l("Tries"), "number"),
        Column("last_status", _l("Answer"), "number", room="medium"),
        Column("last_problem", _l("Problem"), room="medium", cut=True),
        Column("sent_at", _l("Sent"), "moment", room="wide"),
        Column("message_id", _l("Message"), "mono", shown=False),
    ),
    Empty(
        _l("No delivery"),
        _l("Nothing happened that this webhook wants to hear of, or none is in this state."),
        "arrow",
    ),
    sort="-id",
    open=lambda row: url_for(
        "webhooks.delivery", webhook_id=row["endpoint_id"], delivery_id=row["id"]
    ),
    label=lambda row: row["message_id"],
    drawer=True,
)
BAR = FilterBar(
    Choice(
        "state",
        _l("State"),
        tuple((state, words[0]) for state, words in STATE_WORDS.items()),
        none=_l("Any state"),
        search=True,
    ),
    label=_l("Deliveries"),
)
