"""How the tables of the tests' databases are made."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.util import find_spec

from sqlalchemy import Engine, MetaData, Table, text

import app
from app.core.database import metadata
from app.opensips.tables import create_opensips_tables


def make_ours(engine: Engine) -> None:
    """Our tables, by the migration that an installation runs."""
    if find_spec("app.core.schema"):
        import_module("app.core.schema").upgrade(engine)
    else:
        _make_without_migration(engine)


def make_stock(engine: Engine) -> None:
    """OpenSIPS's stock tables with the shipped extra columns."""
    create_opensips_tables(engine)


def make_both(engine: Engine) -> None:
    """Both owners' tables in one database, as the embedded default has them."""
    create_opensips_tables(engine)
    make_ours(engine)


def _make_without_migration(engine: Engine) -> None:
    for room in pkgutil.iter_modules(app.__path__):
        if room.name != "opensips" and find_spec(f"app.{room.name}.tables"):
            import_module(f"app.{room.name}.tables")
    copy = MetaData(naming_convention=metadata.naming_convention)
    partitioned: list[Table] = []
    for table in metadata.sorted_tables:
        clone = table.to_metadata(copy)
        if engine.dialect.name in ("mysql", "mariadb"):
            for option in [o for o in clone.dialect_kwargs if o.endswith("_partition_by")]:
                clone.dialect_options["mysql"].pop("partition_by", None)
                clone.dialect_kwargs.pop(option, None)
        elif clone.dialect_options["postgresql"].get("partition_by"):
            partitioned.append(clone)
    with engine.execution_options(writing=True).begin() as connection:
        copy.create_all(connection)
        if engine.dialect.name == "postgresql":
            for table in partitioned:
                connection.execute(
                    text(f"CREATE TABLE {table.name}_rest PARTITION OF {table.name} DEFAULT")
                )
