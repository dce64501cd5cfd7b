"""A subscriber's month: what was called and what moved the balance."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from app.cdr.tables import answered
from app.core import clock
from app.core.errors import InvalidInput
from app.core.words import _
from app.ledger import account
from app.ledger.account import Account
from app.ledger.tables import entry, posting
from app.portal.people import Subscriber

_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
# Movements of one month that are shown one by one.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the switch's zone: ``since`` inclusive, ``until`` exclusive."""

    name: str
    since: int
    until: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Calls by destination, and the account's movements; amounts in ledger units."""

    calls: Sequence[Mapping[str, Any]]
    opening: int
    closing: int
    movements: Sequence[Mapping[str, Any]]


def month(text: str | None, zone: str) -> Month:
    """The month of ``2026-11``, the present one without a text; raises InvalidInput."""
    now = clock.to_datetime(clock.now_ms()).astimezone(clock.zone(zone))
    found = _MONTH.fullmatch(text or f"{now:%Y-%m}")
    if found is None:
        raise InvalidInput(_("This is no month."), _("Write it like 2026-11."), "month")
    year, number = int(found[1]), int(found[2])
    names = [_shifted(year, number, by) for by in (-1, 0, 1)]
    start, end = (
        clock.from_datetime(datetime(*_parts(name), 1, tzinfo=clock.zone(zone)))
        for name in names[1:]
    )
    return Month(names[1], start, end, names[0], names[2])


def account_of(connection: Connection, who: Subscriber) -> Account | None:
    """The account that his calls are charged to."""
    return account.find(connection, who.tenant_id, who.address)


def of(connection: Connection, who: Subscriber, mine: Account | None, wanted: Month) -> Statement:
    """The statement of a month."""
    calls = _calls(connection, who, wanted)
    if mine is None:
        return Statement(calls, 0, 0, [])
    opening = _balance(connection, mine.id, wanted.since)
    closing = _balance(connection, mine.id, wanted.until)
    return Statement(calls, opening, closing, _movements(connection, mine.id, wanted))


def _calls(connection: Connection, who: Subscriber, wanted: Month) -> list[dict[str, Any]]:
    c = answered.c
    query = (
        select(
            c.destination,
            c.sell_currency.label("currency"),
            func.count().label("calls"),
            func.sum(c.duration_ms).label("duration_ms"),
            func.sum(c.price).label("price"),
        )
        .where(
            c.account == who.address,
            c.tenant_id == who.tenant_id,
            c.setup_at >= wanted.since,
            c.setup_at < wanted.until,
        )
        .group_by(c.destination, c.sell_currency)
        .order_by(c.destination)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    for row in rows:
        # Sums are decimals on two of the databases; they are whole.
        row["duration_ms"] = int(row["duration_ms"] or 0)
        row["price"] = None if row["price"] is None else int(row["price"])
    return rows


def _balance(connection: Connection, account_id: int, until: int) -> int:
    joined = entry.join(posting, posting.c.id == entry.c.posting_id)
    query = select(func.sum(entry.c.amount)).select_from(joined)
    query = query.where(entry.c.account_id == account_id, posting.c.at < until)
    return int(connection.scalar(query) or 0)


def _movements(connection: Connection, account_id: int, wanted: Month) -> list[dict[str, Any]]:
    """Everything but the charges of calls one by one; those as one sum at the end."""
    joined = entry.join(posting, posting.c.id == entry.c.posting_id)
    query = (
        select(posting.c.at, posting.c.kind, posting.c.memo, entry.c.amount)
        .select_from(joined)
        .where(
            entry.c.account_id == account_id,
            posting.c.at >= wanted.since,
            posting.c.at < wanted.until,
            posting.c.kind != "charges",
        )
        .order_by(entry.c.id)
        .limit(MOST)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    charged = (
        select(func.sum(entry.c.amount))
        .select_from(joined)
        .where(
            entry.c.account_id == account_id,
            posting.c.at >= wanted.since,
            posting.c.at < wanted.until,
            posting.c.kind == "charges",
        )
    )
    total = connection.scalar(charged)
    if total:
        rows.append({"at": None, "kind": "charges", "memo": "", "amount": int(total)})
    return rows


def _shifted(year: int, number: int, by: int) -> str:
    months = year * 12 + number - 1 + by
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def _parts(name: str) -> tuple[int, int]:
    year, _dash, number = name.partition("-")
    return int(year), int(number)
