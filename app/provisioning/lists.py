"""The list of changes."""

from __future__ import annotations

from flask import url_for

from app.core.words import _l
from app.provisioning.words import standing, summary
from app.shell.listing import Column, Empty, Listing

CHANGES = Listing(
    "changes",
    _l("Changes"),
    (
        Column("id", _l("Change"), sort="-", shown=False, fit=True),
        Column("created_at", _l("When"), "moment", fixed=True),
        Column("what", _l("What"), fixed=True, cut=True, value=summary),
        Column("comment", _l("Why"), room="medium", cut=True),
        Column("actor", _l("Who"), fit=True, room="medium"),
        Column("state", _l("State"), fit=True, value=standing, plain=lambda one: standing(one)[0]),
        Column("written_at", _l("Written"), "moment", shown=False),
    ),
    Empty(
        _l("No changes yet"),
        _l(
            "Every edit shows here: who, when, why, the rows before and after, and whether each"
            " node has it."
        ),
        "changes",
    ),
    sort="-id",
    open=lambda one: url_for("provisioning.show", set_id=one.id),
    label=summary,
    ident=lambda one: one.id,
)
