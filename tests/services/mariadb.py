"""A private MariaDB: nothing of the machine's own configuration or data is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.services import ports, run
from tests.services.server import Server

# Durability is not what tests measure; the rest is the server's default.
_OPTIONS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--innodb-use-native-aio=OFF",
    "--innodb-buffer-pool-size=256M",
    "--innodb-log-file-size=64M",
    "--character-set-server=utf8mb4",
    "--max-connections=300",
    "--table-open-cache=4000",
)


def start() -> Server:
    """The run's MariaDB; raises MissingService when it is not installed."""
    note = run.shared_service("mariadb", _start)
    return Server("mariadb", note["port"], admin="root", password="")


def _start(home: Path) -> dict[str, Any]:
    install = run.program("mariadb-install-db", "mariadb-server")
    daemon = run.program("mariadbd", "mariadb-server")
    account = run.unprivileged(home, "mysql")
    data = home / "data"
    run.once(
        [
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        home=home,
        account=account,
    )
    port = ports.free_port()
    process = run.keeper(
        [
            daemon,
            "--no-defaults",
            f"--datadir={data}",
            f"--socket={home / 'socket'}",
            f"--pid-file={home / 'pid'}",
            f"--port={port}",
            f"--tmpdir={home}",
            *_OPTIONS,
        ],
        log=home.parent / "mariadb.log",
        account=account,
    )
    ports.wait_until(lambda: ports.is_open(port), process=process, timeout=60, what="MariaDB")
    return {"port": port, "keeper": process.pid}
