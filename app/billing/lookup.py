"""Accounts in the global search."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import ColumnElement, RowMapping, or_, select

from app.core import formats
from app.core.context import databases
from app.core.patience import hurried
from app.core.prefixes import starts_with
from app.core.words import _l
from app.identity.access import Operator, owned
from app.ledger.tables import account
from app.shell import locale
from app.shell.search import PATIENCE_S, Hit, Provider


def find(text: str, operator: Operator, limit: int) -> list[Hit]:
    """By code or name, or how they start."""
    query = select(account).where(or_(*starting(text)))
    query = query.where(*owned(account.c.tenant_id, operator.sees))
    with hurried(databases().panel, PATIENCE_S) as connection:
        rows = connection.execute(query.order_by(account.c.code).limit(limit)).mappings().all()
    wanted = text.casefold()
    return [
        Hit(
            row["code"],
            " · ".join(filter(None, (row["name"], _balance(row)))),
            url_for("billing.show", account_id=row["id"]),
            "account",
            exact=wanted in (row["code"].casefold(), row["name"].casefold()),
        )
        for row in rows
    ]


def _balance(row: RowMapping) -> str:
    return formats.amount(row["balance"], row["currency"], locale.tag())


def starting(text: str) -> list[ColumnElement[bool]]:
    """Conditions for accounts whose code or name starts so, in the cases that people write."""
    # Our own tables compare byte by byte; people do not.
    ways = dict.fromkeys([text, text.lower(), text.capitalize(), text.title()])
    return [starts_with(column, way) for column in (account.c.code, account.c.name) for way in ways]


PROVIDERS = (
    Provider(_l("Accounts"), "account.read", find, _l("an account's code or name, or its start")),
)
