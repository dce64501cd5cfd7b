"""Accounts: list, and one with its balance and what moved it."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from app.billing.lists import ACCOUNTS, BAR, ENTRIES
from app.billing.lookup import starting
from app.billing.words import KINDS, MODES, POSTED
from app.core.context import databases
from app.core.database import reading
from app.core.errors import NotFound
from app.core.words import _
from app.identity.access import current_operator, owned, requires
from app.ledger import account as accounts
from app.ledger.tables import account, entry, posting
from app.shell.listing import Asked, Page

blueprint = Blueprint("billing", __name__)


@blueprint.get("/accounts")
@requires("account.read")
def index() -> ResponseReturnValue:
    """Accounts by code; ``q`` is how code or name start."""
    bar = BAR.read(request.args)
    text = bar["q"] or ""
    sees = current_operator().sees

    def fetch(asked: Asked) -> Page:
        if bar.problems:
            return Page([])
        c = account.c
        query = select(account, (c.balance + c.credit_limit - c.held).label("available"))
        query = query.where(*owned(c.tenant_id, sees))
        query = query.where(or_(*starting(text))) if text else query
        with reading(databases().panel) as connection:
            return asked.page(connection, query, code=c.code, id=c.id)

    return ACCOUNTS.answer("billing/index.html", fetch, bar=bar, modes=MODES)


@blueprint.get("/accounts/<int:account_id>")
@requires("account.read")
def show(account_id: int) -> ResponseReturnValue:
    """One account and its newest postings."""
    with reading(databases().panel) as connection:
        found = accounts.get(connection, min(account_id, 2**63 - 1))
    if not current_operator().sees_tenant(found.tenant_id):
        raise NotFound(_("There is no such account."), _("Look for it in the list."))

    def fetch(asked: Asked) -> Page:
        moved = [posting.c[name] for name in ("at", "kind", "reference", "memo")]
        columns = [entry.c.id, entry.c.amount, entry.c.currency, *moved]
        joined = entry.join(posting, posting.c.id == entry.c.posting_id)
        query = select(*columns).select_from(joined).where(entry.c.account_id == account_id)
        with reading(databases().panel) as connection:
            return asked.page(connection, query, id=entry.c.id)

    words = {"kinds": KINDS, "modes": MODES, "posted": POSTED}
    return ENTRIES.answer("billing/show.html", fetch, account=found, **words)
