"""Postings: balanced sets of entries. What is written here is never changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from app.core import clock, money, outbox
from app.core.errors import InvalidInput
from app.core.upsert import insert_once
from app.ledger import tables

KINDS = frozenset({"charges", "topup", "adjustment", "transfer"})
# Accounts named in one statement: well below what any of the databases takes.
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """An amount in ledger units: above zero it adds to the account, below it takes away."""

    account_id: int
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Low:
    """An account whose balance falls below its low one; both in ledger units."""

    tenant_id: int
    account_id: int
    code: str
    currency: str
    balance: int
    low_balance: int

    def told(self) -> dict[str, Any]:
        """What an event says of it; money is decimal text."""
        return {
            "account_id": self.account_id,
            "account": self.code,
            "balance": money.to_text(self.balance, self.currency),
            "low_balance": money.to_text(self.low_balance, self.currency),
            "currency": self.currency,
        }


class Unbalanced(InvalidInput):
    """The lines of a posting do not add up to nothing in each currency."""

    code = "unbalanced"


def post(
    connection: Connection,
    *,
    tenant_id: int,
    kind: str,
    reference: str,
    lines: Iterable[Line],
    memo: str = "",
    at: int | None = None,
) -> int:
    """The id of a new posting, its balances moved; ``at`` is an instant, by default now.

    One reference of a tenant, one effect: used before, the first posting's id comes back and
    nothing changes. Lines of one account become one entry; entries of zero are not written.
    Raises Unbalanced; InvalidInput for an unknown account or another currency than its own.
    """
    merged = _merge(kind, reference, lines)
    posting_id, new = insert_once(
        connection,
        tables.posting,
        {
            "tenant_id": tenant_id,
            "at": clock.now_ms() if at is None else at,
            "kind": kind,
            "reference": reference,
            "memo": memo[:255],
        },
        ("tenant_id", "reference"),
    )
    if new:
        chunks = [merged[start : start + _CHUNK] for start in range(0, len(merged), _CHUNK)]
        fallen = [low for chunk in chunks for low in _lock_and_check(connection, chunk)]
        for chunk in chunks:
            _write(connection, tenant_id, posting_id, chunk)
        outbox.write(connection, "balance.low", fallen, lambda low: low.tenant_id, Low.told)
    return posting_id


def _merge(kind: str, reference: str, lines: Iterable[Line]) -> list[Line]:
    if kind not in KINDS:
        raise InvalidInput(f"'{kind}' is no kind of posting.", f"Use {', '.join(sorted(KINDS))}.")
    if not reference or len(reference) > 128:
        raise InvalidInput("A posting needs a reference of 1 to 128 characters.")
    sums: dict[tuple[int, str], int] = defaultdict(int)
    totals: Counter[str] = Counter()
    for line in lines:
        sums[line.account_id, line.currency] += line.amount
        totals[line.currency] += line.amount
    for currency, total in totals.items():
        if total != 0:
            over = money.to_text(total, currency)
            raise Unbalanced(f"The posting '{reference}' is {over} {currency} out of balance.")
    # In the order of account numbers: two postings never wait for each other in a circle.
    return [
        Line(account_id, money.check_range(amount), currency)
        for (account_id, currency), amount in sorted(sums.items())
        if amount
    ]


def _lock_and_check(connection: Connection, lines: Sequence[Line]) -> list[Low]:
    """Refuses what cannot be; returns the balances that the lines bring below their low ones."""
    account = tables.account.c
    wanted = {line.account_id: line.currency for line in lines}
    if len(wanted) < len(lines):
        raise InvalidInput("A posting has two currencies for one account.")
    found = connection.execute(
        select(
            account.id,
            account.currency,
            account.tenant_id,
            account.code,
            account.balance,
            account.low_balance,
        )
        .where(account.id.in_(list(wanted)))
        .order_by(account.id)
        .with_for_update()
    )
    rows = found.all()
    known = {row.id: row.currency for row in rows}
    for account_id, currency in wanted.items():
        if account_id not in known:
            raise InvalidInput(f"There is no account number {account_id}.")
        if known[account_id] != currency:
            raise InvalidInput(
                f"Account number {account_id} is in {known[account_id]}, not in {currency}."
            )
    amounts = {line.account_id: line.amount for line in lines}
    return [
        Low(row.tenant_id, row.id, row.code, row.currency, after, row.low_balance)
        for row in rows
        if row.low_balance is not None
        and row.balance >= row.low_balance > (after := row.balance + amounts[row.id])
    ]


def _write(connection: Connection, tenant_id: int, posting_id: int, lines: Sequence[Line]) -> None:
    account, entry = tables.account, tables.entry
    connection.execute(
        insert(entry),
        [
            {
                "tenant_id": tenant_id,
                "posting_id": posting_id,
                "account_id": line.account_id,
                "amount": line.amount,
                "currency": line.currency,
            }
            for line in lines
        ],
    )
    # The balances take their amounts from the entries just written: one statement for all.
    amount = (
        select(entry.c.amount)
        .where(entry.c.posting_id == posting_id, entry.c.account_id == account.c.id)
        .scalar_subquery()
    )
    connection.execute(
        update(account)
        .where(account.c.id.in_([line.account_id for line in lines]))
        .values(balance=account.c.balance + amount)
    )
