"""A private PostgreSQL: nothing of the machine's own clusters is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from tests.services import ports, run
from tests.services.server import Server

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    # Durability is not what tests measure; the rest is the server's default.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "max_connections": "200",
    # hundreds of partitions with their indexes in one DROP DATABASE or TRUNCATE
    "max_locks_per_transaction": "1024",
    "autovacuum": "off",
}


def start() -> Server:
    """The run's PostgreSQL; raises MissingService when it is not installed."""
    note = run.shared_service("postgresql", _start)
    return Server("postgresql", note["port"], admin="postgres", password="")


def _start(home: Path) -> dict[str, Any]:
    # Debian keeps the server's programs of each version in a folder of their own.
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    initdb = run.program("initdb", "postgresql", *folders)
    daemon = run.program("postgres", "postgresql", *folders)
    account = run.unprivileged(home, "postgres")
    data = home / "data"
    run.once(
        [
            initdb,
            f"--pgdata={data}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ],
        home=home,
        account=account,
    )
    port = ports.free_port()
    options = {**_OPTIONS, "port": str(port), "unix_socket_directories": str(home)}
    process = run.keeper(
        [daemon, "-D", str(data), *(f"--{key}={value}" for key, value in options.items())],
        log=home.parent / "postgresql.log",
        account=account,
    )
    ports.wait_until(lambda: _answers(port), process=process, timeout=60, what="PostgreSQL")
    return {"port": port, "keeper": process.pid}


def _answers(port: int) -> bool:
    # The port is open while the server still starts up, and refuses who comes.
    try:
        psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres").close()
    except psycopg.OperationalError:
        return False
    return True
