"""Subscribers of the switch: list, and one with its aliases and groups. Secrets are never read."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.core.context import databases
from app.core.database import reading
from app.core.errors import NotFound
from app.core.words import _
from app.identity.access import current_operator, requires
from app.shell.listing import Asked, Page
from app.subscribers import store
from app.subscribers.lists import BAR, SUBSCRIBERS

blueprint = Blueprint("subscribers", __name__)


@blueprint.get("/subscribers")
@requires("subscriber.read")
def index() -> ResponseReturnValue:
    """Who may register and call, by name; ``q`` is how user or domain start."""
    bar = BAR.read(request.args)
    text = bar["q"] or ""
    dbs = databases()
    domains = store.domains_of(dbs.panel, current_operator())

    def fetch(asked: Asked) -> Page:
        if bar.problems:
            return Page([])
        with reading(dbs.switch) as connection:
            query, table = store.query(connection)
            query = query.where(*store.seen(table, domains))
            query = query.where(store.matches(table, text)) if text else query
            return asked.page(connection, query, username=table.c.username, id=table.c.id)

    return SUBSCRIBERS.answer("subscribers/index.html", fetch, bar=bar)


@blueprint.get("/subscribers/<int:subscriber_id>")
@requires("subscriber.read")
def show(subscriber_id: int) -> ResponseReturnValue:
    """One subscriber."""
    dbs = databases()
    operator = current_operator()
    row = store.get(dbs, subscriber_id, store.domains_of(dbs.panel, operator))
    if row is None:
        raise NotFound(_("There is no such subscriber."), _("Look for it in the list."))
    with reading(dbs.switch) as connection:
        beside = (connection, row["username"], row["domain"])
        aliases, groups = store.aliases(*beside), store.groups(*beside)
    account_id = store.account_of(dbs.panel, operator, f"{row['username']}@{row['domain']}")
    values = {"aliases": aliases, "groups": groups, "account_id": account_id}
    return render_template("subscribers/show.html", row=row, **values)
