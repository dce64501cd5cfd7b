"""The ledger proves itself: invariants 3, 4 (its holds) and 7 of the design."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, case, func, or_, select

from app.core.findings import MOST, Finding
from app.ledger import tables

_account, _posting, _entry, _hold = (tables.account, tables.posting, tables.entry, tables.hold)


def check(connection: Connection) -> Iterator[Finding]:
    """One finding an invariant; each is one statement, so that a busy ledger cannot fool it."""
    yield _finding(connection, "3.postings_balance", _posting, _unbalanced(), _say_unbalanced)
    yield _finding(connection, "3.entries_belong", _entry, _strays(), _say_stray)
    yield _finding(connection, "3.balances_equal_entries", _account, _balances(), _say_balance)
    yield _finding(connection, "4.holds_add_up", _hold, _holds(), _say_hold)
    yield _finding(connection, "4.held_equals_holds", _account, _held(), _say_held)
    for table in (_posting, _hold):
        invariant = f"7.one_{table.name}_a_reference"
        yield _finding(connection, invariant, table, _twice(table), _say_twice)


def _finding(
    connection: Connection,
    invariant: str,
    table: Table,
    wrong: Select[Any],
    say: Callable[[Row[Any]], str],
) -> Finding:
    checked = connection.scalar(select(func.count()).select_from(table)) or 0
    violations = [say(row) for row in connection.execute(wrong.limit(MOST))]
    return Finding(invariant, checked, violations)


def _unbalanced() -> Select[Any]:
    total = func.sum(_entry.c.amount)
    return (
        select(_entry.c.posting_id, _entry.c.currency, total.label("total"))
        .group_by(_entry.c.posting_id, _entry.c.currency)
        .having(total != 0)
    )


def _say_unbalanced(row: Row[Any]) -> str:
    return f"posting {row.posting_id} is {row.total} units of {row.currency} out of balance"


def _strays() -> Select[Any]:
    return (
        select(_entry.c.id)
        .select_from(
            _entry.outerjoin(_posting, _posting.c.id == _entry.c.posting_id).outerjoin(
                _account, _account.c.id == _entry.c.account_id
            )
        )
        .where(
            or_(
                _posting.c.id.is_(None),
                _account.c.id.is_(None),
                _account.c.currency != _entry.c.currency,
            )
        )
    )


def _say_stray(row: Row[Any]) -> str:
    return f"entry {row.id} has no posting, no account, or another currency than its account"


def _balances() -> Select[Any]:
    total = func.sum(_entry.c.amount).label("total")
    sums = select(_entry.c.account_id, total).group_by(_entry.c.account_id).subquery()
    booked = func.coalesce(sums.c.total, 0)
    return (
        select(_account.c.code, _account.c.balance, booked.label("booked"))
        .select_from(_account.outerjoin(sums, sums.c.account_id == _account.c.id))
        .where(_account.c.balance != booked)
    )


def _say_balance(row: Row[Any]) -> str:
    return f"account {row.code} has a balance of {row.balance}, its entries say {row.booked}"


def _holds() -> Select[Any]:
    open_part = case((_hold.c.state == "closed", 0), else_=_hold.c.amount)
    return select(_hold.c.id, _hold.c.state).where(
        _hold.c.amount + _hold.c.overrun != _hold.c.settled + _hold.c.released + open_part
    )


def _say_hold(row: Row[Any]) -> str:
    return f"hold {row.id} ({row.state}): amount + overrun is not settled + released + open"


def _held() -> Select[Any]:
    total = func.sum(_hold.c.amount).label("total")
    sums = (
        select(_hold.c.account_id, total)
        .where(_hold.c.state != "closed")
        .group_by(_hold.c.account_id)
        .subquery()
    )
    held = func.coalesce(sums.c.total, 0)
    return (
        select(_account.c.code, _account.c.held, held.label("holds"))
        .select_from(_account.outerjoin(sums, sums.c.account_id == _account.c.id))
        .where(_account.c.held != held)
    )


def _say_held(row: Row[Any]) -> str:
    return f"account {row.code} has {row.held} held, its holds say {row.holds}"


def _twice(table: Table) -> Select[Any]:
    times = func.count().label("times")
    return (
        select(table.c.tenant_id, table.c.reference, times)
        .group_by(table.c.tenant_id, table.c.reference)
        .having(times > 1)
    )


def _say_twice(row: Row[Any]) -> str:
    return f"reference {row.reference} of tenant {row.tenant_id} has {row.times} effects"
