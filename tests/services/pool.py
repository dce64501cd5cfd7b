"""Databases that tests get clean, fast: made once per worker, emptied after each test.

Making our tables takes seconds on MariaDB, emptying the few that a test wrote takes
milliseconds, taking away the days that it stored calls in a little longer. What else a test did
to the tables themselves is noticed, and they are made anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from app.core.database import make_engine
from tests.services.server import Server

Make = Callable[[Engine], object]
Rows = dict[str, list[tuple[Any, ...]]]

_SHAPE = {
    "mariadb": (
        "SELECT c.table_name, c.column_name, c.column_type, c.is_nullable, c.column_default"
        " FROM information_schema.columns c WHERE c.table_schema = DATABASE()"
        " UNION ALL SELECT s.table_name, s.index_name, s.column_name, s.seq_in_index, ''"
        " FROM information_schema.statistics s WHERE s.table_schema = DATABASE()"
        " UNION ALL SELECT p.table_name, p.partition_name, '', '', ''"
        " FROM information_schema.partitions p"
        " WHERE p.table_schema = DATABASE() AND p.partition_name IS NOT NULL"
        " UNION ALL SELECT t.trigger_name, '', '', '', '' FROM information_schema.triggers t"
        " WHERE t.trigger_schema = DATABASE()"
    ),
    "postgresql": (
        "SELECT c.oid::int, a.attname, a.atttypid::int, a.atttypmod, a.attnotnull, c.relchecks,"
        " c.reltriggers"
        " FROM (SELECT oid, relchecks, relkind, relhastriggers::int AS reltriggers FROM pg_class"
        "  WHERE relnamespace = 'public'::regnamespace) c"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 ORDER BY 1, 2"
    ),
}
_PARTITIONS = {
    "mariadb": (
        "SELECT table_name, partition_name FROM information_schema.partitions"
        " WHERE table_schema = DATABASE() AND partition_name IS NOT NULL"
    ),
    "postgresql": (
        "SELECT p.relname, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " JOIN pg_class p ON p.oid = i.inhparent"
        " WHERE p.relkind = 'p' AND p.relnamespace = 'public'::regnamespace"
    ),
}
_TABLES = {
    "mariadb": (
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
    ),
    "postgresql": (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    ),
}


@dataclass
class ServerPool:
    """One worker's databases on a server: ``lend`` gives a clean one, ``take_back`` empties it."""

    server: Server
    worker: str
    _ready: dict[str, _Prepared] = field(default_factory=dict)
    _count: int = 0

    def lend(self, role: str, make: Make) -> str:
        """The URL of a clean database of that role, made by ``make(engine)`` when there is none."""
        if role not in self._ready:
            self._ready[role] = self._prepare(role, make)
        return self.server.url(self._ready[role].name)

    def take_back(self, role: str) -> None:
        """Empties the database; forgets it when the test changed its tables or broke it."""
        prepared = self._ready.get(role)
        try:
            if prepared is not None and prepared.restore():
                return
        except SQLAlchemyError:
            pass
        self._drop(role)

    def close(self) -> None:
        """Drops every database."""
        for role in list(self._ready):
            self._drop(role)

    def _prepare(self, role: str, make: Make) -> _Prepared:
        self._count += 1
        name = f"companion_{self.worker}_{role}_{self._count}"
        self._system(f"CREATE DATABASE {name}")
        engine = make_engine(self.server.url(name))
        try:
            make(engine)
        finally:
            engine.dispose()
        return _Prepared(self.server, name)

    def _drop(self, role: str) -> None:
        prepared = self._ready.pop(role)
        prepared.engine.dispose()
        force = " WITH (FORCE)" if self.server.kind == "postgresql" else ""
        self._system(f"DROP DATABASE {prepared.name}{force}")

    def _system(self, statement: str) -> None:
        engine = create_engine(
            self.server.system_url, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(statement))


class _Prepared:
    """A database with its tables, and what it looked like before any test."""

    def __init__(self, server: Server, name: str) -> None:
        self.kind = server.kind
        self.name = name
        self.engine = create_engine(server.url(name), isolation_level="AUTOCOMMIT")
        with self.engine.connect() as connection:
            self._patience(connection)
            names = connection.execute(text(_TABLES[self.kind])).scalars()
            self.tables = sorted(str(found) for found in names)
            self.baseline: Rows = {t: self._rows(connection, t) for t in self._filled(connection)}
            self.counters = self._counters(connection)
            self.partitions = self._partitions(connection)
            self.created = self._created(connection)
            self.shape = self._shape(connection)

    def restore(self) -> bool:
        """Puts the rows back as they were; False when the tables are not as they were."""
        with self.engine.connect() as connection:
            self._patience(connection)
            self._undo_partitions(connection)
            if self._shape(connection) != self.shape:
                return False
            filled = self._filled(connection)
            changed = [
                t
                for t in {*filled, *self.baseline}
                if t not in self.baseline or self._rows(connection, t) != self.baseline[t]
            ]
            self._empty(connection, changed)
            for table in changed:
                self._fill(connection, table, self.baseline.get(table, []))
            if self.kind == "postgresql":
                self._restore_counters(connection)
        return True

    def _partitions(self, connection: Connection) -> set[tuple[str, str]]:
        found = connection.execute(text(_PARTITIONS[self.kind]))
        return {(str(table), str(partition)) for table, partition in found}

    def _created(self, connection: Connection) -> dict[str, str]:
        """MariaDB cuts days out of two outer partitions; whole again they are as first made."""
        if self.kind != "mariadb":
            return {}
        tables = {table for table, _ in self.partitions}
        return {
            table: str(
                connection.execute(text(f"SHOW CREATE TABLE {self._quoted(table)}")).one()[1]
            )
            for table in tables
        }

    def _undo_partitions(self, connection: Connection) -> None:
        changed = self._partitions(connection) ^ self.partitions
        if self.kind == "postgresql":
            for _, partition in changed - self.partitions:
                connection.execute(text(f"DROP TABLE {self._quoted(partition)}"))
            return
        for table in {table for table, _ in changed} & set(self.created):
            connection.execute(text(f"DROP TABLE {self._quoted(table)}"))
            connection.exec_driver_sql(self.created[table])

    def _patience(self, connection: Connection) -> None:
        # A test that left a lock behind must not stop the run.
        if self.kind == "mariadb":
            connection.execute(
                text("SET lock_wait_timeout = 3, innodb_lock_wait_timeout = 3, sql_mode = ''")
            )
            connection.execute(text("SET foreign_key_checks = 0"))
        else:
            connection.execute(text("SET lock_timeout = '3s'"))
            connection.execute(text("SET session_replication_role = replica"))

    def _filled(self, connection: Connection) -> list[str]:
        if not self.tables:
            return []
        probes = " UNION ALL ".join(
            f"(SELECT '{t}' AS t FROM {self._quoted(t)} LIMIT 1)" for t in self.tables
        )
        return [str(name) for name in connection.execute(text(probes)).scalars()]

    def _rows(self, connection: Connection, table: str) -> list[tuple[Any, ...]]:
        found = connection.execute(text(f"SELECT * FROM {self._quoted(table)}"))
        return sorted((tuple(row) for row in found), key=repr)

    def _empty(self, connection: Connection, tables: list[str]) -> None:
        if not tables:
            return
        if self.kind == "postgresql":
            names = ", ".join(map(self._quoted, tables))
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
            return
        for table in tables:
            connection.execute(text(f"TRUNCATE {self._quoted(table)}"))

    def _fill(self, connection: Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            marks = ", ".join(f":p{number}" for number in range(len(row)))
            connection.execute(
                text(f"INSERT INTO {self._quoted(table)} VALUES ({marks})"),
                {f"p{number}": value for number, value in enumerate(row)},
            )

    def _counters(self, connection: Connection) -> dict[str, int]:
        if self.kind != "postgresql":
            return {}
        found = connection.execute(
            text("SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL")
        )
        return {str(name): int(value) for name, value in found}

    def _restore_counters(self, connection: Connection) -> None:
        for name in {*self._counters(connection), *self.counters}:
            known = self.counters.get(name)
            connection.execute(
                text("SELECT setval(CAST(:name AS regclass), :value, :called)"),
                {"name": f'public."{name}"', "value": known or 1, "called": known is not None},
            )

    def _shape(self, connection: Connection) -> list[tuple[Any, ...]]:
        found = connection.execute(text(_SHAPE[self.kind]))
        return sorted((tuple(row) for row in found), key=repr)

    def _quoted(self, table: str) -> str:
        return f"`{table}`" if self.kind == "mariadb" else f'"{table}"'


@dataclass
class FilePool:
    """SQLite: the tables are made once per worker, each test gets a copy of the file."""

    folder: Path
    _templates: dict[str, Path] = field(default_factory=dict)

    def lend(self, role: str, make: Make, where: Path) -> str:
        """The URL of a fresh copy in ``where``."""
        if role not in self._templates:
            template = self.folder / f"{role}.db"
            engine = make_engine(f"sqlite:///{template}")
            try:
                make(engine)
                with engine.connect() as connection:
                    connection.exec_driver_sql("ROLLBACK")
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                engine.dispose()
            self._templates[role] = template
        copy = where / f"{role}.db"
        shutil.copyfile(self._templates[role], copy)
        return f"sqlite:///{copy}"
