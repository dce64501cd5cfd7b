"""Rows as they stand in the switch's tables: the same, whichever way they are read."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.mediation import reading as module
from app.mediation.columns import lay_out
from app.mediation.reading import read_where, rows_from
from app.mediation.source import Reader, ensure_source, open_readers
from app.opensips.tables import create_opensips_tables, reflect

ROW = {
    "method": "INVITE",
    "from_tag": "f",
    "to_tag": None,
    "callid": "a@host",
    "sip_code": "200",
    "sip_reason": "OK",
    "time": datetime.fromisoformat("2026-11-18 10:39:07"),
    "created": datetime.fromisoformat("2026-11-18 10:39:00"),
    "setuptime": 7,
    "duration": 33,
    "ms_duration": 32_830,
    "caller": "+493023125959",
    "callee": "00212688173073",
    "user_agent": None,
}
HOSTILE = (
    'a"b\\c',
    "tab\tline\nreturn\r",
    "\x01\x1f\x7f",
    "☎ 𝄞 \u202e",
    "</script>",
    "\\u0000",
    "[1,2]",
    "'",
)


def _reader(dbs: Databases, settings: Settings) -> Reader:
    with writing(dbs.panel) as connection:
        found = ensure_source(connection, settings)
    return open_readers(dbs.switch, found)[0]


def _put(dbs: Databases, rows: list[dict[str, Any]]) -> None:
    create_opensips_tables(dbs.switch)
    with writing(dbs.switch) as connection:
        connection.execute(reflect(connection, "acc").insert(), rows)


def test_both_ways_give_the_same_rows(
    both_dbs: Databases, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(both_dbs, [ROW, *(ROW | {"user_agent": agent, "callid": agent} for agent in HOSTILE)])
    reader = _reader(both_dbs, settings)
    every = reader.table.c.id > 0
    with reading(both_dbs.switch) as connection:
        first = read_where(connection, reader, every)
        monkeypatch.setattr(module, "is_mysql", lambda bind: False)
        second = read_where(connection, reader, every)
    assert rows_from(reader, first, 5) == rows_from(reader, second, 5)
    assert [json.loads(reader.layout.to_text(raw)) for raw in first] == [
        json.loads(reader.layout.to_text(raw)) for raw in second
    ]
    rows = rows_from(reader, first, 5)
    assert [row.extra.get("user_agent") for row in rows] == [None, *HOSTILE]
    assert rows[0].time == ROW["time"]
    assert (rows[0].to_tag, rows[0].ms_duration, rows[0].seen_at) == ("", 32_830, 5)


def test_a_text_that_is_no_json_is_read_plainly(
    both_dbs: Databases, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(both_dbs, [ROW])
    reader = _reader(both_dbs, settings)

    def fail(text: str) -> None:
        raise ValueError(text)

    monkeypatch.setattr(module, "_decode", fail)
    with reading(both_dbs.switch) as connection:
        raws = read_where(connection, reader, reader.table.c.id > 0)
    assert rows_from(reader, raws, 0)[0].call_id == "a@host"


def test_columns_of_other_kinds_read_as_ever(both_dbs: Databases, settings: Settings) -> None:
    create_opensips_tables(both_dbs.switch)
    kind = "BYTEA" if both_dbs.switch.dialect.name == "postgresql" else "BLOB"
    with writing(both_dbs.switch) as connection:
        connection.execute(text(f"ALTER TABLE acc ADD COLUMN customer {kind}"))
        connection.execute(text("ALTER TABLE acc ADD COLUMN cost DECIMAL(8,3)"))
    with writing(both_dbs.switch) as connection:
        acc = reflect(connection, "acc")
        connection.execute(
            acc.insert(), [{**ROW, "account": None, "customer": b"anna\xff", "cost": "1.50"}]
        )
    reader = _reader(both_dbs, settings)
    layout = lay_out(reader.table.c.keys(), {"account": "customer", "gateway": "cost"})
    reader = Reader(reader.table, layout)
    with reading(both_dbs.switch) as connection:
        raws = read_where(connection, reader, reader.table.c.id > 0)
    extra = rows_from(reader, raws, 0)[0].extra
    assert extra["account"] == "anna\ufffd"
    assert extra["gateway"] == "1.500"


def test_a_missing_column_of_the_module_reads_as_unset(
    both_dbs: Databases, settings: Settings
) -> None:
    _put(both_dbs, [ROW])
    with writing(both_dbs.switch) as connection:
        connection.execute(text("ALTER TABLE acc DROP COLUMN setuptime"))
    reader = _reader(both_dbs, settings)
    with reading(both_dbs.switch) as connection:
        raws = read_where(connection, reader, reader.table.c.id > 0)
    assert rows_from(reader, raws, 0)[0].setuptime == 0
    assert "setuptime" not in json.loads(reader.layout.to_text(raws[0]))
