"""``flask account``: who pays, how much is there, and what happened to it."""

from __future__ import annotations

from uuid import uuid4

import click
from flask.cli import with_appcontext
from sqlalchemy import Connection, select

from app.cli.friendly import FriendlyGroup
from app.core import clock, context, money
from app.core.database import reading, writing
from app.core.errors import NotFound
from app.identity import audit
from app.ledger import account, tables
from app.ledger.account import Account

_LAST = 10
_tenant = click.option("--tenant", "tenant_id", default=1, show_default=True, help="Its tenant.")


@click.group("account", cls=FriendlyGroup)
def command() -> None:
    """Accounts of the ledger."""


@command.command("create")
@click.argument("code")
@click.option("--currency", required=True, help="ISO 4217, such as EUR.")
@click.option(
    "--mode", type=click.Choice(sorted(account.MODES)), default="prepaid", show_default=True
)
@click.option("--kind", type=click.Choice(sorted(account.KINDS)), default="customer")
@click.option("--credit-limit", default="0", help="How far below zero it may go, such as 50.00.")
@click.option("--name", default="", help="For people.")
@_tenant
@with_appcontext
def create(
    code: str, currency: str, mode: str, kind: str, credit_limit: str, name: str, tenant_id: int
) -> None:
    """Make an account; CODE is what the switch sends, such as alice@example.org."""
    limit = money.to_units(money.parse_decimal(credit_limit, "credit limit"), currency)
    with writing(context.databases().panel) as connection:
        account_id = account.create(
            connection,
            tenant_id=tenant_id,
            code=code,
            name=name,
            kind=kind,
            mode=mode,
            currency=currency,
            credit_limit=limit,
        )
        _note(connection, "account.create", account_id, code=code, currency=currency, mode=mode)
    click.echo(f"account {code} has number {account_id}")


@command.command("topup")
@click.argument("code")
@click.argument("amount")
@click.option("--reference", help="The same reference again adds nothing; default: a new one.")
@click.option("--memo", default="", help="Kept with the posting.")
@_tenant
@with_appcontext
def topup(code: str, amount: str, reference: str | None, memo: str, tenant_id: int) -> None:
    """Add AMOUNT (decimal text, such as 12.50) in the account's own currency."""
    with writing(context.databases().panel) as connection:
        known = _find(connection, tenant_id, code)
        units = money.to_units(money.parse_decimal(amount), known.currency)
        account.top_up(connection, known.id, units, reference or f"topup:{uuid4()}", memo)
        now = account.get(connection, known.id)
        _note(connection, "account.topup", known.id, amount=amount, balance=_text(now.balance, now))
    click.echo(f"{code}: balance {_text(now.balance, now)}, available {_text(now.available, now)}")


@command.command("low-balance")
@click.argument("code")
@click.argument("amount")
@_tenant
@with_appcontext
def low_balance(code: str, amount: str, tenant_id: int) -> None:
    """Say balance.low to webhooks when the balance falls below AMOUNT; 'off' says it no more."""
    with writing(context.databases().panel) as connection:
        known = _find(connection, tenant_id, code)
        low = None
        if amount != "off":
            low = money.to_units(money.parse_decimal(amount), known.currency)
        account.set_low_balance(connection, known.id, low)
        _note(connection, "account.low_balance", known.id, amount=amount)
    said = "no balance is a low one" if low is None else f"below {_text(low, known)} it is low"
    click.echo(f"{code}: {said}")


@command.command("show")
@click.argument("code")
@_tenant
@with_appcontext
def show(code: str, tenant_id: int) -> None:
    """Print balance, held and available money, and the last entries."""
    with reading(context.databases().panel) as connection:
        found = _find(connection, tenant_id, code)
        entries = connection.execute(
            select(
                tables.posting.c.at,
                tables.posting.c.kind,
                tables.posting.c.reference,
                tables.posting.c.memo,
                tables.entry.c.amount,
            )
            .join(tables.posting, tables.posting.c.id == tables.entry.c.posting_id)
            .where(tables.entry.c.account_id == found.id)
            .order_by(tables.entry.c.id.desc())
            .limit(_LAST)
        ).all()
    click.echo(f"{found.code}  {found.name}  {found.kind}, {found.mode}".replace("    ", "  "))
    for label, units in (
        ("balance", found.balance),
        ("held", found.held),
        ("credit limit", found.credit_limit),
        ("available", found.available),
    ):
        click.echo(f"  {label:12} {_text(units, found):>20}")
    for row in entries:
        note = f"{row.reference}  {row.memo}".strip()
        click.echo(f"  {clock.iso(row.at)}  {row.kind:10} {_text(row.amount, found):>16}  {note}")


def _find(connection: Connection, tenant_id: int, code: str) -> Account:
    found = account.find(connection, tenant_id, code)
    if found is None:
        raise NotFound(
            f"There is no account '{code}'.", "Make it with 'flask account create', or check it."
        )
    return found


def _text(units: int, of: Account) -> str:
    return f"{money.to_text(units, of.currency)} {of.currency}"


def _note(connection: Connection, action: str, account_id: int, **detail: str) -> None:
    audit.record(connection, action=action, object=f"account:{account_id}", detail=detail)
