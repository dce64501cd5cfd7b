"""OpenSIPS's own tables: what stock 3.6 has, and what is really there.

``schema.json`` beside this file holds the stock columns (types as in OpenSIPS's MySQL scripts).
Only the embedded default and tests create tables from it; everywhere else tables are reflected,
since operators add columns to ``acc`` and ``missed_calls``.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    inspect,
    select,
)
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import TypeEngine

from app.core.errors import SwitchTableError
from app.core.words import _

# The table versions that OpenSIPS 3.4, 3.6 and 4.0 write into their ``version`` table.
KNOWN_VERSIONS = {"acc": {7}, "missed_calls": {5}, "dialog": {12}, "dialplan": {5}}

# The columns that the shipped scripts add to acc and missed_calls (opensips_scripts/sql).
EXTRA_COLUMNS = {
    "caller": 64,
    "callee": 64,
    "caller_domain": 128,
    "account": 128,
    "gateway": 64,
    "carrier": 64,
    "src_ip": 45,
    "user_agent": 255,
    "charge_id": 64,
    "routed": 64,
    "asserted": 64,
    "routing_number": 32,
    "trunk": 64,
    "attempt": 8,
    "first_ms": 12,
    "final_ms": 12,
    "pdd_ms": 12,
    "cause": 8,
    "hangup": 8,
}
ACCOUNTING_TABLES = ("acc", "missed_calls")


@cache
def stock_schema() -> dict[str, Any]:
    """The stock tables: name → version, columns, primary key, indexes."""
    text = (Path(__file__).parent / "schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def stock_metadata(*, with_extra_columns: bool = True) -> MetaData:
    """The stock tables as SQLAlchemy tables; accounting tables with our extra columns."""
    metadata = MetaData()
    for name, described in stock_schema().items():
        columns: list[Column[Any]] = [
            _column(column, described["primary_key"]) for column in described["columns"]
        ]
        if with_extra_columns and name in ACCOUNTING_TABLES:
            columns += [Column(extra, String(size)) for extra, size in EXTRA_COLUMNS.items()]
        table = Table(name, metadata, *columns)
        for index in described["indexes"]:
            indexed = [table.c[column] for column in index["columns"]]
            # Index names are global on PostgreSQL and SQLite.
            Index(f"{name}_{index['name']}", *indexed, unique=index.get("unique", False))
    return metadata


def create_opensips_tables(engine: Engine, *, with_extra_columns: bool = True) -> list[str]:
    """Creates the stock tables that are missing, with their ``version`` rows; names them.

    For the embedded demo and for tests: an operator's tables come from OpenSIPS itself.
    ``to_tag`` is made nullable and identifiers are wide enough, as OpenSIPS's MariaDB
    tables should be (see opensips_scripts/sql).
    """
    metadata = stock_metadata(with_extra_columns=with_extra_columns)
    for name in ACCOUNTING_TABLES:
        metadata.tables[name].c.to_tag.nullable = True
        for column in ("callid", "from_tag", "to_tag", "sip_reason"):
            metadata.tables[name].c[column].type = String(255)
    present = set(inspect(engine).get_table_names())
    missing = [table for table in metadata.sorted_tables if table.name not in present]
    with engine.execution_options(writing=True).begin() as connection:
        metadata.create_all(connection, tables=missing)
        version = metadata.tables["version"]
        for table in missing:
            number = stock_schema()[table.name]["version"]
            if number is not None:
                connection.execute(
                    version.insert().values(table_name=table.name, table_version=number)
                )
    return [table.name for table in missing]


def reflect(bind: Engine | Connection, name: str) -> Table:
    """The table as it stands in the database; says so when it is not there."""
    try:
        return Table(name, MetaData(), autoload_with=bind)
    except NoSuchTableError as exc:
        raise SwitchTableError(
            _("The OpenSIPS database has no table '%(name)s'.", name=name),
            _(
                "Point PANEL_OPENSIPS_DATABASE_URL at the database that OpenSIPS uses, or create"
                " its tables with opensips-cli ('flask init --with-opensips-tables' for a trial)."
            ),
        ) from exc


def has_table(bind: Engine | Connection, name: str) -> bool:
    """Whether an optional table is there."""
    return bool(inspect(bind).has_table(name))


def check_version(connection: Connection, name: str) -> int:
    """The table's version; raises SwitchTableError when we have not met that one."""
    version = reflect(connection, "version")
    found = connection.scalar(select(version.c.table_version).where(version.c.table_name == name))
    if found is None or int(found) not in KNOWN_VERSIONS[name]:
        known = ", ".join(map(str, sorted(KNOWN_VERSIONS[name])))
        raise SwitchTableError(
            _(
                "OpenSIPS's table '%(name)s' has version %(found)s; this panel knows %(known)s.",
                name=name,
                found=found,
                known=known,
            ),
            _("Use OpenSIPS 3.4, 3.6 or 4.0, or a newer panel. Nothing was read or changed."),
        )
    return int(found)


def _column(described: dict[str, Any], primary_key: list[str]) -> Column[Any]:
    name = described["name"]
    options: dict[str, Any] = {}
    if described.get("default") is not None and not described.get("auto"):
        options["server_default"] = str(described["default"])
    return Column(
        name,
        _type(described["type"]),
        primary_key=name in primary_key,
        autoincrement=bool(described.get("auto")) or "auto" if name in primary_key else False,
        nullable=bool(described.get("null")),
        **options,
    )


def _type(mysql_type: str) -> TypeEngine[Any]:
    kind, _, rest = mysql_type.partition("(")
    size = int(found.group()) if (found := re.match(r"\d+", rest)) else None
    simple: dict[str, TypeEngine[Any]] = {
        "int": Integer(),
        "smallint": SmallInteger(),
        "bigint": BigInteger().with_variant(Integer(), "sqlite"),
        "float": Float(),
        "datetime": DateTime(),
        "text": Text(),
        "blob": LargeBinary(),
    }
    # OpenSIPS says char; on PostgreSQL its own scripts say varchar, which pads nothing.
    return String(size) if kind == "char" else simple[kind]
