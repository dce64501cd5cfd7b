"""Subscribers of the switch: list, and one with its aliases and groups. Secrets are never read."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.context import databases
from app.core.database import reading
from app.core.words import _
from app.identity.access import current_operator, requires
from app.portal import people
from app.shell.forms import Form
from app.shell.listing import Asked, Page
from app.shell.toasts import toast
from app.subscribers import pages, store
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
    row = store.seen_by(dbs, subscriber_id, operator)
    with reading(dbs.switch) as connection:
        beside = (connection, row["username"], row["domain"])
        aliases, groups = store.aliases(*beside), store.groups(*beside)
    account_id = store.account_of(dbs.panel, operator, f"{row['username']}@{row['domain']}")
    with reading(dbs.panel) as connection:
        access = people.access_of(connection, store.address_of(row))
    values = {"aliases": aliases, "groups": groups, "account_id": account_id, "access": access}
    return render_template("subscribers/show.html", row=row, form=Form(formdata=None), **values)


@blueprint.post("/subscribers/<int:subscriber_id>/page")
@requires("subscriber.write")
def give_page(subscriber_id: int) -> ResponseReturnValue:
    """Makes a link by which the subscriber chooses a password for his own page; shown once."""
    row = store.seen_by(databases(), subscriber_id, current_operator())
    link, address = pages.give(row), store.address_of(row)
    return render_template("subscribers/page_link.html", address=address, link=link)


@blueprint.post("/subscribers/<int:subscriber_id>/page/remove")
@requires("subscriber.write")
def take_page(subscriber_id: int) -> ResponseReturnValue:
    """Takes the subscriber's own page away; his sessions there end."""
    pages.take(store.seen_by(databases(), subscriber_id, current_operator()))
    toast(_("The subscriber has no page of his own any more."))
    return redirect(url_for("subscribers.show", subscriber_id=subscriber_id), 303)
