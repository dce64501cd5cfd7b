"""What stays of calls that went: their charges by batch and account, and the switch's rows.

The ledger's entries can still be proved by the sums, and a row of the switch that was part of
such a call is known by its bit: it is neither missed by ``flask verify`` nor read a second time.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from app.cdr.partitions import parts
from app.core import bulk, clock
from app.core.database import is_mysql
from app.mediation.call import Row
from app.mediation.source import Source, load_bookmarks, written_at
from app.retention.tables import removal, sealed_batch, sealed_rows

# Ids of one block: 512 bytes of bits.
BLOCK = 4_096
# A row is written at the end of its call.
_LONGEST_MS = 2 * clock.DAY


@dataclass(slots=True)
class Seal:
    """``sums`` by (batch, account); ``bits`` by (source, epoch, table, block)."""

    sums: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    bits: dict[tuple[int, int, str, int], bytearray] = field(default_factory=dict)

    def take_rows(self, source_id: int, epoch: int, acc_ids: str) -> None:
        """Marks the rows of one call (``acc:12 missed_calls:7``)."""
        for name in acc_ids.split():
            table, _, number = name.partition(":")
            block, place = divmod(int(number), BLOCK)
            key = (source_id, epoch, table, block)
            found = self.bits.get(key)
            if found is None:
                found = self.bits[key] = bytearray(BLOCK // 8)
            found[place >> 3] |= 1 << (place & 7)

    def take_sums(self, rows: Iterable[Any]) -> None:
        """Adds rows of (batch, account, amount); calls without a charge have no batch."""
        for batch_id, account_id, amount in rows:
            if batch_id is not None:
                self.sums[batch_id, account_id] += int(amount)


def write(connection: Connection, removal_id: int, seal: Seal) -> None:
    """Adds a seal to what a removal has sealed already."""
    mine = sealed_batch.c.removal_id == removal_id
    there = {
        (row.batch_id, row.account_id): row.amount
        for row in connection.execute(select(sealed_batch).where(mine))
    }
    new = []
    for (batch_id, account_id), amount in seal.sums.items():
        if (batch_id, account_id) in there:
            same = (sealed_batch.c.batch_id == batch_id) & (sealed_batch.c.account_id == account_id)
            total = there[batch_id, account_id] + amount
            connection.execute(sealed_batch.update().where(mine, same).values(amount=total))
        else:
            new.append(
                {
                    "tenant_id": 1,
                    "removal_id": removal_id,
                    "batch_id": batch_id,
                    "account_id": account_id,
                    "amount": amount,
                }
            )
    bulk.insert(connection, sealed_batch, new)
    _write_bits(connection, removal_id, seal)


def _write_bits(connection: Connection, removal_id: int, seal: Seal) -> None:
    mine = sealed_rows.c.removal_id == removal_id
    there = {
        (row.source_id, row.epoch, row.table_name, row.block): row
        for row in connection.execute(select(sealed_rows).where(mine))
    }
    new = []
    for key, bits in seal.bits.items():
        old = there.get(key)
        if old is not None:
            both = _either(bits, b64decode(old.bits))
            text = b64encode(both).decode("ascii")
            connection.execute(
                sealed_rows.update().where(sealed_rows.c.id == old.id).values(bits=text)
            )
            continue
        source_id, epoch, table, block = key
        new.append(
            {
                "tenant_id": 1,
                "removal_id": removal_id,
                "source_id": source_id,
                "epoch": epoch,
                "table_name": table,
                "block": block,
                "bits": b64encode(bits).decode("ascii"),
            }
        )
    bulk.insert(connection, sealed_rows, new)


def sums(connection: Connection) -> Iterable[Any]:
    """(batch, account, amount) of all calls that are gone."""
    query = select(
        sealed_batch.c.batch_id, sealed_batch.c.account_id, func.sum(sealed_batch.c.amount)
    ).where(sealed_batch.c.removal_id.in_(effective(connection)))
    return connection.execute(
        query.group_by(sealed_batch.c.batch_id, sealed_batch.c.account_id)
    ).all()


class Rows:
    """The sealed rows of one source and epoch of a table, loaded block by block."""

    def __init__(self, connection: Connection, source_id: int, epoch: int, table: str) -> None:
        self._connection = connection
        self._where = (
            sealed_rows.c.source_id == source_id,
            sealed_rows.c.epoch == epoch,
            sealed_rows.c.table_name == table,
        )
        self._removals = effective(connection)
        self._blocks: dict[int, bytes] = {}

    def has(self, row_id: int) -> bool:
        """Whether the row of this id was part of a call that is gone or has no numbers now."""
        block, place = divmod(row_id, BLOCK)
        bits = self._blocks.get(block)
        if bits is None:
            bits = self._blocks[block] = self._load(block)
        return bool(bits[place >> 3] & 1 << (place & 7))

    def _load(self, block: int) -> bytes:
        query = select(sealed_rows.c.bits).where(
            *self._where,
            sealed_rows.c.block == block,
            sealed_rows.c.removal_id.in_(self._removals),
        )
        bits = bytes(BLOCK // 8)
        for text in self._connection.scalars(query):
            bits = _either(bits, b64decode(text))
        return bits


def was_used(connection: Connection, found: Source, row: Row) -> bool:
    """Whether a row of the switch, as it stands there now, was part of a call that is gone.

    Its time must fit too: in a table whose ids began anew, today's row may have an old id.
    """
    newest = connection.scalar(select(func.max(removal.c.until_at)))
    if newest is None or written_at(row, found.habits.zone, clock.now_ms()) > newest + _LONGEST_MS:
        return False
    marks = load_bookmarks(connection, found.id)
    return any(
        Rows(connection, found.id, mark.epoch, row.table).has(row.id)
        for mark in marks
        if mark.table == row.table
    )


def effective(connection: Connection) -> Any:
    """The removals that took place, as a query; or their ids where one may just be under way.

    MariaDB drops outside of transactions: a removal that is only sealed took place if its
    partition is gone.
    """
    pending = connection.execute(
        select(removal.c.id, removal.c.table_name, removal.c.part).where(
            removal.c.state == "sealed"
        )
    ).all()
    wanted = select(removal.c.id).where(removal.c.state == "done")
    if not pending:
        return wanted
    gone = [row.id for row in pending if not has_part(connection, row.table_name, row.part)]
    return [*connection.scalars(wanted), *gone]


def has_part(connection: Connection, table: str, part: str) -> bool:
    """Whether MariaDB's table has a partition of that name."""
    if not is_mysql(connection):
        return True
    return any(found.name == part for found in parts(connection, table))


def _either(one: bytes | bytearray, other: bytes) -> bytes:
    return bytes(left | right for left, right in zip(one, other, strict=True))
