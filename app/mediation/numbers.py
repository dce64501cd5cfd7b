"""The numbers that we own: whose they are, from when till when."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, insert, or_, select, update

from app.core import clock, money
from app.core.database import LARGEST_ID
from app.core.errors import CompanionError, Conflict, InvalidInput, NotFound
from app.core.words import _, _l
from app.identity import audit
from app.identity.access import owned
from app.ledger.tables import account
from app.mediation.payer_rules import account_named
from app.mediation.tables import own_number

KINDS = ("geographic", "mobile", "tollfree")
KIND_WORDS = {
    "geographic": _l("geographic"),
    "mobile": _l("mobile"),
    "tollfree": _l("toll-free"),
}
# Numbers that are taken while somebody waits.
MOST = 2_000
_DIGITS = 15  # ITU-T E.164, 6.1


@dataclass(frozen=True, slots=True)
class NewNumber:
    """A number to be taken in: E.164 digits; ``rental`` is a month's, decimal text."""

    number: str
    account: str
    kind: str = "geographic"
    carrier: str = ""
    rental: str = ""


def over(sees: tuple[int, ...] | None) -> Select[Any]:
    """The query of the numbers of the tenants that one sees, with the account's code."""
    return (
        select(own_number, account.c.code)
        .outerjoin(account, account.c.id == own_number.c.account_id)
        .where(*owned(own_number.c.tenant_id, sees))
    )


def get(connection: Connection, number_id: int, sees: tuple[int, ...] | None) -> RowMapping:
    """One of them; raises NotFound."""
    wanted = own_number.c.id == min(number_id, LARGEST_ID)
    row = connection.execute(over(sees).where(wanted)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such number."), _("Look for it in the list."))
    return row


def add(connection: Connection, numbers: Sequence[NewNumber], valid_from: int = 0) -> int:
    """Takes numbers in, all or none, from an instant on (0: the beginning); returns how many.

    Raises InvalidInput, Conflict with the line.
    """
    accounts: dict[str, RowMapping] = {}
    rows: list[dict[str, Any]] = []
    taken = _taken(connection, [one.number for one in numbers], valid_from)
    for line, one in enumerate(numbers, 1):
        try:
            rows.append(_row(connection, accounts, one, valid_from))
            if one.number in taken:
                raise Conflict(
                    _("The number %(number)s has an owner already.", number=one.number),
                    _("End that first."),
                )
            taken.add(one.number)
        except CompanionError as error:
            why = _("Line %(number)s: %(why)s", number=line, why=error.message)
            raise InvalidInput(why, error.remedy, "numbers") from error
    if rows:
        connection.execute(insert(own_number), rows)
        first = rows[0]["number"]
        audit.record(
            connection,
            action="number.create",
            object=f"number:{first}",
            after={"numbers": len(rows), "first": first, "last": rows[-1]["number"]},
        )
    return len(rows)


def end(connection: Connection, row: RowMapping, at: int) -> None:
    """Ends an ownership at an instant; calls before it stay as they are."""
    if at <= row["valid_from"]:
        raise InvalidInput(_("It cannot end before it begins."), _("Choose a later moment."))
    if row["valid_till"] is not None and row["valid_till"] <= at:
        raise Conflict(_("It has ended already."), _("Look for it in the list."))
    connection.execute(update(own_number).where(own_number.c.id == row["id"]).values(valid_till=at))
    audit.record(
        connection,
        action="number.end",
        object=f"number:{row['number']}",
        before={"valid_till": row["valid_till"]},
        after={"valid_till": at},
    )


def parse(text: str) -> list[NewNumber]:
    """Numbers of lines ``number, account[, kind[, carrier[, rental]]]``; commas, semicolons or
    tabs stand between. Raises InvalidInput with the number of the line."""
    dialect = max(",;\t", key=text.partition("\n")[0].count)
    found: list[NewNumber] = []
    lines = csv.reader(io.StringIO(text.strip("\ufeff\r\n ")), delimiter=dialect)
    for line, cells in enumerate(lines, 1):
        bare = [cell.strip() for cell in cells]
        if not any(bare) or (line == 1 and bare[0].lower() == "number"):
            continue
        if not 2 <= len(bare) <= 5 or len(found) >= MOST:
            raise InvalidInput(
                _("Line %(number)s cannot be taken.", number=line),
                _(
                    "Write number, account, and if need be kind, carrier and rental;"
                    " at most %(most)s lines.",
                    most=MOST,
                ),
                "numbers",
            )
        padded = [*bare, *[""] * (5 - len(bare))]
        number, code, kind, carrier, rental = padded
        found.append(
            NewNumber(number.removeprefix("+"), code, kind or "geographic", carrier, rental)
        )
    return found


def _taken(connection: Connection, numbers: Iterable[str], at: int) -> set[str]:
    wanted, found = sorted(set(numbers)), set[str]()
    for start in range(0, len(wanted), 500):
        query = select(own_number.c.number).where(
            own_number.c.number.in_(wanted[start : start + 500]),
            or_(own_number.c.valid_till.is_(None), own_number.c.valid_till > at),
        )
        found.update(connection.scalars(query))
    return found


def _row(
    connection: Connection, accounts: dict[str, RowMapping], one: NewNumber, valid_from: int
) -> dict[str, Any]:
    digits = one.number.isascii() and one.number.isdigit()
    if not digits or not 3 <= len(one.number) <= _DIGITS:
        raise InvalidInput(
            _("“%(given)s” is no number.", given=one.number[:20]),
            _("Write it with its country, as digits: 4930123456."),
        )
    if one.kind not in KINDS:
        raise InvalidInput(
            _("“%(given)s” is no kind of number.", given=one.kind[:20]),
            _("Use %(kinds)s.", kinds=", ".join(KINDS)),
        )
    if one.account not in accounts:
        wanted = account.c.id == account_named(connection, one.account)
        query = select(account.c.id, account.c.tenant_id, account.c.currency).where(wanted)
        accounts[one.account] = connection.execute(query).mappings().one()
    owner = accounts[one.account]
    rental = None
    if one.rental:
        rental = money.to_units(money.parse_decimal(one.rental, "rental"), owner["currency"])
    return {
        "tenant_id": owner["tenant_id"],
        "number": one.number,
        "kind": one.kind,
        "account_id": owner["id"],
        "carrier": one.carrier[:64],
        "rental": rental,
        "currency": owner["currency"],
        "valid_from": valid_from,
        "created_at": clock.now_ms(),
    }
