"""Accounts: who owes, in which currency, how much is there and how much of it is held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from app.core import clock, money
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.upsert import insert_once
from app.core.words import _
from app.ledger import posting, tables

KINDS = frozenset({"customer", "reseller", "carrier"})
SYSTEM_KINDS = frozenset({"revenue", "cash", "adjustment"})
MODES = frozenset({"prepaid", "postpaid"})


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the database has it now; amounts are ledger units of its currency."""

    id: int
    tenant_id: int
    code: str
    name: str
    kind: str
    mode: str
    currency: str
    balance: int
    held: int
    credit_limit: int

    @property
    def available(self) -> int:
        """What a new call may spend: balance and credit, less what running calls hold."""
        return self.balance + self.credit_limit - self.held


_COLUMNS = [tables.account.c[name] for name in Account.__slots__]


def create(
    connection: Connection,
    *,
    tenant_id: int = 1,
    code: str,
    name: str = "",
    kind: str = "customer",
    mode: str = "prepaid",
    currency: str,
    credit_limit: int = 0,
) -> int:
    """A new account's id. ``credit_limit`` in ledger units; 0 means that nothing is lent.

    Raises InvalidInput for what cannot be, Conflict when the tenant has the code already.
    """
    _check(code, kind, mode, currency, credit_limit)
    row_id, new = _insert(
        connection,
        tenant_id=tenant_id,
        code=code,
        name=name[:128],
        kind=kind,
        mode=mode,
        currency=currency,
        credit_limit=money.check_range(credit_limit),
    )
    if not new:
        raise Conflict(
            _("There is an account '%(code)s' already.", code=code), _("Choose another code.")
        )
    return row_id


def find(connection: Connection, tenant_id: int, code: str) -> Account | None:
    """The tenant's account with exactly this code, or None."""
    account = tables.account.c
    row = connection.execute(
        select(*_COLUMNS).where(account.tenant_id == tenant_id, account.code == code)
    ).first()
    return None if row is None else _account(row)


def get(connection: Connection, account_id: int) -> Account:
    """The account; raises NotFound."""
    return _one(connection, account_id, lock=False)


def lock(connection: Connection, account_id: int) -> Account:
    """The account, kept from every other writer until the transaction ends; raises NotFound.

    Whoever changes an account's holds takes this first and the hold second. Always in that
    order, nobody waits in a circle.
    """
    return _one(connection, account_id, lock=True)


def lock_all(connection: Connection, account_ids: Iterable[int]) -> None:
    """Keeps these accounts from every other writer, in the order that everybody takes them."""
    account = tables.account.c
    wanted = sorted(set(account_ids))
    for first in range(0, len(wanted), 1000):
        query = select(account.id).where(account.id.in_(wanted[first : first + 1000]))
        connection.execute(query.order_by(account.id).with_for_update()).all()


def system_account(connection: Connection, tenant_id: int, kind: str, currency: str) -> int:
    """The id of our own account of that kind (revenue, cash, adjustment); made when missing."""
    if kind not in SYSTEM_KINDS:
        raise InvalidInput(
            _("'%(kind)s' is not a system account.", kind=kind),
            _("Use one of %(names)s.", names=", ".join(sorted(SYSTEM_KINDS))),
        )
    code = f"{kind}:{currency}"
    known = find(connection, tenant_id, code)
    if known is not None:
        return known.id
    _check_currency(currency)
    row_id, _new = _insert(
        connection,
        tenant_id=tenant_id,
        code=code,
        name=f"{kind.capitalize()} {currency}",
        kind=kind,
        mode="system",
        currency=currency,
        credit_limit=0,
    )
    return row_id


def set_low_balance(connection: Connection, account_id: int, low: int | None) -> None:
    """Sets the balance, in ledger units, below which it is said to be low; None: never.

    Raises NotFound; InvalidInput for one of our own accounts.
    """
    found = lock(connection, account_id)
    if found.mode == "system":
        raise InvalidInput(
            _("'%(code)s' is one of our own accounts.", code=found.code),
            _("Choose a customer's."),
        )
    value = None if low is None else money.check_range(low)
    query = update(tables.account).where(tables.account.c.id == account_id)
    connection.execute(query.values(low_balance=value))


def top_up(
    connection: Connection, account_id: int, amount: int, reference: str, memo: str = ""
) -> int:
    """The id of the posting that adds ``amount`` ledger units (above zero) against cash.

    The same reference again changes nothing; raises Conflict when it stood for another top-up.
    """
    if amount <= 0:
        raise InvalidInput(
            _("A top-up adds money."), _("Use an amount above zero."), field="amount"
        )
    into = get(connection, account_id)
    if into.mode == "system":
        raise InvalidInput(
            _("'%(code)s' is one of our own accounts.", code=into.code), _("Top up a customer's.")
        )
    cash = system_account(connection, into.tenant_id, "cash", into.currency)
    posting_id = posting.post(
        connection,
        tenant_id=into.tenant_id,
        kind="topup",
        reference=reference,
        lines=[
            posting.Line(into.id, amount, into.currency),
            posting.Line(cash, -amount, into.currency),
        ],
        memo=memo,
    )
    entry = tables.entry.c
    booked = connection.scalar(
        select(entry.amount).where(entry.posting_id == posting_id, entry.account_id == into.id)
    )
    if booked != amount:
        raise Conflict(
            _(
                "The reference '%(reference)s' was used before for something else.",
                reference=reference,
            ),
            _("Give each top-up a reference of its own."),
        )
    return posting_id


def _one(connection: Connection, account_id: int, *, lock: bool) -> Account:
    query = select(*_COLUMNS).where(tables.account.c.id == account_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(_("There is no account number %(account_id)s.", account_id=account_id))
    return _account(row)


def _account(row: Row[Any]) -> Account:
    return Account(**row._mapping)


def _insert(connection: Connection, **values: Any) -> tuple[int, bool]:
    values["created_at"] = clock.now_ms()
    return insert_once(connection, tables.account, values, ("tenant_id", "code"))


def _check(code: str, kind: str, mode: str, currency: str, credit_limit: int) -> None:
    if not code or code != code.strip() or len(code) > 128:
        raise InvalidInput(
            _("The account's code is empty, too long or has blanks around it."),
            _("Use what the switch sends, such as alice@example.org."),
            field="code",
        )
    if code.partition(":")[0] in SYSTEM_KINDS and ":" in code:
        raise InvalidInput(
            _("'%(code)s' is kept for our own accounts.", code=code), _("Choose another."), "code"
        )
    for value, allowed, field in ((kind, KINDS, "kind"), (mode, MODES, "mode")):
        if value not in allowed:
            raise InvalidInput(
                _("'%(value)s' is no %(field)s of account.", value=value, field=field),
                _("Use one of %(names)s.", names=", ".join(sorted(allowed))),
                field,
            )
    _check_currency(currency)
    if credit_limit < 0:
        raise InvalidInput(
            _("A credit limit is not negative."), _("Use 0 or more."), "credit_limit"
        )


def _check_currency(currency: str) -> None:
    letters = currency.isascii() and currency.isalpha() and currency.isupper()
    if not (letters and len(currency) == 3):
        raise InvalidInput(
            _("'%(currency)s' is not a currency.", currency=currency),
            _("Use its ISO 4217 code, such as EUR."),
            "currency",
        )
