"""The calls as a list: every column there is, and which of them are usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from app.cdr import causes, words
from app.core import formats, money
from app.core.words import _, _l
from app.shell.listing import Column, Empty, Listing

CDR = Mapping[str, Any]


def _seconds(cdr: CDR) -> str:
    return f"{cdr['duration_ms'] // 1000}.{cdr['duration_ms'] % 1000:03d}"


def _price(cdr: CDR) -> str:
    return money.to_text(cdr["price"], cdr["sell_currency"]) or ""


def _status(cdr: CDR) -> str:
    return _("Answered") if cdr["answered_at"] is not None else _("Not answered")


COLUMNS = (
    Column("setup_at", _l("Time"), "moment", fixed=True),
    Column("caller", _l("Caller"), "phone", cut=True),
    Column("callee", _l("Callee"), "phone", room="medium", cut=True),
    Column("dialled", _l("Dialled"), "mono", cut=True, shown=False),
    Column("destination", _l("Destination"), room="wide", cut=True),
    Column("domain", _l("Domain"), room="widest", cut=True),
    Column("account", _l("Account"), room="wide", cut=True),
    Column("gateway", _l("Gateway"), room="widest", cut=True),
    Column("carrier", _l("Carrier"), cut=True, shown=False),
    Column("routed", _l("Routed to"), "mono", cut=True, shown=False),
    Column("asserted", _l("Asserted identity"), "phone", cut=True, shown=False),
    Column("routing_number", _l("Routing number"), "mono", shown=False),
    Column("trunk", _l("Trunk"), cut=True, shown=False),
    Column(
        "direction",
        _l("Direction"),
        shown=False,
        value=lambda row: words.direction(row["direction"]),
        plain=lambda row: row["direction"],
        ours=True,
    ),
    Column("attempts", _l("Gateways tried"), "number", shown=False),
    Column("pdd_ms", _l("Delay in ms"), "number", shown=False),
    Column("first_ms", _l("Last gateway's first sign, ms"), "number", shown=False),
    Column("final_ms", _l("Last gateway's answer, ms"), "number", shown=False),
    Column("hangup", _l("Ended by"), shown=False, value=causes.hangup, ours=True),
    Column("cause", _l("Cause"), "number", shown=False),
    Column("sip_code", _l("Result"), cut=True),
    Column("sip_reason", _l("Reason"), cut=True, shown=False),
    Column("status", _l("Status"), shown=False, value=_status, ours=True),
    Column("answered_at", _l("Answered at"), "moment", shown=False),
    Column("ended_at", _l("Ended"), "moment", shown=False),
    Column("duration_ms", _l("Length"), "duration", room="medium", fit=True, plain=_seconds),
    Column("price", _l("Price"), "money", fit=True, plain=_price),
    Column("sell_currency", _l("Currency"), shown=False),
    Column("unpriced_reason", _l("Why no price"), "mono", shown=False),
    Column("call_id", _l("Call-ID"), "mono", cut=True, shown=False),
    Column("from_tag", _l("From tag"), "mono", cut=True, shown=False),
    Column("to_tag", _l("To tag"), "mono", cut=True, shown=False),
    Column("src_ip", _l("From address"), "mono", shown=False),
    Column("user_agent", _l("User agent"), cut=True, shown=False),
    Column("charge_id", _l("Charge ID"), "mono", cut=True, shown=False),
    Column("acc_ids", _l("Rows of the switch"), "mono", cut=True, shown=False),
    Column("source_id", _l("Source"), "mono", shown=False),
    Column("stored_at", _l("Stored"), "moment", shown=False),
    Column("id", _l("Number"), "mono", shown=False),
)


def name(cdr: CDR) -> str:
    """What a screen reader calls the row."""
    caller, callee = (formats.phone(cdr[key]) or _("unknown") for key in ("caller", "callee"))
    return _("Call of %(caller)s to %(callee)s", caller=caller, callee=callee)


CALLS = Listing(
    "calls",
    _l("Calls, newest first"),
    COLUMNS,
    Empty(
        _l("No calls here"),
        _l(
            "No call was set up in this range that fits all filters. Take a longer range, or"
            " fewer filters."
        ),
        icon="calls",
        label=_l("Look at 90 days without filters"),
        url="/cdr?range=90d",
    ),
    open=lambda cdr: url_for("cdr.show", cdr_id=cdr["id"]),
    label=name,
    drawer=True,
)
