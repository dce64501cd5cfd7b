"""The recorded switch: its rows put into a database as they stood there."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.core.database import Databases, writing
from app.ledger import account
from app.opensips.tables import reflect
from app.rating import store

# The recorded switch's own extra columns, as its operator named them.
EXTRA = ("caller", "callee", "caller_domain", "src_ip", "gw", "account")
# Two scenarios were recorded with the server's clock in New York.
NEW_YORK = (56, 57)


def scenarios(shared: Path) -> list[dict[str, Any]]:
    """The 58 recorded scenarios with the rows that each left."""
    found: list[dict[str, Any]] = json.loads(
        (shared / "opensips" / "acc-rows-3.6.json").read_text(encoding="utf-8")
    )
    return found


def expectations(shared: Path) -> list[dict[str, Any]]:
    """Beside each scenario, what can be known of its call."""
    text_ = (shared / "opensips" / "acc-expected-3.6.json").read_text(encoding="utf-8")
    calls: list[dict[str, Any]] = json.loads(text_)["calls"]
    return calls


def load(dbs: Databases, recorded: list[dict[str, Any]]) -> None:
    """Writes recorded rows into ``acc`` and ``missed_calls``."""
    with writing(dbs.switch) as connection:
        for name in ("acc", "missed_calls"):
            table = reflect(connection, name)
            for column in EXTRA:
                if column not in table.c:
                    connection.execute(text(f"ALTER TABLE {name} ADD COLUMN {column} VARCHAR(64)"))
    with writing(dbs.switch) as connection:
        for name in ("acc", "missed_calls"):
            rows = [_times(row) for scenario in recorded for row in scenario[name]]
            if rows:
                connection.execute(reflect(connection, name).insert(), rows)


def _times(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: datetime.fromisoformat(row[name]) for name in ("time", "created")}


def price_alice(dbs: Databases) -> int:
    """The recorded caller's account with a tariff whose prices are easy to work out."""
    with writing(dbs.panel) as connection:
        alice = account.create(connection, code="alice@lab.local", currency="EUR", mode="postpaid")
        tariff = store.create_tariff(connection, name="Lab", currency="EUR")
        store.add_version(
            connection,
            tariff,
            0,
            [
                store.NewRate("1", "USA", "0.06"),
                store.NewRate("1900", "USA premium", "1.50", "0.10", 60_000, 60_000, 60_000),
                store.NewRate("40", "Romania", "0.12", "0", 60_000, 30_000, 6_000),
                store.NewRate("44", "United Kingdom", "0.03"),
            ],
        )
        store.assign(connection, alice, tariff)
    return alice
