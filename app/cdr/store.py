"""The only writer of CDRs: ids, inserting, and setting a first charge once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, select

from app.cdr.record import Key
from app.cdr.tables import answered, attempt, failed, unpriced
from app.core import bulk
from app.jobs.tables import counter

# What ``insert`` takes: the columns of app.cdr.tables by name.
Record = dict[str, Any]


def mint_ids(connection: Connection, count: int) -> int:
    """Reserves that many ids and returns the first.

    The counter's row stays locked until the transaction ends: ids rise in the order in which
    CDRs become visible, so an export can be cut at an id.
    """
    connection.execute(
        counter.update().where(counter.c.name == "cdr").values(value=counter.c.value + count)
    )
    last = connection.scalar(select(counter.c.value).where(counter.c.name == "cdr"))
    if last is None:
        connection.execute(counter.insert().values(name="cdr", value=count))
        return 1
    return int(last) - count + 1


def insert(connection: Connection, records: Sequence[Record], tries: Sequence[Record] = ()) -> None:
    """Stores CDRs, answered and unanswered ones each in their table; ids are minted before.

    ``tries`` are the rows of gateways that did not take one of these calls.
    """
    bulk.insert(connection, attempt, tries)
    for table, rows in (
        (answered, [record for record in records if record["answered_at"] is not None]),
        (failed, [record for record in records if record["answered_at"] is None]),
    ):
        bulk.insert(connection, table, rows)
    waiting = [_queued(record) for record in records if record["unpriced_reason"]]
    bulk.insert(connection, unpriced, waiting)


def insert_columns(
    connection: Connection, columns: Mapping[str, list[Any]], *, is_answered: bool
) -> None:
    """As ``insert``, CDRs of one table as columns by name (``app.cdr.record.build_columns``)."""
    bulk.insert_columns(connection, answered if is_answered else failed, columns)
    if any(columns["unpriced_reason"]):
        names = ("id", "tenant_id", "setup_at", "account", "unpriced_reason", "stored_at")
        listed = (columns[name] for name in names)
        rows = (dict(zip(names, row, strict=True)) for row in zip(*listed, strict=True))
        waiting = [_queued(row) for row in rows if row["unpriced_reason"]]
        bulk.insert(connection, unpriced, waiting)


def set_first_charges(connection: Connection, charges: Iterable[Mapping[str, Any]]) -> None:
    """Gives waiting CDRs their first sell charge, once.

    Each item: ``cdr_id, cdr_setup_at``, the ``sell_*`` columns without prefix and ``destination``.
    """
    rows = [{f"b_{name}": value for name, value in charge.items()} for charge in charges]
    if not rows:
        return
    names = ("account_id", "amount", "tax", "currency", "version_id", "batch_id")
    statement = (
        answered.update()
        .where(
            answered.c.id == bindparam("b_cdr_id"),
            answered.c.setup_at == bindparam("b_cdr_setup_at"),
            answered.c.sell_amount.is_(None),
        )
        .values(
            {f"sell_{name}": bindparam(f"b_{name}") for name in names}
            | {
                "price": bindparam("b_price"),
                "destination": bindparam("b_destination"),
                "tenant_id": bindparam("b_tenant_id"),
                # A technical prefix that says who pays is no part of the number.
                "callee": bindparam("b_callee"),
                "trunk": bindparam("b_trunk"),
                "direction": bindparam("b_direction"),
                "unpriced_reason": None,
            }
        )
    )
    connection.execute(statement, rows)
    connection.execute(
        unpriced.delete().where(unpriced.c.cdr_id == bindparam("b_cdr_id")),
        [{"b_cdr_id": row["b_cdr_id"]} for row in rows],
    )


def set_reasons(
    connection: Connection, reasons: Iterable[Mapping[str, Any]], try_at: int, *, keep_batch: bool
) -> None:
    """Says why CDRs are still unpriced, on them and in the queue.

    Each item: ``cdr_id, cdr_setup_at, reason``. ``keep_batch`` leaves them in the batch that an
    engine outside may have priced already.
    """
    rows = [{f"b_{name}": value for name, value in item.items()} for item in reasons]
    if not rows:
        return
    connection.execute(
        answered.update()
        .where(
            answered.c.id == bindparam("b_cdr_id"),
            answered.c.setup_at == bindparam("b_cdr_setup_at"),
        )
        .values(unpriced_reason=bindparam("b_reason")),
        rows,
    )
    values: dict[str, Any] = {"reason": bindparam("b_reason"), "try_at": try_at}
    if not keep_batch:
        values["batch_id"] = None
    connection.execute(
        unpriced.update().where(unpriced.c.cdr_id == bindparam("b_cdr_id")).values(values),
        [{"b_cdr_id": row["b_cdr_id"], "b_reason": row["b_reason"]} for row in rows],
    )


def set_free(connection: Connection, cdrs: Iterable[Mapping[str, Any]]) -> None:
    """Takes CDRs out of the queue that nobody has to pay, with their ``tenant_id`` and
    ``direction``."""
    for cdr in cdrs:
        values = {"tenant_id": cdr["tenant_id"], "direction": cdr["direction"]}
        connection.execute(
            answered.update()
            .where(answered.c.id == cdr["id"], answered.c.setup_at == cdr["setup_at"])
            .values({**values, "unpriced_reason": None})
        )
        connection.execute(unpriced.delete().where(unpriced.c.cdr_id == cdr["id"]))


def queue_again(connection: Connection, cdr: Mapping[str, Any], reason: str) -> None:
    """Puts a CDR that has neither price nor reason into the queue; else nothing is done."""
    moved = connection.execute(
        answered.update()
        .where(
            answered.c.id == cdr["id"],
            answered.c.setup_at == cdr["setup_at"],
            answered.c.sell_amount.is_(None),
            answered.c.unpriced_reason.is_(None),
        )
        .values(unpriced_reason=reason)
    )
    if moved.rowcount:
        connection.execute(unpriced.insert(), _queued({**cdr, "unpriced_reason": reason}))


def _queued(record: Mapping[str, Any]) -> Record:
    return {
        "cdr_id": record["id"],
        "tenant_id": record["tenant_id"],
        "setup_at": record["setup_at"],
        "account": record["account"],
        "reason": record["unpriced_reason"],
        "since": record["stored_at"],
        "try_at": record["stored_at"],
    }


def get(connection: Connection, cdr_id: int) -> Mapping[str, Any] | None:
    """One CDR by its id, as a mapping of its columns."""
    for table in (answered, failed):
        row = connection.execute(select(table).where(table.c.id == cdr_id)).mappings().first()
        if row is not None:
            return dict(row)
    return None


def has_row(connection: Connection, source_id: int, call_id: str, name: str) -> bool:
    """Whether a CDR is made of this row of the switch (``acc:12``) of this Call-ID."""
    return any(
        name in str(acc_ids).split()
        for table in (answered, failed)
        for acc_ids in connection.scalars(
            select(table.c.acc_ids).where(
                table.c.call_id == call_id, table.c.source_id == source_id
            )
        )
    )


def load(connection: Connection, keys: Iterable[tuple[int, int]]) -> list[Mapping[str, Any]]:
    """Answered CDRs by (id, setup_at); only their days are touched."""
    wanted = list(keys)
    if not wanted:
        return []
    days = [setup_at for _, setup_at in wanted]
    query = select(answered).where(
        answered.c.id.in_([cdr_id for cdr_id, _ in wanted]),
        answered.c.setup_at.between(min(days), max(days)),
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def remove_provisional(connection: Connection, keys: Iterable[tuple[int, int]]) -> None:
    """Takes out unanswered CDRs whose row turned out to be an attempt of another call."""
    for cdr_id, setup_at in keys:
        _delete(connection, failed, failed.c.id, cdr_id, setup_at)
        _delete(connection, attempt, attempt.c.cdr_id, cdr_id, setup_at)


def add_rows(connection: Connection, key: Key, names: Sequence[str]) -> None:
    """Writes rows' names on a CDR, behind those that it has."""
    table = answered if key.is_answered else failed
    here = (table.c.id == key.id) & (table.c.setup_at == key.setup_at)
    there = str(connection.scalar(select(table.c.acc_ids).where(here)) or "").split()
    new = [name for name in names if name not in there]
    connection.execute(table.update().where(here).values(acc_ids=" ".join([*there, *new])))


def add_first_rows(connection: Connection, key: Key, cdr: Mapping[str, Any]) -> None:
    """Gives a CDR that had no row of a switch the rows, source and epoch of ``cdr``."""
    here = (answered.c.id == key.id) & (answered.c.setup_at == key.setup_at)
    whose = {name: cdr[name] for name in ("source_id", "epoch")}
    connection.execute(answered.update().where(here).values(whose))
    add_rows(connection, key, str(cdr["acc_ids"]).split())


def tries_of(connection: Connection, cdr_id: int, setup_at: int) -> list[Mapping[str, Any]]:
    """The gateways that did not take a call, in the order in which they were tried."""
    query = select(attempt).where(attempt.c.cdr_id == cdr_id, attempt.c.setup_at == setup_at)
    return [dict(row) for row in connection.execute(query.order_by(attempt.c.n)).mappings()]


def _delete(
    connection: Connection, table: Table, key: Column[Any], cdr_id: int, setup_at: int
) -> None:
    connection.execute(table.delete().where(key == cdr_id, table.c.setup_at == setup_at))
