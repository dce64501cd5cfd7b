"""A panel with rows in every one of its tables, and every kind of text in them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Boolean, Integer, LargeBinary, Numeric, Table, select

from app.core.database import Databases, metadata, reading, writing
from app.identity import audit, operators, tenants
from app.ledger import account, hold
from app.rounds import Runner
from tests.identity.people import PASSWORD
from tests.pipeline import recorded
from tests.provisioning.scene import changing, put, submit, with_nodes

# What breaks formats that are put together carelessly, and what databases compare carelessly.
ODD = 'Ü\t\'"\\N\r\n\\.\u2028{"bytes":"x"} 🙂 %s ;--'


def fill(app: Flask, dbs: Databases, shared: Path) -> None:
    """Calls, prices, holds, changes, people; and one made-up row where a table is left empty."""
    settings = with_nodes(app.extensions["settings"], edge="http://127.0.0.1:1/mi")
    recorded.load(dbs, recorded.scenarios(shared))
    alice = recorded.price_alice(dbs)
    Runner(dbs, settings).to_the_end(lambda _rows: None)
    kept = put(dbs, dpid=9, match_exp="^0800", repl_exp="", attrs="free", subst_exp="")
    submit(dbs, settings, changing(kept, pr=7, attrs="freephone"))
    with writing(dbs.panel) as connection:
        account.top_up(connection, alice, 7 * 10**18, "topup:1", ODD)
        hold.place(connection, account_id=alice, amount=2**40, reference=ODD[:60])
        north = tenants.create(connection, name=ODD[:70], parent_id=1, domains=["n.example"])
        number = operators.create(
            connection, login="ann", password=PASSWORD, role="admin", tenant_id=north
        )
        for turn in range(3):
            audit.record(
                connection,
                action="operator.create",
                object=f"operator:{number}",
                before={"turn": turn, "text": ODD},
            )
    for table in metadata.sorted_tables:
        with writing(dbs.panel) as connection:
            if connection.execute(select(table).limit(1)).first() is None:
                connection.execute(table.insert().values(_made_up(table)))


def rows(dbs: Databases, table: Table) -> list[tuple[Any, ...]]:
    """All rows of a table, in an order that no database disagrees about."""
    with reading(dbs.panel) as connection:
        return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


def _made_up(table: Table) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in table.c:
        if isinstance(column.type, Boolean):
            found[column.name] = True
        elif isinstance(column.type, Integer):
            found[column.name] = int(column.primary_key)  # sums stay as they are
        elif isinstance(column.type, LargeBinary):
            found[column.name] = bytes(range(256))
        elif isinstance(column.type, Numeric):
            found[column.name] = Decimal("1.10")
        else:
            found[column.name] = ODD[: getattr(column.type, "length", None) or 4_000]
    return found
