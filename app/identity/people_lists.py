"""Operators and tenants as lists."""

from __future__ import annotations

from flask import url_for

from app.core.words import _l
from app.identity.access import ROLE_WORDS
from app.shell.filterbar import FilterBar, Text
from app.shell.listing import Column, Empty, Listing

OPERATORS = Listing(
    "operators",
    _l("Operators"),
    (
        Column("login", _l("Login"), sort="+", fixed=True),
        Column(
            "role",
            _l("Role"),
            ours=True,
            value=lambda row: ROLE_WORDS.get(row["role"], row["role"]),
        ),
        Column("tenant", _l("Tenant"), room="medium", cut=True),
        Column("active", _l("State"), fit=True),
        Column("seen", _l("Last seen"), "moment", room="medium"),
        Column("created_at", _l("Made"), "moment", room="wide"),
    ),
    Empty(_l("No operator"), _l("None starts so, or none was made yet."), "person"),
    sort="+login",
    open=lambda row: url_for("operators.edit", operator_id=row["id"]),
    label=lambda row: row["login"],
)
OPERATOR_BAR = FilterBar(Text("q", _l("Login"), 64, search=True, wide=True), label=_l("Operators"))

TENANTS = Listing(
    "tenants",
    _l("Tenants"),
    (
        Column("name", _l("Name"), sort="+", fixed=True),
        Column("parent", _l("Beneath"), room="medium", cut=True),
        Column("domains", _l("Domains"), "number"),
        Column("operators", _l("Operators"), "number", room="medium"),
        # The house was there before there was a clock to ask.
        Column(
            "created_at",
            _l("Made"),
            "moment",
            room="wide",
            value=lambda row: row["created_at"] or None,
        ),
    ),
    Empty(_l("No tenant"), _l("Make one for each reseller or company."), "person"),
    sort="+name",
    open=lambda row: url_for("tenants.edit", tenant_id=row["id"]),
    label=lambda row: row["name"],
)
