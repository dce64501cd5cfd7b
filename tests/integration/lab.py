"""A whole trial: private MariaDB, real OpenSIPS with the shipped configuration, sipp around it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from app.opensips.tables import create_opensips_tables
from tests.integration.sipp import Gateway, Reply, start_gateway
from tests.integration.switch import SCRIPTS, Switch, free_port, is_free, start_switch

DOMAIN = "example.org"
PASSWORD = "not-a-secret"
PROVISIONED = (
    "domain",
    "subscriber",
    "address",
    "dialplan",
    "dr_gateways",
    "dr_carriers",
    "dr_rules",
)


@dataclass(frozen=True)
class Lab:
    """A switch with its database, one trunk, two subscribers and a gateway of each kind."""

    engine: Engine
    switch: Switch
    trunk_port: int
    gateways: dict[str, Gateway]
    workdir: Path

    def rows(self, table: str, prefix: str) -> list[dict[str, Any]]:
        """The rows of the calls with this Call-ID prefix, oldest first."""
        query = text(f"SELECT * FROM {table} WHERE callid LIKE :prefix ORDER BY id")
        with self.engine.connect() as connection:
            found = connection.execute(query, {"prefix": f"{prefix}-%"})
            return [dict(row) for row in found.mappings()]

    def wait_rows(self, table: str, prefix: str, count: int) -> list[dict[str, Any]]:
        """The same, as soon as there are ``count`` of them; fails with the switch's log."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            rows = self.rows(table, prefix)
            if len(rows) >= count:
                break
            time.sleep(0.1)
        assert len(rows) == count, f"{rows}\n{self.switch.log[-2000:]}"
        return rows


@contextmanager
def private_mariadb(binary: Path, folder: Path) -> Iterator[Engine]:
    """A private MariaDB with the tables of OpenSIPS; stock ones, altered by our SQL."""
    port = free_port()
    common = ["--no-defaults", f"--datadir={folder}/data", "--user=root"]
    subprocess.run(
        ["mariadb-install-db", *common, "--auth-root-authentication-method=normal"],
        check=True,
        capture_output=True,
    )
    server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    command = [server, *common, f"--port={port}", "--bind-address=127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--socket={folder}/s"], stdout=log, stderr=log)
    try:
        _make_database(folder / "s")
        url = f"mysql+pymysql://opensips:opensips@127.0.0.1:{port}/opensips"
        made = create_engine(url)
        _make_tables(made, folder / "s", binary)
        yield made
        made.dispose()
    finally:
        process.terminate()
        process.wait(20)


def _sql(path: Path, database: str, script: str) -> None:
    subprocess.run(
        ["mariadb", "--no-defaults", f"--socket={path}", "-uroot", database],
        input=script.encode(),
        check=True,
        capture_output=True,
    )


def _make_database(path: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            _sql(
                path,
                "mysql",
                "CREATE DATABASE opensips;"
                "CREATE USER opensips@'127.0.0.1' IDENTIFIED BY 'opensips';"
                "GRANT ALL ON opensips.* TO opensips@'127.0.0.1';",
            )
            return
        except subprocess.CalledProcessError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _make_tables(engine: Engine, path: Path, binary: Path) -> None:
    """OpenSIPS's own scripts where they are installed, altered as docs/connect.md says."""
    scripts = binary.resolve().parent.parent / "share/opensips/mysql"
    if (scripts / "acc-create.sql").exists():
        names = [
            "standard",
            "acc",
            "auth_db",
            "dialog",
            "dialplan",
            "domain",
            "drouting",
        ]
        for name in [*names, "permissions", "usrloc"]:
            _sql(path, "opensips", (scripts / f"{name}-create.sql").read_text())
        for ours in ("acc-lossless", "acc-extra-columns", "acc-attempt-columns"):
            _sql(path, "opensips", (SCRIPTS / f"sql/{ours}.mysql.sql").read_text())
    else:
        create_opensips_tables(engine)


@contextmanager
def running_lab(
    binary: Path, engine: Engine, workdir: Path, *, charging: str | None = None
) -> Iterator[Lab]:
    """The switch on ``engine``'s database (its routing tables are filled anew), and gateways."""
    kinds: dict[str, Reply] = {
        "answer": "answer",
        "busy": 486,
        "none": 404,
        "down": 503,
        "also-down": 503,
        "moved": 302,
        "hangup": "hangup",
    }
    kinds["ring"] = "ring"
    gateways = {name: start_gateway(free_port(), kind, workdir) for name, kind in kinds.items()}
    # PostgreSQL's stock address.port is a signed smallint.
    trunk_port = next(port for port in range(20_000, 30_000) if is_free(port))
    switch = None
    try:
        _provision(engine, gateways, trunk_port)
        url = engine.url.render_as_string(hide_password=False)
        switch = start_switch(binary, url, workdir, charging=charging, ring_seconds=4)
        yield Lab(engine, switch, trunk_port, gateways, workdir)
    finally:
        if switch:
            switch.stop()
        for gateway in gateways.values():
            gateway.stop()


def _provision(engine: Engine, gateways: dict[str, Gateway], trunk_port: int) -> None:
    """Numbers 1… are answered, 2… busy, 3… unknown, 4… fail over, 5… ring, 6… and 7… all down,
    8… is redirected, 0… answered by one who hangs up.
    """
    routes = {
        "1": "answer",
        "2": "busy",
        "3": "none",
        "4": "#both",
        "5": "ring",
        "6": "down",
        "7": "#none",
        "8": "moved",
        "0": "hangup",
    }
    with engine.begin() as connection:

        def run(sql: str, **values: Any) -> None:
            connection.execute(text(sql), values)

        for table in PROVISIONED:
            run(f"DELETE FROM {table}")
        run("INSERT INTO domain (domain) VALUES (:d)", d=DOMAIN)
        for name in ("alice", "bob"):
            ha1 = hashlib.md5(f"{name}:{DOMAIN}:{PASSWORD}".encode()).hexdigest()
            run(
                "INSERT INTO subscriber (username, domain, ha1) VALUES (:u, :d, :h)",
                u=name, d=DOMAIN, h=ha1,
            )  # fmt: skip
        run(
            "INSERT INTO address (grp, ip, mask, port, proto, context_info)"
            " VALUES (1, '127.0.0.1', 32, :p, 'any', 'trunk-one')",
            p=trunk_port,
        )
        for name, gateway in gateways.items():
            run(
                "INSERT INTO dr_gateways (gwid, type, address) VALUES (:n, 0, :a)",
                n=name, a=f"127.0.0.1:{gateway.port}",
            )  # fmt: skip
        for name, gwlist in (("both", "down,answer"), ("none", "down,also-down")):
            run(
                "INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES (:n, :g, 0)",
                n=name, g=gwlist,
            )  # fmt: skip
        for prefix, gwlist in routes.items():
            run(
                "INSERT INTO dr_rules (groupid, prefix, gwlist) VALUES ('0', :p, :g)",
                p=prefix, g=gwlist,
            )  # fmt: skip
        run(
            "INSERT INTO dialplan (dpid, pr, match_op, match_exp, subst_exp, repl_exp, attrs)"
            " VALUES (1, 0, 1, :m, :m, :r, '')",
            m="^00(.*)$",
            r=r"\1",
        )
