"""The operator's rules of who pays, and the order in which they are looked at."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.database import LARGEST_ID, inserted_id
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.words import _, _l
from app.identity import audit
from app.ledger.tables import account
from app.mediation.payer import load_order
from app.mediation.tables import payer_rule, payer_way
from app.mediation.ways import ADDRESS, DOMAIN, PREFIX, RULED, SUBSCRIBER

WAY_WORDS = {
    "account": _l("account code"),
    "subscriber": _l("subscriber"),
    "domain": _l("domain"),
    "address": _l("source address"),
    "prefix": _l("technical prefix"),
}
_PREFIX = re.compile(r"[0-9A-Za-z#*+]{1,32}")
_SUBSCRIBER = re.compile(r"[^@\s]{1,64}@[^@\s]{1,120}")
_DOMAIN = re.compile(r"[^@\s/]{1,128}")


def over() -> Select[Any]:
    """The query of all rules, with the account's code."""
    return select(payer_rule, account.c.code).outerjoin(
        account, account.c.id == payer_rule.c.account_id
    )


def get(connection: Connection, rule_id: int) -> RowMapping:
    """One rule; raises NotFound."""
    wanted = payer_rule.c.id == min(rule_id, LARGEST_ID)
    row = connection.execute(over().where(wanted)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such rule."), _("Look for it in the list."))
    return row


def add(connection: Connection, *, way: str, pattern: str, code: str, trunk: str = "") -> int:
    """Makes a rule of the house; returns its number. Raises InvalidInput, Conflict."""
    pattern = checked(way, pattern)
    values = {
        "tenant_id": 1,
        "way": way,
        "pattern": pattern,
        "account_id": account_named(connection, code),
        "trunk": trunk.strip()[:64],
        "created_at": clock.now_ms(),
    }
    taken = Conflict(
        _("There is a rule for “%(pattern)s” already.", pattern=pattern),
        _("Delete it first, or enter another pattern."),
    )
    same = (payer_rule.c.way == way) & (payer_rule.c.pattern == pattern)
    if connection.scalar(select(payer_rule.c.id).where(same)) is not None:
        raise taken
    try:
        number = inserted_id(connection.execute(insert(payer_rule), values))
    except IntegrityError as exc:
        raise taken from exc
    after = {"way": way, "pattern": pattern, "account": code, "trunk": values["trunk"]}
    audit.record(connection, action="payer.create", object=f"payer_rule:{number}", after=after)
    return number


def remove(connection: Connection, row: RowMapping) -> None:
    """Deletes a rule; what was priced by it stays."""
    connection.execute(delete(payer_rule).where(payer_rule.c.id == row["id"]))
    before = {name: row[name] for name in ("way", "pattern", "account_id", "trunk")}
    audit.record(connection, action="payer.delete", object=f"payer_rule:{row['id']}", before=before)


def move(connection: Connection, way: str, deed: str) -> None:
    """``up`` or ``down`` moves a way among the others; ``on`` and ``off`` switch it."""
    order = load_order(connection)
    place = next((i for i, (name, _on) in enumerate(order) if name == way), None)
    if place is None or deed not in ("up", "down", "on", "off"):
        raise NotFound(_("There is no such way."), _("Choose one of the list."))
    after = list(order)
    if deed in ("on", "off"):
        after[place] = (way, deed == "on")
    else:
        other = place + (-1 if deed == "up" else 1)
        if 0 <= other < len(order):
            after[place], after[other] = after[other], after[place]
    set_order(connection, after)


def set_order(connection: Connection, order: list[tuple[str, bool]]) -> None:
    """Writes the whole order: each way once, and whether it is on. Raises InvalidInput."""
    before = load_order(connection)
    if sorted(way for way, _on in order) != sorted(way for way, _on in before):
        raise InvalidInput(_("Each way is named once."), _("Name all of them."))
    if order == before:
        return
    connection.execute(delete(payer_way))
    rows = [
        {"way": way, "place": place, "active": active}
        for place, (way, active) in enumerate(order, 1)
    ]
    connection.execute(insert(payer_way), rows)
    audit.record(
        connection,
        action="payer.order",
        object="payers",
        before={"order": _told(before)},
        after={"order": _told(order)},
    )


def checked(way: str, pattern: str) -> str:
    """The pattern as it is looked up by; raises InvalidInput with the field."""
    text = pattern.strip()
    if way == ADDRESS:
        try:
            return str(ip_network(text, strict=False))
        except ValueError:
            _refuse(_("Write an address such as 192.0.2.7 or 2001:db8::/32."))
    if way == PREFIX and not _PREFIX.fullmatch(text):
        _refuse(_("Write 1 to 32 digits, letters, #, * or +."))
    if way == SUBSCRIBER:
        if not _SUBSCRIBER.fullmatch(text):
            _refuse(_("Write the caller as user@domain."))
        user, _at, domain = text.partition("@")
        return f"{user}@{domain.lower()}"
    if way == DOMAIN:
        if not _DOMAIN.fullmatch(text):
            _refuse(_("Write a domain such as sip.example.net."))
        return text.lower()
    if way not in RULED:
        raise InvalidInput(_("There is no such way."), _("Choose one of the list."), "way")
    return text


def account_named(connection: Connection, code: str) -> int:
    """The number of the account with a code, alone among all tenants'. Raises InvalidInput."""
    query = select(account.c.id).where(account.c.code == code.strip(), account.c.mode != "system")
    found = connection.scalars(query.limit(2)).all()
    if len(found) != 1:
        raise InvalidInput(
            _("Several accounts have this code.") if found else _("There is no such account."),
            _("Enter the code of one account."),
            "account",
        )
    return int(found[0])


def _refuse(remedy: str) -> None:
    raise InvalidInput(_("That pattern cannot be looked up."), remedy, "pattern")


def _told(order: list[tuple[str, bool]]) -> str:
    return " ".join(way if active else f"({way})" for way, active in order)
