"""The lists of accounts and of what moved their balances."""

from __future__ import annotations

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
