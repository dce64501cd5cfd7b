"""The only writer of CDRs: ids, inserting, and setting a first charge once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select

from app.cdr.tables import answered, failed, unpriced
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


def insert(connection: Connection, records: Sequence[Record]) -> None:
    """Stores CDRs, answered and unanswered ones each in their table; ids are minted before."""
    for table, rows in (
        (answered, [record for record in records if record["answered_at"] is not None]),
        (failed, [record for record in records if record["answered_at"] is None]),
    ):
        bulk.insert(connection, table, rows)
    waiting = [
        {
            "cdr_id": record["id"],
            "tenant_id": record["tenant_id"],
            "setup_at": record["setup_at"],
            "account": record["account"],
            "reason": record["unpriced_reason"],
            "since": record["stored_at"],
            "try_at": record["stored_at"],
        }
        for record in records
        if record["unpriced_reason"]
    ]
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
        _delete(connection, failed, cdr_id, setup_at)


def attach_rows(connection: Connection, cdr_id: int, setup_at: int, names: str) -> None:
    """Adds the switch's rows to an answered CDR that was made without them."""
    connection.execute(
        answered.update()
        .where(answered.c.id == cdr_id, answered.c.setup_at == setup_at)
        .values(acc_ids=names)
    )


def _delete(connection: Connection, table: Table, cdr_id: int, setup_at: int) -> None:
    connection.execute(table.delete().where(table.c.id == cdr_id, table.c.setup_at == setup_at))
