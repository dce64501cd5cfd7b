"""Suspense entries in the global search."""

from __future__ import annotations

import re

from flask import url_for
from sqlalchemy import select

from app.core.context import databases, settings
from app.core.numbering import typed
from app.core.patience import hurried
from app.core.prefixes import starts_with
from app.core.words import _, _l
from app.identity.access import Operator, owned
from app.mediation import numbers
from app.mediation.suspense import IN_WORDS
from app.mediation.tables import own_number, suspense
from app.shell.search import PATIENCE_S, Hit, Provider, number_after


def find(text: str, operator: Operator, limit: int) -> list[Hit]:
    """``suspense 12``, or the Call-ID of an entry."""
    number = number_after(text, _l("suspense, entry, suspense entry"))
    query = select(suspense.c.id, suspense.c.call_id, suspense.c.reason)
    if number is not None and number[1]:
        query = query.where(suspense.c.id == number[0])
    else:
        query = query.where(suspense.c.call_id.in_(call_ids(text)))
    query = query.where(*owned(suspense.c.tenant_id, operator.sees))
    with hurried(databases().panel, PATIENCE_S) as connection:
        rows = connection.execute(query.order_by(suspense.c.id.desc()).limit(limit)).all()
    return [
        Hit(
            _("Suspense entry %(id)s", id=row.id),
            IN_WORDS.get(row.reason, (row.reason, ""))[0],
            url_for("mediation.show", entry_id=row.id),
            "suspense",
            exact=True,
        )
        for row in rows
    ]


def own_numbers(text: str, operator: Operator, limit: int) -> list[Hit]:
    """Numbers that we own, whole or how they start."""
    digits = typed(text.rstrip("*"), settings().number_plan)
    if not digits or len(digits) < 3:
        return []
    query = numbers.over(operator.sees).where(starts_with(own_number.c.number, digits))
    with hurried(databases().panel, PATIENCE_S) as connection:
        rows = connection.execute(query.order_by(own_number.c.number).limit(limit)).all()
    return [
        Hit(
            row.number,
            row.code or "",
            url_for("payers.owned", q=row.number),
            "calls",
            exact=row.number == digits,
        )
        for row in rows
    ]


def call_ids(text: str) -> list[str]:
    """The Call-IDs that a pasted text may mean: alone, as in a header, with a tag behind it."""
    bare = re.sub(r"^(call-?id|i)\s*:\s*", "", text, flags=re.I)
    return list(dict.fromkeys([text, bare, bare.partition("|")[0].strip()]))


PROVIDERS = (
    Provider(_l("Suspense"), "suspense.read", find, _l("suspense 12")),
    Provider(_l("Own numbers"), "number.read", own_numbers, _l("a number that we own")),
)
