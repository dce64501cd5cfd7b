"""The lists of accounts and of what moved their balances."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.core.words import _l
from app.shell.filterbar import FilterBar, Text
from app.shell.listing import Column, Empty, Listing

BAR = FilterBar(Text("q", _l("Code or name"), search=True, wide=True), label=_l("Accounts"))
ACCOUNTS = Listing(
    "accounts",
    _l("Accounts, by code"),
    (
        Column("code", _l("Account"), "mono", fixed=True),
        Column("name", _l("Name"), room="medium", cut=True),
        Column("kind", _l("Kind"), shown=False),
        Column("mode", _l("Mode"), room="medium", fit=True),
        Column("balance", _l("Balance"), "money"),
        Column("held", _l("Held"), "money", room="wide"),
        Column("available", _l("Available"), "money", room="wide"),
        Column("currency", _l("Currency"), shown=False),
    ),
    empty=Empty(_l("No account"), _l("None starts so, or none was made yet."), "account"),
    open=lambda row: url_for("billing.show", account_id=row["id"]),
    label=lambda row: row["code"],
)
ENTRIES = Listing(
    "entries",
    _l("What moved the balance, newest first"),
    (
        Column("at", _l("Posted"), "moment", fixed=True),
        Column("kind", _l("Kind"), fit=True),
        Column("reference", _l("Reference"), "mono", room="medium", cut=True),
        Column("memo", _l("Memo"), room="wide", cut=True),
        Column("amount", _l("Amount"), "money"),
    ),
    empty=Empty(_l("Nothing was posted yet"), _l("Charges and top-ups show here."), "account"),
    sort="-id",
)

TARIFFS = Listing(
    "tariffs",
    _l("Tariffs, by name"),
    (
        Column("name", _l("Name"), fixed=True),
        Column("tenant", _l("Tenant"), room="medium", cut=True),
        Column("currency", _l("Currency"), fit=True),
        Column("versions", _l("Versions"), "number", room="medium"),
        Column("accounts", _l("Accounts"), "number"),
        Column("created_at", _l("Made"), "moment", room="wide"),
    ),
    empty=Empty(_l("No tariff"), _l("Make one, then a version with rates."), "account"),
    sort="+name",
    open=lambda row: url_for("tariffs.show", tariff_id=row["id"]),
    label=lambda row: row["name"],
)
RATE_BAR = FilterBar(Text("q", _l("Prefix"), 20, search=True, wide=True), label=_l("Rates"))


def _seconds(row: Any, name: str) -> str:
    seconds, ms = divmod(row[name], 1000)
    return f"{seconds}.{ms:03d}".rstrip("0") if ms else str(seconds)


RATES = Listing(
    "rates",
    _l("Rates, by prefix"),
    (
        Column("prefix", _l("Prefix"), "mono", fixed=True),
        Column("destination", _l("Destination"), cut=True),
        Column("price", _l("Price a minute"), right=True),
        Column("connect_fee", _l("Fee"), right=True, room="medium"),
        Column("initial_ms", _l("First s"), value=lambda r: _seconds(r, "initial_ms"), right=True),
        Column(
            "increment_ms",
            _l("Next s"),
            value=lambda r: _seconds(r, "increment_ms"),
            right=True,
            room="medium",
        ),
    ),
    empty=Empty(_l("No rate"), _l("None starts so."), "account"),
)
