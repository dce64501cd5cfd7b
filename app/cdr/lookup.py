"""Calls in the global search: by Call-ID, and the lists of a number's calls."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from flask import url_for
from sqlalchemy import Connection, Table, select

from app.cdr.tables import answered, failed
from app.core import clock, formats
from app.core.context import databases, settings
from app.core.numbering import typed
from app.core.patience import hurried
from app.core.prefixes import starts_with
from app.core.words import _, _l
from app.identity.access import Operator, owned
from app.mediation.lookup import call_ids
from app.shell.search import PATIENCE_S, Hit, Provider, number_after

_TABLES = (answered, failed)
_SIDES = ("caller", "callee")
# Fewer digits begin too many numbers to be of use.
_FEWEST = 3
_LONG_AGO = 90 * clock.DAY


def calls(text: str, operator: Operator, limit: int) -> list[Hit]:
    """Calls by Call-ID, alone or as in a header or with a tag behind it; ``call 12``."""
    found: dict[int, dict[str, Any]] = {}
    number = number_after(text, _l("call, cdr"))
    with hurried(databases().panel, PATIENCE_S) as connection:
        for table in _TABLES:
            if number is not None and number[1]:
                condition = table.c.id == number[0]
            else:
                condition = table.c.call_id.in_(call_ids(text))
            query = select(table.c.id, table.c.setup_at, table.c.caller, table.c.callee)
            query = query.where(condition, *_seen(table, operator)).limit(limit)
            found |= {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    rows = sorted(found.values(), key=lambda row: -row["setup_at"])
    return [_call(row) for row in rows[:limit]]


def numbers(text: str, operator: Operator, limit: int) -> list[Hit]:
    """The calls from and to a number, or to numbers that begin so; names as callers too."""
    wish, open_end = text.rstrip("*"), text.endswith("*")
    digits = typed(wish, settings().number_plan)
    value = digits or _user(wish)
    if not value or (digits and len(digits) < _FEWEST):
        return []
    hits: list[Hit] = []
    with hurried(databases().panel, PATIENCE_S) as connection:
        for side in _SIDES:
            last = None if open_end else _last(connection, side, value, operator)
            if last is not None:
                hits.append(_list(side, value, last, exact=digits is not None))
        if digits and (open_end or not hits):
            hits += _beginning(connection, digits, operator, limit - len(hits))
    return hits[:limit]


def _user(text: str) -> str | None:
    """The user of a SIP address or a bare name."""
    found = re.fullmatch(r"(?:sips?:)?([^\s@:;<>]{2,64})(?:@\S+)?", text, re.I)
    return found[1] if found else None


def _last(connection: Connection, side: str, value: str, operator: Operator) -> int | None:
    """When the last call with this caller or callee was set up."""
    found = []
    for table in _TABLES:
        query = select(table.c.setup_at).where(table.c[side] == value, *_seen(table, operator))
        found.append(connection.scalar(query.order_by(table.c.setup_at.desc()).limit(1)))
    return max((at for at in found if at is not None), default=None)


def _beginning(connection: Connection, digits: str, operator: Operator, limit: int) -> list[Hit]:
    """Some of the numbers that begin so, and the lists of the calls of all of them."""
    hits: list[Hit] = []
    for side in _SIDES:
        some = _distinct(connection, side, digits, operator, 3)
        if len(some) > 1:
            hits.append(_many(side, digits))
        if len(some) < 3:
            hits += [
                _list(side, number, _last(connection, side, number, operator)) for number in some
            ]
    return hits[: max(limit, 2)]


def _distinct(
    connection: Connection, side: str, digits: str, operator: Operator, most: int
) -> list[str]:
    """The first different numbers in their order: one step of the index for each."""
    found: list[str] = []
    while len(found) < most:
        steps = []
        for table in _TABLES:
            column = table.c[side]
            query = select(column).where(starts_with(column, digits), *_seen(table, operator))
            if found:
                query = query.where(column > found[-1])
            steps.append(connection.scalar(query.order_by(column).limit(1)))
        known = [number for number in steps if number is not None]
        if not known:
            break
        found.append(min(known))
    return found


def _seen(table: Table, operator: Operator) -> list[Any]:
    return list(owned(table.c.tenant_id, operator.sees))


def _call(row: dict[str, Any]) -> Hit:
    parties = f"{formats.phone(row['caller'])} → {formats.phone(row['callee'])}"
    title = _("Call %(id)s", id=row["id"])
    detail = f"{parties} · {formats.ago(row['setup_at'], clock.now_ms())}"
    return Hit(title, detail, url_for("cdr.show", cdr_id=row["id"]), "calls", exact=True)


def _list(side: str, value: str, last: int | None, exact: bool = False) -> Hit:
    title = (
        _("Calls from %(number)s", number=formats.phone(value))
        if side == "caller"
        else _("Calls to %(number)s", number=formats.phone(value))
    )
    now = clock.now_ms()
    detail = _("the last one %(ago)s", ago=formats.ago(last, now)) if last is not None else ""
    return Hit(title, detail, _address(side, value, last), "calls", exact)


def _many(side: str, digits: str) -> Hit:
    title = (
        _("Calls from numbers that start with %(digits)s", digits=f"+{digits}")
        if side == "caller"
        else _("Calls to numbers that start with %(digits)s", digits=f"+{digits}")
    )
    return Hit(title, "", _address(side, f"{digits}*", None), "calls")


def _address(side: str, value: str, last: int | None) -> str:
    old = last is not None and last < clock.now_ms() - _LONG_AGO
    span = "any" if old else "90d"
    return url_for("cdr.index", **{side: value}, range=span)  # type: ignore[arg-type]


def note(text: str) -> str:
    """What is said to whoever looks for the calls of an address."""
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return ""
    return _(
        "Call records cannot be searched by IP address. Look for the gateway, account or"
        " subscriber that has it, then for their calls."
    )


PROVIDERS = (
    Provider(
        _l("Numbers"), "cdr.read", numbers, _l("+49 30 23125-001, 0049…, 030…, or 030*"), note=note
    ),
    Provider(_l("Calls"), "cdr.read", calls, _l("a Call-ID, with its header or tag; call 12")),
)
