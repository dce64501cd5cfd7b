"""Accounts of the ledger: list, one, what moved it, a new one, a top-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, choice, moment, money, text, whole
from app.billing import store
from app.core import clock
from app.core import money as amounts
from app.core.context import databases
from app.core.database import reading, writing
from app.core.errors import InvalidInput
from app.core.words import _
from app.identity import audit
from app.ledger import account
from app.ledger.tables import account as account_table
from app.ledger.tables import entry

ACCOUNT = Shape(
    "Account",
    {
        "id": whole(1),
        "tenant_id": whole(1),
        "code": text(128),
        "name": text(128),
        "kind": choice(*sorted(account.KINDS | account.SYSTEM_KINDS)),
        "mode": choice("prepaid", "postpaid", "system"),
        "currency": text(3),
        "balance": money(),
        "held": money(),
        "credit_limit": money(),
        "available": money(),
    },
    {
        "id": 7,
        "tenant_id": 1,
        "code": "alice@voice.example.net",
        "name": "Alice",
        "kind": "customer",
        "mode": "prepaid",
        "currency": "EUR",
        "balance": "12.5",
        "held": "0.3",
        "credit_limit": "0",
        "available": "12.2",
    },
)
ENTRY = Shape(
    "Entry",
    {
        "id": whole(1),
        "at": moment(),
        "kind": choice("charges", "topup", "adjustment", "transfer"),
        "amount": money(),
        "currency": text(3),
        "reference": text(128),
        "memo": text(255),
    },
    {
        "id": 99,
        "at": "2026-11-23T12:00:00.000Z",
        "kind": "topup",
        "amount": "25",
        "currency": "EUR",
        "reference": "invoice-2026-17",
        "memo": "bank transfer",
    },
)
NEW = Shape(
    "NewAccount",
    {
        "code": text(128, 1),
        "name": text(128),
        "kind": choice(*sorted(account.KINDS)),
        "mode": choice(*sorted(account.MODES)),
        "currency": text(3, 3, pattern="^[A-Z]{3}$"),
        "credit_limit": money(),
        "tenant_id": whole(1, 2**31 - 1),
    },
    {"code": "bob@voice.example.net", "name": "Bob", "mode": "prepaid", "currency": "EUR"},
    frozenset({"name", "kind", "mode", "credit_limit", "tenant_id"}),
    inbound=True,
)
TOP_UP = Shape(
    "TopUp",
    {"amount": money(), "memo": text(255)},
    {"amount": "25.00", "memo": "bank transfer"},
    frozenset({"memo"}),
    inbound=True,
)
TOPPED = Shape(
    "ToppedUp",
    {"posting_id": whole(1), "account": {"$ref": "#/components/schemas/Account"}},
    {"posting_id": 41, "account": ACCOUNT.example},
)


@operation(
    "GET",
    "/accounts",
    "account.read",
    "List accounts, by code",
    params=(Param("q", text(128, 1), "How code or name start."),),
    answer=ACCOUNT,
    lists=True,
    screens=("billing.index",),
)
def index(call: Call) -> Reply:
    """One page of one's own."""
    query = store.over(call.who.sees, str(call.query.get("q", "")))
    with reading(databases().panel) as connection:
        keys = {"code": account_table.c.code, "id": account_table.c.id}
        found = call.page(connection, query, keys)
    return call.listed(found.rows, found.older, _plain)


@operation(
    "POST",
    "/accounts",
    "account.write",
    "Make an account",
    body=NEW,
    answer=ACCOUNT,
    status=201,
)
def add(call: Call) -> Reply:
    """It begins with nothing on it."""
    asked = dict(call.body)
    tenant_id = asked.pop("tenant_id", call.who.tenant_id)
    if not call.who.sees_tenant(tenant_id):
        raise InvalidInput(_("There is no such tenant."), _("Name one of yours."), "/tenant_id")
    currency = asked["currency"]
    limit = amounts.parse_decimal(asked.pop("credit_limit", "0"), "credit limit")
    with writing(databases().panel) as connection:
        number = account.create(
            connection,
            tenant_id=tenant_id,
            credit_limit=amounts.to_units(limit, currency),
            **asked,
        )
        made = account.get(connection, number)
        audit.record(
            connection,
            action="account.create",
            object=f"account:{number}",
            after=_plain(_mapping(made)),
        )
    return Reply(_plain(_mapping(made)))


@operation(
    "GET",
    "/accounts/{account_id}",
    "account.read",
    "One account and its balance",
    answer=ACCOUNT,
    etag=True,
    screens=("billing.show",),
)
def one(call: Call) -> dict[str, Any]:
    """As the ledger has it now."""
    return _plain(_mapping(get_account(call)))


@operation(
    "GET",
    "/accounts/{account_id}/entries",
    "account.read",
    "What moved an account, newest first",
    answer=ENTRY,
    lists=True,
    screens=("billing.show",),
)
def entries(call: Call) -> Reply:
    """One page of its statement."""
    found = get_account(call)
    with reading(databases().panel) as connection:
        page = call.page(
            connection, store.entries_of(found.id), {"id": entry.c.id}, descending=True
        )
    return call.listed(page.rows, page.older, _entry)


@operation(
    "POST",
    "/accounts/{account_id}/top-ups",
    "account.write",
    "Put money on an account",
    help="The Idempotency-Key is the reference of the posting: the same one adds nothing again.",
    body=TOP_UP,
    answer=TOPPED,
    status=201,
    needs_key=True,
)
def top_up(call: Call) -> dict[str, Any]:
    """Against the cash account of its tenant and currency."""
    found = get_account(call)
    exact = amounts.parse_decimal(call.body["amount"])
    units = amounts.to_units(exact, found.currency)
    with writing(databases().panel) as connection:
        posting_id = account.top_up(
            connection, found.id, units, f"api:{call.key}"[:128], call.body.get("memo", "")
        )
        after = account.get(connection, found.id)
        audit.record(
            connection,
            action="account.topup",
            object=f"account:{found.id}",
            detail={"amount": call.body["amount"], "posting": posting_id},
            before={"balance": amounts.to_text(found.balance, found.currency)},
            after={"balance": amounts.to_text(after.balance, after.currency)},
        )
    return {"posting_id": posting_id, "account": _plain(_mapping(after))}


def get_account(call: Call) -> account.Account:
    """The account of the path as far as one sees it; raises NotFound."""
    return store.get(databases().panel, call.path["account_id"], call.who)


def _mapping(found: account.Account) -> dict[str, Any]:
    names = [*account.Account.__slots__, "available"]
    return {name: getattr(found, name) for name in names}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in ("id", "tenant_id", "code", "name", "kind", "mode")}
    exact = {
        name: amounts.to_text(row[name], row["currency"])
        for name in ("balance", "held", "credit_limit", "available")
    }
    return {**shown, "currency": row["currency"], **exact}


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "at": clock.iso(row["at"]),
        "kind": row["kind"],
        "amount": amounts.to_text(row["amount"], row["currency"]),
        "currency": row["currency"],
        "reference": row["reference"],
        "memo": row["memo"],
    }
