"""Subscribers of the switch: list, and one with its aliases and groups. Secrets are never read."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.context import databases
from app.core.database import reading
from app.core.errors import NotFound
from app.core.words import _, _l
from app.identity.access import current_operator, requires
from app.shell.listing import Asked, Column, Empty, Listing, Page
from app.subscribers import store

blueprint = Blueprint("subscribers", __name__)

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


@blueprint.get("/subscribers")
@requires("subscriber.read")
def index() -> ResponseReturnValue:
    """Who may register and call, by name; ``q`` is how user or domain start."""
    text = request.args.get("q", "").strip()[:128]
    dbs = databases()
    domains = store.domains_of(dbs.panel, current_operator())

    def fetch(asked: Asked) -> Page:
        with reading(dbs.switch) as connection:
            query, table = store.query(connection)
            query = query.where(*store.seen(table, domains))
            query = query.where(store.matches(table, text)) if text else query
            return asked.page(connection, query, username=table.c.username, id=table.c.id)

    return SUBSCRIBERS.answer("subscribers/index.html", fetch, text=text)


@blueprint.get("/subscribers/<int:subscriber_id>")
@requires("subscriber.read")
def show(subscriber_id: int) -> ResponseReturnValue:
    """One subscriber."""
    dbs = databases()
    row = store.get(dbs, subscriber_id, store.domains_of(dbs.panel, current_operator()))
    if row is None:
        raise NotFound(_("There is no such subscriber."), _("Look for it in the list."))
    with reading(dbs.switch) as connection:
        beside = (connection, row["username"], row["domain"])
        aliases, groups = store.aliases(*beside), store.groups(*beside)
    return render_template("subscribers/show.html", row=row, aliases=aliases, groups=groups)
