"""Subscribers in the global search."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for
from sqlalchemy import RowMapping, and_, or_, select

from app.core.context import databases, settings
from app.core.errors import SwitchTableError
from app.core.numbering import typed
from app.core.words import _, _l
from app.identity.access import Operator
from app.opensips.asking import ask, stock
from app.shell.search import PATIENCE_S, Hit, Provider
from app.subscribers import store


def find(text: str, operator: Operator, limit: int) -> list[Hit]:
    """By user, user@domain or a SIP address; by number also whom an alias leads to."""
    plan = settings().number_plan
    if " " in text and typed(text, plan) is None:
        return []
    dbs = databases()
    domains = store.domains_of(dbs.panel, operator)
    user, at, domain = store.split(text)
    number = None if at else typed(user, plan)
    table = stock()["subscriber"]
    wanted = store.matches(table, text)
    if number:
        wanted = or_(wanted, table.c.username.in_(_writings(number)))
    query = (
        select(table.c.id, table.c.username, table.c.domain)
        .where(wanted, *store.seen(table, domains))
        .order_by(table.c.username, table.c.domain)
        .limit(limit)
    )
    hits = []
    for row in ask(dbs.switch, "subscriber", query, PATIENCE_S):
        name, home = row["username"], row["domain"]
        exact = (name.casefold() == user.casefold() or name.lstrip("+") == number) and (
            not at or home.casefold() == domain.casefold()
        )
        hits.append(_hit(row, "", exact))
    if number:
        hits += [_hit(row, _("alias"), True) for row in _by_alias(number, domains, limit)]
    return hits[:limit]


def _writings(number: str) -> list[str]:
    return [number, f"+{number}"]


def _by_alias(number: str, domains: Sequence[str] | None, limit: int) -> list[RowMapping]:
    """The subscribers to whom the number is an alias; none without the table ``dbaliases``."""
    table, alias = stock()["subscriber"], stock()["dbaliases"]
    same = and_(table.c.username == alias.c.username, table.c.domain == alias.c.domain)
    query = (
        select(table.c.id, table.c.username, table.c.domain)
        .select_from(alias.join(table, same))
        .where(alias.c.alias_username.in_(_writings(number)), *store.seen(table, domains))
        .limit(limit)
    )
    try:
        return ask(databases().switch, "dbaliases", query, PATIENCE_S)
    except SwitchTableError:
        return []


def _hit(row: RowMapping, detail: str, exact: bool) -> Hit:
    url = url_for("subscribers.show", subscriber_id=row["id"])
    return Hit(f"{row['username']}@{row['domain']}", detail, url, "person", exact)


PROVIDERS = (
    Provider(
        _l("Subscribers"),
        "subscriber.read",
        find,
        _l("anna, anna@example.org, sip:anna@example.org"),
        "switch",
    ),
)
