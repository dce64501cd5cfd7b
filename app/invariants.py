"""What must always hold, checked over the whole database (the numbers are those of the design)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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
from app.core.source_settings import MAIN_SOURCE
from app.identity import chain as audit_chain
from app.ledger import reconcile as ledger
from app.ledger.tables import account, entry, posting
from app.mediation.payer import nobody_pays
from app.mediation.reading import read_where, rows_from
from app.mediation.source import (
    Reader,
    Source,
    load_bookmarks,
    load_sources,
    open_readers,
    written_at,
)
from app.mediation.tables import open_call, suspense
from app.provisioning import reconcile as provisioning
from app.rating import reference
from app.rating.store import load_book
from app.rating.tables import charge
from app.retention import seals

_CHUNK = 5_000


def check(
    dbs: Databases, settings: Settings, *, offline: bool = False, switch: bool = True
) -> Iterator[Finding]:
    """All findings; nothing is changed.

    Without ``switch`` OpenSIPS's rows are not looked at: after a restore the worker has yet to
    read those that came since.
    """
    with reading(dbs.panel) as connection:
        yield _rows_used_once(dbs, settings, connection, switch)
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


def _rows_used_once(dbs: Databases, settings: Settings, panel: Connection, switch: bool) -> Finding:
    """1: every settled row of the switch is in one CDR, one open call or one suspense entry."""
    sources = load_sources(panel)
    uses = _uses(panel, sources)
    notes = _Notes([])
    for (_source, call_id, name), times in uses.items():
        if times > 1:
            notes.add(f"{name} of Call-ID {call_id[:64]!r} is used {times} times")
    checked = 0
    settled = clock.now_ms() - settings.settling_ms
    # What no setting names any more is not asked for.
    named = {MAIN_SOURCE, *(one.name for one in settings.sources)}
    for found in sources if switch else ():
        if found.name not in named:
            continue
        where = dbs.of_source(found.name)
        epochs = {mark.table: mark.epoch for mark in load_bookmarks(panel, found.id)}
        gone = {table: seals.Rows(panel, found.id, epoch, table) for table, epoch in epochs.items()}
        for row in chain.from_iterable(_rows(where, r) for r in open_readers(where.switch, found)):
            checked += 1
            used = (found.id, row.call_id[:255], row.name) in uses
            # The rows of calls that are no longer kept may stand in the switch's table still.
            used = used or (row.table in gone and gone[row.table].has(row.id))
            if not used and written_at(row, found.habits.zone, settled) < settled:
                notes.add(f"{row.name} of {found.name} (Call-ID {row.call_id[:64]!r}) is in no CDR")
    return Finding("1 rows are used once", checked, notes.found)


def _uses(panel: Connection, sources: Sequence[Source]) -> Counter[tuple[int, str, str]]:
    """How often each row of a switch (source, Call-ID, ``acc:12``) is used."""
    uses: Counter[tuple[int, str, str]] = Counter()
    known = {found.id for found in sources}
    # A session's CDR named no source while there was only one.
    first = sources[0].id if sources else 0
    for table in (answered, failed):
        query = select(table.c.source_id, table.c.call_id, table.c.acc_ids)
        for number, call_id, names in panel.execute(query):
            mine = number if number in known else first
            uses.update((mine, call_id, name) for name in names.split())
    for table in (open_call, suspense):
        kept = select(table.c.source_id, table.c.call_id, table.c.table_name, table.c.acc_id)
        if table is open_call:
            kept = kept.where(table.c.cdr_id.is_(None))
        uses.update(
            (number, call_id, f"{name}:{row}") for number, call_id, name, row in panel.execute(kept)
        )
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
    """2: an answered call has its charge, or a reason and a place in the queue, or is incoming."""
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
    columns = ("id", "unpriced_reason", "sell_amount", "price", "direction", "account")
    for row in connection.execute(select(*(answered.c[name] for name in columns))):
        checked += 1
        if row.sell_amount is None:
            if row.unpriced_reason is None and nobody_pays(row._mapping):
                continue  # should it be in the queue all the same, that is said below
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
    for key, owner, total in seals.sums(connection):
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
