"""Holds: money that a running call may still cost. It counts against what is available.

A hold is open while the call lasts, stopped when it ended and its CDR is awaited, closed when
the CDR is charged: ``amount + overrun = settled + released``. Every change takes the account
first and the hold second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from app.core import clock, money
from app.core.errors import CompanionError, InvalidInput, NotFound
from app.core.upsert import insert_once
from app.core.words import _
from app.ledger import account as accounts
from app.ledger import tables


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as the database has it now; amounts in ledger units, instants in ms UTC."""

    id: int
    tenant_id: int
    account_id: int
    reference: str
    state: str
    amount: int
    settled: int
    released: int
    overrun: int
    created_at: int
    closed_at: int | None


class InsufficientFunds(CompanionError):
    """The account has not enough left that is not held already."""

    code = "insufficient_funds"
    status = 402


_COLUMNS = [tables.hold.c[name] for name in Hold.__slots__]


def place(connection: Connection, *, account_id: int, amount: int, reference: str) -> Hold:
    """A hold of ``amount`` ledger units; the same reference again returns the first one.

    The check is inside the write: of simultaneous holds only those that fit are placed.
    Raises InsufficientFunds, with nothing changed; NotFound for an unknown account.
    """
    _check_amount(amount)
    owner = accounts.lock(connection, account_id)
    known = _find(connection, owner.tenant_id, reference)
    if known is not None:
        return _owned(known, account_id)
    _reserve(connection, account_id, amount)
    hold_id, _new = insert_once(
        connection,
        tables.hold,
        {
            "tenant_id": owner.tenant_id,
            "account_id": account_id,
            "reference": reference,
            "state": "open",
            "amount": amount,
            "created_at": clock.now_ms(),
        },
        ("tenant_id", "reference"),
    )
    return _owned(get(connection, hold_id), account_id)


def get(connection: Connection, hold_id: int) -> Hold:
    """The hold; raises NotFound."""
    row = connection.execute(select(*_COLUMNS).where(tables.hold.c.id == hold_id)).first()
    if row is None:
        raise NotFound(_("There is no hold number %(hold_id)s.", hold_id=hold_id))
    return Hold(**row._mapping)


def resize(connection: Connection, hold_id: int, amount: int) -> Hold:
    """The hold with a new amount; a closed one stays as it is.

    Raises InsufficientFunds when it grows beyond what is available, with nothing changed.
    """
    _check_amount(amount)
    held = _locked(connection, hold_id)
    if held.state == "closed" or held.amount == amount:
        return held
    _reserve(connection, held.account_id, amount - held.amount)
    connection.execute(update(tables.hold).where(tables.hold.c.id == hold_id).values(amount=amount))
    return get(connection, hold_id)


def stop(connection: Connection, hold_id: int) -> Hold:
    """The hold, no longer open: the call ended. It still counts until its CDR is charged."""
    hold = tables.hold.c
    connection.execute(
        update(tables.hold).where(hold.id == hold_id, hold.state == "open").values(state="stopped")
    )
    return get(connection, hold_id)


def settle(connection: Connection, hold_id: int, charged: int) -> Hold:
    """The hold, closed by a call that was charged ``charged`` ledger units elsewhere.

    settled = charged, released = what was held too much, overrun = what was held too little.
    A hold closed before stays as it is.
    """
    settle_many(connection, [(hold_id, charged)])
    return get(connection, hold_id)


def release(connection: Connection, hold_id: int) -> Hold:
    """The hold, closed with nothing charged."""
    return settle(connection, hold_id, 0)


def settle_many(connection: Connection, charges: Iterable[tuple[int, int]]) -> int:
    """How many holds were closed now: ``settle`` for a whole batch of (hold id, charged)."""
    # A negative charge is a credit to the customer: it uses nothing of the hold.
    charged = {hold_id: max(amount, 0) for hold_id, amount in charges}
    if not charged:
        return 0
    wanted = tables.hold.c.id.in_(sorted(charged))
    owners = connection.scalars(select(tables.hold.c.account_id).where(wanted).distinct())
    accounts.lock_all(connection, owners)
    account = tables.account
    open_ones = connection.execute(
        select(*_COLUMNS).where(wanted, tables.hold.c.state != "closed").order_by(tables.hold.c.id)
    ).all()
    now = clock.now_ms()
    closing = []
    freed: Counter[int] = Counter()
    for row in open_ones:
        cost = charged[row.id]
        freed[row.account_id] += row.amount
        closing.append(
            {
                "hold": row.id,
                "settled": cost,
                "released": max(row.amount - cost, 0),
                "overrun": max(cost - row.amount, 0),
                "closed_at": now,
            }
        )
    if closing:
        connection.execute(
            update(tables.hold)
            .where(tables.hold.c.id == bindparam("hold"))
            .values(
                state="closed",
                settled=bindparam("settled"),
                released=bindparam("released"),
                overrun=bindparam("overrun"),
                closed_at=bindparam("closed_at"),
            ),
            closing,
        )
        connection.execute(
            update(account)
            .where(account.c.id == bindparam("owner"))
            .values(held=account.c.held - bindparam("freed")),
            [{"owner": owner, "freed": amount} for owner, amount in sorted(freed.items())],
        )
    return len(closing)


def _check_amount(amount: int) -> None:
    if amount < 0:
        raise InvalidInput(_("A hold is not negative."))
    money.check_range(amount)


def _locked(connection: Connection, hold_id: int) -> Hold:
    accounts.lock(connection, get(connection, hold_id).account_id)
    # Read again: it may have changed while we waited for the account.
    return get(connection, hold_id)


def _find(connection: Connection, tenant_id: int, reference: str) -> Hold | None:
    hold = tables.hold.c
    row = connection.execute(
        select(*_COLUMNS).where(hold.tenant_id == tenant_id, hold.reference == reference)
    ).first()
    return None if row is None else Hold(**row._mapping)


def _owned(found: Hold, account_id: int) -> Hold:
    if found.account_id != account_id:
        raise InvalidInput(
            _("The hold '%(reference)s' belongs to another account.", reference=found.reference)
        )
    return found


def _reserve(connection: Connection, account_id: int, amount: int) -> None:
    account = tables.account.c
    query = update(tables.account).where(account.id == account_id)
    if amount > 0:
        query = query.where(account.balance + account.credit_limit - account.held >= amount)
    done = connection.execute(query.values(held=account.held + amount))
    if done.rowcount != 1:
        raise InsufficientFunds(
            _("The account has not enough left."), _("Top it up, or end a call.")
        )
