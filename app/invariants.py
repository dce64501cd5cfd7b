"""What must always hold, checked over the whole database (the numbers are those of the design)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection, func, select

from app.cdr.tables import answered, failed, unpriced
from app.charging import reconcile as charging
from app.core import clock
from app.core.database import Databases, reading
from app.core.findings import MOST, Finding
from app.core.settings import Settings
from app.identity import chain as audit_chain
from app.ledger import reconcile as ledger
from app.ledger.tables import account, entry, posting
from app.mediation.reading import read_where, rows_from
from app.mediation.source import Reader, ensure_source, open_readers, written_at
from app.mediation.tables import open_call, source, suspense
from app.provisioning import reconcile as provisioning
from app.rating import reference
from app.rating.store import load_book
from app.rating.tables import charge

_CHUNK = 5_000


def check(dbs: Databases, settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """All findings; nothing is changed."""
    with reading(dbs.panel) as connection:
        yield _rows_used_once(dbs, settings, connection)
        yield _charged_once(connection)
        yield _charges_posted(connection)
        yield from ledger.check(connection)
        yield from charging.check(connection, settings)
        yield _prices_repeat(connection)
        yield audit_chain.check(connection)
    yield from provisioning.check(dbs, settings, offline)


@dataclass(slots=True)
class _Notes:
    """Violations, the first hundred."""

    found: list[str]

    def add(self, sentence: str) -> None:
        if len(self.found) < MOST:
            self.found.append(sentence)


def _rows_used_once(dbs: Databases, settings: Settings, panel: Connection) -> Finding:
    """1: every settled row of the switch is in one CDR, one open call or one suspense entry."""
    uses = _uses(panel)
    notes = _Notes([])
    for (call_id, name), times in uses.items():
        if times > 1:
            notes.add(f"{name} of Call-ID {call_id[:64]!r} is used {times} times")
    checked = 0
    if panel.scalar(select(source.c.id).limit(1)) is not None:
        found = ensure_source(panel, settings)
        settled = clock.now_ms() - settings.settling_ms
        for row in chain.from_iterable(_rows(dbs, r) for r in open_readers(dbs.switch, found)):
            checked += 1
            used = (row.call_id[:255], row.name) in uses
            if not used and written_at(row, found.habits.zone, settled) < settled:
                notes.add(f"{row.name} (Call-ID {row.call_id[:64]!r}) is in no CDR")
    return Finding("1 rows are used once", checked, notes.found)


def _uses(panel: Connection) -> Counter[tuple[str, str]]:
    """How often each row of the switch (Call-ID, ``acc:12``) is used."""
    uses: Counter[tuple[str, str]] = Counter()
    for table in (answered, failed):
        for call_id, names in panel.execute(select(table.c.call_id, table.c.acc_ids)):
            uses.update((call_id, name) for name in names.split())
    for table in (open_call, suspense):
        query = select(table.c.call_id, table.c.table_name, table.c.acc_id)
        if table is open_call:
            query = query.where(table.c.cdr_id.is_(None))
        uses.update((call_id, f"{name}:{row}") for call_id, name, row in panel.execute(query))
    return uses


def _rows(dbs: Databases, reader: Reader) -> Iterator[Any]:
    last = -1
    with reading(dbs.switch) as connection:
        while True:
            raws = read_where(connection, reader, reader.table.c.id > last, _CHUNK)
            yield from rows_from(reader, raws, 0)
            if len(raws) < _CHUNK:
                return
            last = int(raws[-1][0])


def _charged_once(connection: Connection) -> Finding:
    """2: an answered call has its charge, or a reason and a place in the queue."""
    notes = _Notes([])
    corrections = {
        row.cdr_id: int(row.total)
        for row in connection.execute(
            select(charge.c.cdr_id, func.sum(charge.c.amount).label("total"))
            .where(charge.c.kind == "correction", charge.c.side == "sell")
            .group_by(charge.c.cdr_id)
        )
    }
    rows = connection.execute(select(unpriced.c.cdr_id, unpriced.c.reason))
    queued = {cdr_id: reason for cdr_id, reason in rows}
    checked = 0
    columns = ("id", "unpriced_reason", "sell_amount", "price", "sell_batch_id", "sell_account_id")
    for row in connection.execute(select(*(answered.c[name] for name in columns))):
        checked += 1
        if row.sell_amount is None:
            if row.unpriced_reason is None or queued.pop(row.id, None) != row.unpriced_reason:
                notes.add(f"CDR {row.id} has neither a charge nor a reason in the queue")
        elif row.unpriced_reason is not None or row.id in queued:
            notes.add(f"CDR {row.id} is priced and waits for a price as well")
        elif row.price != row.sell_amount + corrections.get(row.id, 0):
            notes.add(f"CDR {row.id}: the price is not the first charge plus corrections")
    for cdr_id in queued:
        notes.add(f"the queue names CDR {cdr_id}, which does not wait")
    return Finding("2 calls are charged once", checked, notes.found)


def _charges_posted(connection: Connection) -> Finding:
    """2, 3: in every batch, what accounts owe is the sum of their charges, and is posted."""
    owed: dict[tuple[int, int], int] = defaultdict(int)
    for table, columns in (
        (answered, ("sell_batch_id", "sell_account_id", "sell_amount")),
        (charge, ("batch_id", "account_id", "amount")),
    ):
        batch_id, account_id, amount = (table.c[name] for name in columns)
        query = select(batch_id, account_id, func.sum(amount)).where(batch_id.is_not(None))
        for key, owner, total in connection.execute(query.group_by(batch_id, account_id)):
            owed[key, owner] += int(total)
    posted = _posted(connection)
    notes = _Notes([])
    for key in owed.keys() | posted.keys():
        if owed.get(key, 0) != -posted.get(key, 0):
            notes.add(
                f"batch {key[0]}, account {key[1]}: charges are {owed.get(key, 0)},"
                f" entries {posted.get(key, 0)}"
            )
    return Finding("2 charges are posted", len(owed), notes.found)


def _posted(connection: Connection) -> dict[tuple[int, int], int]:
    query = (
        select(posting.c.reference, entry.c.account_id, func.sum(entry.c.amount))
        .join(entry, entry.c.posting_id == posting.c.id)
        .join(account, account.c.id == entry.c.account_id)
        .where(posting.c.kind == "charges", account.c.mode != "system")
        .group_by(posting.c.reference, entry.c.account_id)
    )
    return {
        (int(reference.partition(":")[2]), account_id): int(total)
        for reference, account_id, total in connection.execute(query)
    }


def _prices_repeat(connection: Connection) -> Finding:
    """5: the same call under the same version gives the same price, by the reference."""
    book = load_book(connection)
    notes = _Notes([])
    checked = 0
    columns = ("id", "callee", "duration_ms", "sell_amount", "sell_version_id")
    query = select(*(answered.c[name] for name in columns)).where(
        answered.c.sell_version_id.is_not(None)
    )
    for row in connection.execute(query):
        checked += 1
        version = book.versions.get(row.sell_version_id)
        match = version.match(row.callee) if version else None
        if match is None or reference.price(match, row.duration_ms).units != row.sell_amount:
            notes.add(f"CDR {row.id} would have another price under its own tariff version")
    return Finding("5 prices can be repeated", checked, notes.found)
