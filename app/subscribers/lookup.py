"""Subscribers in the global search."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import or_, select

from app.core.context import databases, settings
from app.core.numbering import typed
from app.core.words import _, _l
from app.identity.access import Operator
from app.opensips.asking import ask, stock
from app.shell.search import PATIENCE_S, Hit, Provider
from app.subscribers import store


def find(text: str, operator: Operator, limit: int) -> list[Hit]:
    """By user, user@domain or a SIP address; a number finds who registers with it."""
    plan = settings().number_plan
    if " " in text and typed(text, plan) is None:
        return []
    dbs = databases()
    table = stock()["subscriber"]
    wanted = store.matches(table, text)
    number = typed(store.split(text)[0], plan)
    if number and "@" not in text:
        wanted = or_(wanted, table.c.username.in_([number, f"+{number}"]))
    query = (
        select(table.c.id, table.c.username, table.c.domain)
        .where(wanted, *store.seen(table, store.domains_of(dbs.panel, operator)))
        .order_by(table.c.username, table.c.domain)
        .limit(limit)
    )
    user, at, domain = store.split(text)
    hits = []
    for row in ask(dbs.switch, "subscriber", query, PATIENCE_S):
        name, home = row["username"], row["domain"]
        exact = (name.casefold() == user.casefold() or name.lstrip("+") == number) and (
            not at or home.casefold() == domain.casefold()
        )
        url = url_for("subscribers.show", subscriber_id=row["id"])
        hits.append(Hit(f"{name}@{home}", _("Subscriber"), url, "person", exact))
    return hits


PROVIDERS = (
    Provider(
        _l("Subscribers"),
        "subscriber.read",
        find,
        _l("anna, anna@example.org, sip:anna@example.org"),
        "switch",
    ),
)
