"""Accounts: list, and one with its balance and what moved it."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from app.billing.lookup import starting
from app.billing.words import KINDS, MODES, POSTED
from app.core.context import databases
from app.core.database import reading
from app.core.errors import NotFound
from app.core.words import _, _l
from app.identity.access import current_operator, requires
from app.ledger import account as accounts
from app.ledger.tables import account, entry, posting
from app.shell.listing import Asked, Column, Empty, Listing, Page

blueprint = Blueprint("billing", __name__)

ACCOUNTS = Listing(
    "accounts",
    _l("Accounts, by code"),
    (
        Column("code", _l("Account"), "mono", fixed=True),
        Column("name", _l("Name"), room="medium", cut=True),
        Column("kind", _l("Kind"), shown=False),
        Column("mode", _l("Mode"), room="medium", fit=True),
        Column("balance", _l("Balance"), "money"),
        Column("held", _l("Held"), "money", room="wide"),
        Column("available", _l("Available"), "money", room="medium"),
        Column("currency", _l("Currency"), shown=False),
    ),
    empty=Empty(_l("No account"), _l("None starts so, or none was made yet."), "account"),
    open=lambda row: url_for("billing.show", account_id=row["id"]),
    label=lambda row: row["code"],
)
ENTRIES = Listing(
    "entries",
    _l("What moved the balance, newest first"),
    (
        Column("at", _l("Posted"), "moment", fixed=True),
        Column("kind", _l("Kind"), fit=True),
        Column("reference", _l("Reference"), "mono", room="medium", cut=True),
        Column("memo", _l("Memo"), room="wide", cut=True),
        Column("amount", _l("Amount"), "money"),
    ),
    empty=Empty(_l("Nothing was posted yet"), _l("Charges and top-ups show here."), "account"),
    sort="-id",
)


@blueprint.get("/accounts")
@requires("account.read")
def index() -> ResponseReturnValue:
    """Accounts by code; ``q`` is how code or name start."""
    text = request.args.get("q", "").strip()[:128]
    sees = current_operator().sees

    def fetch(asked: Asked) -> Page:
        c = account.c
        query = select(account, (c.balance + c.credit_limit - c.held).label("available"))
        query = query if sees is None else query.where(c.tenant_id == sees)
        query = query.where(or_(*starting(text))) if text else query
        with reading(databases().panel) as connection:
            return asked.page(connection, query, code=c.code, id=c.id)

    return ACCOUNTS.answer("billing/index.html", fetch, text=text, modes=MODES)


@blueprint.get("/accounts/<int:account_id>")
@requires("account.read")
def show(account_id: int) -> ResponseReturnValue:
    """One account and its newest postings."""
    with reading(databases().panel) as connection:
        found = accounts.get(connection, min(account_id, 2**63 - 1))
    if current_operator().sees not in (None, found.tenant_id):
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
