"""The audit on its screens: who did what to what, when, from where."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select

from app.core.context import databases
from app.core.database import reading
from app.core.errors import NotFound
from app.core.words import _, _l
from app.identity.access import current_operator, owned, requires
from app.identity.audit import entries
from app.identity.tables import audit
from app.shell import frame
from app.shell.filterbar import Filled, FilterBar, Text, TimeRange
from app.shell.listing import Asked, Column, Empty, Listing, Page

blueprint = Blueprint("audit", __name__)

BAR = FilterBar(
    TimeRange(default="7d"),
    Text("object", _l("Object"), 128, search=True, help=_l("account:7, or how it begins")),
    Text("actor", _l("Who"), 64),
    Text("action", _l("Action"), 64, help=_l("operator.sign_in, or how it begins")),
    label=_l("Audit"),
)
AUDIT = Listing(
    "audit",
    _l("What was done, newest first"),
    (
        Column("at", _l("When"), "moment", fixed=True),
        Column("actor", _l("Who"), fixed=True, cut=True),
        Column("action", _l("Action"), "mono"),
        Column("object", _l("Object"), "mono", cut=True),
        Column("address", _l("From address"), "mono", room="wide"),
        Column("session", _l("Session"), "mono", shown=False),
        Column("detail", _l("Detail"), cut=True, room="widest"),
        Column("before", _l("Before"), cut=True, shown=False),
        Column("after", _l("After"), cut=True, shown=False),
        Column("seq", _l("Number"), "number", shown=False),
        Column("hash", _l("Hash"), "mono", cut=True, shown=False),
    ),
    Empty(
        _l("Nothing was done"),
        _l("No deed in this range fits all filters. Take a longer range, or fewer filters."),
        "changes",
    ),
    sort="-id",
    open=lambda row: url_for("audit.show", entry_id=row["id"]),
    label=lambda row: f"{row['action']} {row['object']}",
    drawer=True,
)


@blueprint.get("/audit")
@requires("audit.read")
def index() -> ResponseReturnValue:
    """The entries of the tenants that one sees."""
    bar = BAR.read(request.args, current_operator().zone)
    if bar.range is not None:
        frame.show_in(bar.zone)

    def fetch(asked: Asked) -> Page:
        if bar.problems:
            return Page([])
        with reading(databases().panel) as connection:
            return asked.page(connection, _query(bar), id=audit.c.id)

    return AUDIT.answer("identity/audit.html", fetch, bar=bar)


def _query(bar: Filled) -> Select[Any]:
    return entries(
        current_operator().sees,
        since=bar.range.since if bar.range else None,
        until=bar.range.until if bar.range else None,
        actor=bar["actor"],
        object=bar["object"],
        action=bar["action"],
    )


@blueprint.get("/audit/<int:entry_id>")
@requires("audit.read")
def show(entry_id: int) -> ResponseReturnValue:
    """One entry with all that was noted."""
    mine = owned(audit.c.tenant_id, current_operator().sees)
    with reading(databases().panel) as connection:
        row = (
            connection.execute(select(audit).where(audit.c.id == min(entry_id, 2**63 - 1), *mine))
            .mappings()
            .first()
        )
    if row is None:
        raise NotFound(_("There is no such entry."), _("Look for it in the list."))
    return render_template(
        "identity/audit_entry.html",
        row=row,
        detail=_fields(row["detail"]),
        before=_fields(row["before"]),
        after=_fields(row["after"]),
    )


def _fields(text: str | None) -> dict[str, Any]:
    """The fields of a JSON object, values that are no text as JSON again."""
    if not text:
        return {}
    return {
        name: value if value is None or isinstance(value, str) else json.dumps(value)
        for name, value in json.loads(text).items()
    }
