"""Who called whom goes after a while; what was priced stays, and can be priced again.

Of a number its beginning stays: so many digits as were decided, and never less than the prefix
that set its price. The rest becomes ``x``. Call-ID, tags and addresses go; which rows of the
switch the call was made of is sealed first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, exists, func, not_, or_, select

from app.cdr.tables import answered, failed, unpriced
from app.charging.tables import session
from app.core import clock
from app.core.database import Databases, inserted_id, reading, writing
from app.mediation.call import Flag
from app.mediation.tables import open_call
from app.rating.store import load_book
from app.rating.tariff import TariffBook
from app.retention import seals
from app.retention.decisions import NUMBERS, Decision
from app.retention.drop import Gone
from app.retention.seals import Seal
from app.retention.tables import removal

_REMOVED = int(Flag.NUMBERS_REMOVED)
# So far back calls are looked for that came, or got a price, after their day was done.
_LATE_MS = 60 * clock.DAY
_BITE_S, _SERVER_S = 0.05, 0.5
_PARTIES = ("caller", "callee", "dialled", "asserted", "routed", "routing_number")
_EMPTIED = ("call_id", "from_tag", "to_tag", "src_ip", "user_agent", "acc_ids")


def shortened(text: str, keep: int) -> str:
    """``+4930123456`` with 6 becomes ``+493012xxx``: what is no digit does not count.

    A name loses all its letters but a domain behind an @.
    """
    if not text:
        return text
    if not text.lstrip("+").replace("-", "").replace(" ", "")[:1].isdigit():
        name, at, domain = text.partition("@")
        return "x" * min(len(name), 8) + at + domain
    left, found = keep, list[str]()
    for sign in text:
        if sign == "+" and not found:
            found.append(sign)
        elif left > 0 and sign.isdigit():
            found.append(sign)
            left -= 1
        else:
            found.append("x")
    return "".join(found)


def without_numbers(cdr: Mapping[str, Any], keep: int, book: TariffBook) -> dict[str, Any]:
    """The columns of a call that change; prices can be worked out from what is left."""
    found: dict[str, Any] = {name: shortened(cdr[name], keep) for name in _PARTIES}
    version = book.versions.get(cdr["sell_version_id"]) if cdr["sell_version_id"] else None
    match = version.match(cdr["callee"]) if version else None
    if match is not None:
        found["callee"] = shortened(cdr["callee"], max(keep, len(match.prefix)))
    found |= dict.fromkeys(_EMPTIED, "")
    if cdr["sell_account_id"] is None:
        # Nobody paid: the name of the account is that of a person.
        found["account"] = shortened(cdr["account"], keep)
    return found | {"charge_id": None, "flags": cdr["flags"] | _REMOVED}


def remove_next(dbs: Databases, decision: Decision, cutoff: int) -> Gone:
    """Works for about a second on the oldest day that still has numbers; the rest is left."""
    with reading(dbs.panel) as connection:
        place = _next_day(connection, cutoff)
        if place is None:
            return Gone(0, more=False)
        book = load_book(connection)
    table, day = place
    sqlite = dbs.panel.dialect.name == "sqlite"
    target, limit, calls = _BITE_S if sqlite else _SERVER_S, 100, 0
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        started = time.monotonic()
        with writing(dbs.panel) as connection:
            found = _some(connection, table, day, decision.keep_digits, book, limit)
        took = max(time.monotonic() - started, 0.001)
        calls += found
        if found < limit:
            break
        limit = max(20, min(2_000, int(limit * target / took)))
        if sqlite:
            time.sleep(took)
    return Gone(calls, more=True)


def _next_day(connection: Connection, cutoff: int) -> tuple[Table, int] | None:
    """The table and day of the oldest call whose numbers are due and may go.

    Days before the newest that was worked on are looked at again, not for ever: calls that came
    late or got their price late stand there.
    """
    for table in (answered, failed):
        worked = select(func.max(removal.c.first_at)).where(
            removal.c.kind == NUMBERS, removal.c.table_name == table.name
        )
        newest = connection.scalar(worked) or 0
        for low in (newest, newest - _LATE_MS):
            query = select(table.c.setup_at).where(table.c.setup_at >= low, *_due(table, cutoff))
            oldest = connection.scalar(query.order_by(table.c.setup_at, table.c.id).limit(1))
            if oldest is not None:
                return table, clock.day_start(int(oldest))
    return None


def _due(table: Table, until: int) -> list[Any]:
    c = table.c
    queue = (
        exists().where(unpriced.c.cdr_id == c.id)
        if table is answered
        else exists().where(open_call.c.cdr_id == c.id)
    )
    return [c.setup_at < until, c.flags.op("&")(_REMOVED) == 0, not_(queue)]


def _some(
    connection: Connection, table: Table, day: int, keep: int, book: TariffBook, limit: int
) -> int:
    c = table.c
    query = select(table).where(c.setup_at >= day, *_due(table, day + clock.DAY))
    rows = connection.execute(query.order_by(c.setup_at, c.id).limit(limit)).mappings().all()
    if not rows:
        return 0
    seal = Seal()
    changed = []
    for row in rows:
        seal.take_rows(row["source_id"], row["epoch"], row["acc_ids"])
        new = without_numbers(dict(row), keep, book)
        changed.append(
            {f"b_{name}": value for name, value in new.items()}
            | {"b_id": row["id"], "b_setup_at": row["setup_at"]}
            | ({"b_account": row["account"]} if "account" not in new else {})
        )
    names = [name for name in changed[0] if name not in ("b_id", "b_setup_at")]
    values: dict[str, Any] = {name.removeprefix("b_"): bindparam(name) for name in names}
    same = and_(c.id == bindparam("b_id"), c.setup_at == bindparam("b_setup_at"))
    connection.execute(table.update().where(same).values(values), changed)
    connection.execute(
        session.update()
        .where(
            session.c.call_id.in_({row["call_id"] for row in rows}),
            session.c.cdr_id.in_([row["id"] for row in rows]),
            session.c.state == "closed",
        )
        .values(call_id="", destination="")
    )
    seals.write(connection, note_day(connection, table, day, len(rows)), seal)
    return len(rows)


def note_day(connection: Connection, table: Table, day: int, calls: int) -> int:
    """Notes that so many of a table's rows of a day lost their numbers; returns the removal."""
    mine = and_(
        removal.c.kind == NUMBERS, removal.c.table_name == table.name, removal.c.first_at == day
    )
    found = connection.scalar(select(removal.c.id).where(mine))
    now = clock.now_ms()
    if found is not None:
        values = {"calls": removal.c.calls + calls, "at": now}
        connection.execute(removal.update().where(removal.c.id == found).values(values))
        return int(found)
    row = {
        "kind": NUMBERS,
        "table_name": table.name,
        "part": clock.to_datetime(day).strftime("%Y%m%d"),
        "first_at": day,
        "until_at": day + clock.DAY,
        "calls": calls,
        "state": "done",
        "at": now,
    }
    return inserted_id(connection.execute(removal.insert(), row))


def removed_at(connection: Connection, cdr: Mapping[str, Any]) -> int | None:
    """When the numbers of a call were removed; None: they are there."""
    if not cdr["flags"] & _REMOVED:
        return None
    query = select(func.max(removal.c.at)).where(
        removal.c.kind == NUMBERS,
        or_(removal.c.table_name == answered.name, removal.c.table_name == failed.name),
        removal.c.first_at == clock.day_start(cdr["setup_at"]),
    )
    found: int | None = connection.scalar(query)
    return found
