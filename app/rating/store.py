"""Tariffs in the database: loading them into a book, and making new ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from app.core import clock, money
from app.core.database import inserted_id
from app.core.errors import InvalidInput
from app.rating.prefix import PrefixIndex
from app.rating.tables import rate, tariff, tariff_assignment, tariff_version
from app.rating.tariff import Match, Rate, TariffBook, Timeline, Version


@dataclass(frozen=True, slots=True)
class NewRate:
    """A rate to be stored; money as decimal text of the tariff's currency, price per unit."""

    prefix: str
    destination: str
    price: str
    connect_fee: str = "0"
    unit_ms: int = 60_000
    initial_ms: int = 1_000
    increment_ms: int = 1_000


def create_tariff(
    connection: Connection,
    *,
    tenant_id: int = 1,
    name: str,
    currency: str,
    rounding_places: int = 6,
    rounding: str = "half",
) -> int:
    """Makes a tariff without rates; returns its id."""
    if rounding not in ("half", "up", "down"):
        raise InvalidInput(f"'{rounding}' is no way to round.", "Use half, up or down.")
    if not 0 <= rounding_places <= money.places(currency):
        raise InvalidInput(
            f"{rounding_places} rounding places do not fit {currency}.",
            f"Use 0 to {money.places(currency)}.",
        )
    row = {
        "tenant_id": tenant_id,
        "name": name,
        "currency": currency,
        "rounding_places": rounding_places,
        "rounding": rounding,
        "created_at": clock.now_ms(),
    }
    return inserted_id(connection.execute(tariff.insert(), row))


def add_version(
    connection: Connection, tariff_id: int, valid_from_ms: int, rates: Iterable[NewRate]
) -> int:
    """Adds a version with its rates, valid from an instant on; returns its id."""
    tenant_id = connection.scalar(select(tariff.c.tenant_id).where(tariff.c.id == tariff_id))
    row = {
        "tenant_id": tenant_id,
        "tariff_id": tariff_id,
        "valid_from": valid_from_ms,
        "created_at": clock.now_ms(),
    }
    version_id = inserted_id(connection.execute(tariff_version.insert(), row))
    rows = [
        _checked(new) | {"tenant_id": tenant_id, "tariff_version_id": version_id} for new in rates
    ]
    if rows:
        connection.execute(rate.insert(), rows)
    return version_id


def assign(connection: Connection, account_id: int, tariff_id: int, valid_from_ms: int = 0) -> None:
    """Gives an account a tariff from an instant on."""
    tenant_id = connection.scalar(select(tariff.c.tenant_id).where(tariff.c.id == tariff_id))
    connection.execute(
        tariff_assignment.insert(),
        {
            "tenant_id": tenant_id,
            "account_id": account_id,
            "tariff_id": tariff_id,
            "valid_from": valid_from_ms,
        },
    )


def book_stamp(connection: Connection) -> str:
    """A text that changes when the book must be loaded again; costs three index look-ups."""
    columns = (tariff.c.id, tariff_version.c.id, tariff_assignment.c.id)
    return "/".join(str(connection.scalar(select(func.max(column)))) for column in columns)


def load_book(connection: Connection) -> TariffBook:
    """All tariffs, versions, rates and assignments."""
    rates: dict[int, list[tuple[str, Rate]]] = defaultdict(list)
    for row in connection.execute(select(rate)):
        rates[row.tariff_version_id].append((row.prefix, _rate(row)))
    by_tariff: dict[int, list[tuple[int, int]]] = defaultdict(list)
    versions = {}
    for row in connection.execute(_versions()):
        versions[row.id] = _version(row, rates.get(row.id, ()))
        by_tariff[row.tariff_id].append((row.valid_from, row.id))
    by_account: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in connection.execute(select(tariff_assignment)):
        by_account[row.account_id].append((row.valid_from, row.tariff_id))
    return TariffBook(versions, _timelines(by_tariff), _timelines(by_account))


def find_match(connection: Connection, version_id: int, number: str) -> Match | None:
    """One version's rate for one number, without loading the others."""
    prefixes = [number[:length] for length in range(1, len(number) + 1)]
    query = select(rate).where(rate.c.tariff_version_id == version_id, rate.c.prefix.in_(prefixes))
    found = [(row.prefix, _rate(row)) for row in connection.execute(query)]
    row = connection.execute(_versions().where(tariff_version.c.id == version_id)).first()
    return None if row is None else _version(row, found).match(number)


def _versions() -> Select[Any]:
    columns = (tariff.c.name, tariff.c.currency, tariff.c.rounding_places, tariff.c.rounding)
    return select(tariff_version, *columns).join(tariff, tariff.c.id == tariff_version.c.tariff_id)


def _version(row: Row[Any], rates: Iterable[tuple[str, Rate]]) -> Version:
    return Version(
        row.id,
        row.tariff_id,
        row.name,
        row.currency,
        row.rounding_places,
        row.rounding,
        row.valid_from,
        PrefixIndex(rates),
    )


def _timelines(found: dict[int, list[tuple[int, int]]]) -> dict[int, Timeline]:
    return {
        key: (tuple(start for start, _ in sorted(pairs)), tuple(what for _, what in sorted(pairs)))
        for key, pairs in found.items()
    }


def _rate(row: Row[Any]) -> Rate:
    return Rate(
        row.prefix,
        row.destination,
        Fraction(row.connect_fee),
        Fraction(row.price),
        row.unit_ms,
        row.initial_ms,
        row.increment_ms,
    )


def _checked(new: NewRate) -> dict[str, object]:
    if not (new.prefix.isascii() and new.prefix.isdigit() and len(new.prefix) <= 17):
        raise InvalidInput(
            f"The prefix '{new.prefix}' is not 1 to 17 digits.", "Write E.164 digits without +."
        )
    if min(new.unit_ms, new.initial_ms, new.increment_ms) <= 0:
        raise InvalidInput(
            f"Prefix {new.prefix}: unit, initial and next increment must be longer than nothing.",
            "Use 1 second for billing by the second.",
        )
    return {
        "prefix": new.prefix,
        "destination": new.destination,
        "connect_fee": _amount(new.connect_fee),
        "price": _amount(new.price),
        "unit_ms": new.unit_ms,
        "initial_ms": new.initial_ms,
        "increment_ms": new.increment_ms,
    }


def _amount(text: str) -> str:
    value: Decimal = money.parse_decimal(text, "price")
    if value < 0:
        raise InvalidInput(f"The price {text} is negative.", "Prices are zero or more.")
    return f"{value:f}"
