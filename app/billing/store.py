"""Accounts and what moved them, as far as somebody sees them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Select, or_, select

from app.billing.lookup import starting
from app.core.database import reading
from app.core.errors import NotFound
from app.core.words import _
from app.identity.access import Operator, owned
from app.ledger import account as accounts
from app.ledger.account import Account
from app.ledger.tables import account, entry, posting


def over(sees: tuple[int, ...] | None, text: str = "") -> Select[Any]:
    """The query of the accounts that one sees; ``text`` is how code or name start."""
    c = account.c
    query = select(account, (c.balance + c.credit_limit - c.held).label("available"))
    query = query.where(*owned(c.tenant_id, sees))
    return query.where(or_(*starting(text))) if text else query


def get(panel: Engine, account_id: int, who: Operator) -> Account:
    """One of them; raises NotFound in the same words for another tenant's and for none."""
    gone = NotFound(_("There is no such account."), _("Look for it in the list."))
    try:
        with reading(panel) as connection:
            found = accounts.get(connection, account_id)
    except NotFound:
        raise gone from None
    if not who.sees_tenant(found.tenant_id):
        raise gone
    return found


def entries_of(account_id: int) -> Select[Any]:
    """The query of what moved an account, each with its posting."""
    moved = [posting.c[name] for name in ("at", "kind", "reference", "memo")]
    columns = [entry.c.id, entry.c.amount, entry.c.currency, *moved]
    joined = entry.join(posting, posting.c.id == entry.c.posting_id)
    return select(*columns).select_from(joined).where(entry.c.account_id == account_id)
