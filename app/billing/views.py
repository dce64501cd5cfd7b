"""Accounts: list, and one with its balance and what moved it."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.billing import store, tariffs
from app.billing.lists import ACCOUNTS, BAR, ENTRIES
from app.billing.words import KINDS, MODES, POSTED
from app.core.context import databases
from app.core.database import reading
from app.identity.access import current_operator, requires
from app.ledger.tables import account, entry
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
        with reading(databases().panel) as connection:
            return asked.page(
                connection, store.over(sees, text), code=account.c.code, id=account.c.id
            )

    return ACCOUNTS.answer("billing/index.html", fetch, bar=bar, modes=MODES)


@blueprint.get("/accounts/<int:account_id>")
@requires("account.read")
def show(account_id: int) -> ResponseReturnValue:
    """One account and its newest postings."""
    found = store.get(databases().panel, account_id, current_operator())
    with reading(databases().panel) as connection:
        given = tariffs.of_account(connection, found.id)

    def fetch(asked: Asked) -> Page:
        with reading(databases().panel) as connection:
            return asked.page(connection, store.entries_of(found.id), id=entry.c.id)

    words = {"kinds": KINDS, "modes": MODES, "posted": POSTED}
    return ENTRIES.answer("billing/show.html", fetch, account=found, given=given, **words)
