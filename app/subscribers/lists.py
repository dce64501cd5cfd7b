"""The list of subscribers."""

from __future__ import annotations

from flask import url_for

from app.core.words import _l
from app.shell.filterbar import FilterBar, Text
from app.shell.listing import Column, Empty, Listing

BAR = FilterBar(
    Text("q", _l("User, user@domain or domain"), search=True, wide=True), label=_l("Subscribers")
)
SUBSCRIBERS = Listing(
    "subscribers",
    _l("Subscribers, by name"),
    (
        Column("username", _l("User"), "mono", fixed=True),
        Column("domain", _l("Domain")),
    ),
    empty=Empty(_l("No subscriber"), _l("None starts so, or the table has none."), "person"),
    open=lambda row: url_for("subscribers.show", subscriber_id=row["id"]),
    label=lambda row: f"{row['username']}@{row['domain']}",
)
