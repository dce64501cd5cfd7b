"""Tariffs as people work on them: whose they are, versions from rate tables, who has which."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select
from sqlalchemy.exc import IntegrityError

from app.core import clock, money
from app.core.database import LARGEST_ID
from app.core.errors import CompanionError, Conflict, InvalidInput, NotFound
from app.core.words import _
from app.identity import audit
from app.identity.access import Operator, owned
from app.identity.tables import tenant
from app.ledger.account import Account
from app.rating import store
from app.rating.store import NewRate
from app.rating.tables import rate, tariff, tariff_assignment, tariff_version

ROUNDINGS = ("half", "up", "down")
# Rates that are taken while somebody waits.
MOST_RATES = 20_000
_CURRENCY = re.compile(r"[A-Z]{3}")
_COLUMNS = ("prefix", "destination", "price", "connect_fee", "initial", "increment")


def over(sees: tuple[int, ...] | None) -> Select[Any]:
    """The query of the tariffs that one sees, with their versions and accounts counted."""
    versions = select(func.count()).where(tariff_version.c.tariff_id == tariff.c.id)
    accounts = select(func.count(tariff_assignment.c.account_id.distinct())).where(
        tariff_assignment.c.tariff_id == tariff.c.id
    )
    return (
        select(
            *tariff.c,
            tenant.c.name.label("tenant"),
            versions.scalar_subquery().label("versions"),
            accounts.scalar_subquery().label("accounts"),
        )
        .outerjoin(tenant, tenant.c.id == tariff.c.tenant_id)
        .where(*owned(tariff.c.tenant_id, sees))
    )


def get(connection: Connection, tariff_id: int, sees: tuple[int, ...] | None) -> RowMapping:
    """One of them; raises NotFound."""
    wanted = tariff.c.id == min(tariff_id, LARGEST_ID)
    row = connection.execute(over(sees).where(wanted)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such tariff."), _("Look for it in the list."))
    return row


def create(
    connection: Connection,
    who: Operator,
    *,
    tenant_id: int,
    name: str,
    currency: str,
    places: int,
    rounding: str,
) -> int:
    """Makes a tariff without rates; returns its number. Raises InvalidInput, Conflict."""
    name = name.strip()
    if not who.sees_tenant(tenant_id):
        raise InvalidInput(_("There is no such tenant."), _("Choose one of the list."), "tenant")
    if not 1 <= len(name) <= 80:
        raise InvalidInput(
            _("A tariff's name has 1 to 80 characters."), _("Enter another one."), "name"
        )
    if not _CURRENCY.fullmatch(currency):
        raise InvalidInput(
            _("'%(currency)s' is not a currency.", currency=currency[:10]),
            _("Use its ISO 4217 code, such as EUR."),
            "currency",
        )
    taken = Conflict(
        _("There is a tariff “%(name)s” already.", name=name), _("Choose another name.")
    )
    same = (tariff.c.tenant_id == tenant_id) & (tariff.c.name == name)
    if connection.scalar(select(tariff.c.id).where(same)) is not None:
        raise taken
    try:
        number = store.create_tariff(
            connection,
            tenant_id=tenant_id,
            name=name,
            currency=currency,
            rounding_places=places,
            rounding=rounding,
        )
    except IntegrityError as exc:
        raise taken from exc
    after = {"name": name, "currency": currency, "places": places, "rounding": rounding}
    audit.record(connection, action="tariff.create", object=f"tariff:{number}", after=after)
    return number


def add_version(
    connection: Connection, tariff_id: int, valid_from: int, rates: Sequence[NewRate]
) -> int:
    """Adds a version; returns its number. Versions are never changed: prices name theirs."""
    if not rates:
        raise InvalidInput(_("There is no rate."), _("Write one in each line."), "rates")
    prefixes = [one.prefix for one in rates]
    if len(set(prefixes)) != len(prefixes):
        twice = next(one for one in prefixes if prefixes.count(one) > 1)
        raise InvalidInput(
            _("The prefix %(prefix)s stands twice.", prefix=twice), _("Leave one out."), "rates"
        )
    taken = Conflict(
        _("A version of this tariff begins at that moment already."), _("Choose another one.")
    )
    same = (tariff_version.c.tariff_id == tariff_id) & (tariff_version.c.valid_from == valid_from)
    if connection.scalar(select(tariff_version.c.id).where(same)) is not None:
        raise taken
    try:
        number = store.add_version(connection, tariff_id, valid_from, rates)
    except IntegrityError as exc:
        raise taken from exc
    except InvalidInput as error:
        error.field = "rates"
        raise
    detail = {"version": number, "valid_from": clock.iso(valid_from), "rates": len(rates)}
    audit.record(connection, action="tariff.version", object=f"tariff:{tariff_id}", detail=detail)
    return number


def assign(
    connection: Connection, who: Operator, found: Account, tariff_id: int, valid_from: int
) -> None:
    """Gives an account a tariff from an instant on; raises InvalidInput, Conflict."""
    row = get(connection, tariff_id, who.sees)
    if found.mode == "system":
        raise InvalidInput(
            _("'%(code)s' is one of our own accounts.", code=found.code),
            _("Choose a customer's."),
            "tariff",
        )
    if row["currency"] != found.currency:
        raise InvalidInput(
            _(
                "The tariff is in %(other)s, the account in %(own)s.",
                other=row["currency"],
                own=found.currency,
            ),
            _("Choose a tariff of the account's currency."),
            "tariff",
        )
    taken = Conflict(
        _("The account has a tariff from that moment on already."), _("Choose another moment.")
    )
    c = tariff_assignment.c
    same = (c.account_id == found.id) & (c.valid_from == valid_from)
    if connection.scalar(select(c.id).where(same)) is not None:
        raise taken
    try:
        store.assign(connection, found.id, row["id"], valid_from)
    except IntegrityError as exc:
        raise taken from exc
    detail = {"tariff": row["name"], "valid_from": clock.iso(valid_from)}
    audit.record(connection, action="account.tariff", object=f"account:{found.id}", detail=detail)


def versions_of(connection: Connection, tariff_id: int) -> Sequence[RowMapping]:
    """The versions of a tariff, the newest first, each with how many rates it has."""
    count = select(func.count()).where(rate.c.tariff_version_id == tariff_version.c.id)
    query = select(*tariff_version.c, count.scalar_subquery().label("rates"))
    query = query.where(tariff_version.c.tariff_id == tariff_id)
    return connection.execute(query.order_by(tariff_version.c.valid_from.desc())).mappings().all()


def version(connection: Connection, tariff_id: int, version_id: int) -> RowMapping:
    """One version of a tariff; raises NotFound."""
    wanted = (tariff_version.c.id == min(version_id, LARGEST_ID)) & (
        tariff_version.c.tariff_id == tariff_id
    )
    row = connection.execute(select(tariff_version).where(wanted)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such version."), _("The tariff's page shows them."))
    return row


def rates_of(version_id: int) -> Select[Any]:
    """The query of a version's rates."""
    return select(rate).where(rate.c.tariff_version_id == version_id)


def of_account(connection: Connection, account_id: int) -> Sequence[RowMapping]:
    """Which tariffs an account has from when on, the newest first."""
    query = (
        select(tariff_assignment.c.valid_from, tariff.c.id, tariff.c.name, tariff.c.tenant_id)
        .join(tariff, tariff.c.id == tariff_assignment.c.tariff_id)
        .where(tariff_assignment.c.account_id == account_id)
    )
    found = connection.execute(query.order_by(tariff_assignment.c.valid_from.desc()).limit(100))
    return found.mappings().all()


def choices(
    connection: Connection, sees: tuple[int, ...] | None, currency: str
) -> list[tuple[int, str]]:
    """Tariffs of a currency that one may give, by name."""
    query = select(tariff.c.id, tariff.c.name).where(
        tariff.c.currency == currency, *owned(tariff.c.tenant_id, sees)
    )
    rows = connection.execute(query.order_by(tariff.c.name).limit(1000))
    return [(row.id, row.name) for row in rows]


def parse(text: str) -> list[NewRate]:
    """Rates of lines ``prefix, destination, price[, fee[, initial s[, next s]]]``.

    The price is of a minute. Commas, semicolons or tabs stand between; a first line that names
    the columns is passed over. Raises InvalidInput with the number of the line.
    """
    dialect = max(",;\t", key=text.partition("\n")[0].count)
    found: list[NewRate] = []
    lines = csv.reader(io.StringIO(text.strip("\ufeff\r\n ")), delimiter=dialect)
    for number, cells in enumerate(lines, 1):
        bare = [cell.strip() for cell in cells]
        if not any(bare) or (number == 1 and bare[0].lower() in ("prefix", "code")):
            continue
        if len(found) >= MOST_RATES:
            raise InvalidInput(
                _("There are more than %(most)s rates.", most=MOST_RATES),
                _("Make several tariffs."),
                "rates",
            )
        try:
            found.append(_rate(bare))
        except CompanionError as error:
            raise InvalidInput(
                _("Line %(number)s: %(why)s", number=number, why=error.message),
                error.remedy,
                "rates",
            ) from error
    return found


def _rate(cells: Sequence[str]) -> NewRate:
    if not 3 <= len(cells) <= len(_COLUMNS):
        raise InvalidInput(
            _("There are %(count)s columns.", count=len(cells)),
            _("Write prefix, destination, price, and if need be fee, initial and next seconds."),
        )
    padded = [*cells, *[""] * (len(_COLUMNS) - len(cells))]
    prefix, destination, price, fee, initial, increment = padded
    first = _seconds(initial or "1")
    return NewRate(
        prefix.removeprefix("+"),
        destination[:80],
        _amount(price),
        _amount(fee or "0"),
        60_000,
        first,
        _seconds(increment) if increment else first,
    )


def _amount(text: str) -> str:
    return f"{money.parse_decimal(text, 'price'):f}"


def _seconds(text: str) -> int:
    value = money.parse_decimal(text, "length in seconds") * 1000
    if value != value.to_integral_value() or not 0 < value <= Decimal(86_400_000):
        raise InvalidInput(
            _("“%(given)s” is no length.", given=text[:20]), _("Write seconds, such as 60 or 0.5.")
        )
    return int(value)
