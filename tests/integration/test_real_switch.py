"""The shipped configuration on a real OpenSIPS with MariaDB, driven by sipp.

Runs when ``PANEL_TEST_OPENSIPS`` names an OpenSIPS 3.6 binary that has the modules of
``opensips_scripts/opensips.cfg``. Everything listens on loopback.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from app.opensips.tables import create_opensips_tables
from tests.integration.sipp import Gateway, register, sipp_calls, start_gateway
from tests.integration.switch import SCRIPTS, Switch, free_port, start_switch

BINARY = os.environ.get("PANEL_TEST_OPENSIPS", "")
pytestmark = pytest.mark.skipif(
    not BINARY, reason="PANEL_TEST_OPENSIPS names no OpenSIPS binary"
)

DOMAIN = "example.org"
PASSWORD = "not-a-secret"  # noqa: S105


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
        query = text(f"SELECT * FROM {table} WHERE callid LIKE :prefix ORDER BY id")  # noqa: S608
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


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A private MariaDB with the tables of OpenSIPS; stock ones, altered by our SQL."""
    folder = tmp_path_factory.mktemp("mariadb")
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
        _make_tables(made, folder / "s")
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


def _make_tables(engine: Engine, path: Path) -> None:
    """OpenSIPS's own scripts where they are installed, altered as docs/connect.md says."""
    scripts = Path(BINARY).resolve().parent.parent / "share/opensips/mysql"
    if (scripts / "acc-create.sql").exists():
        names = ["standard", "acc", "auth_db", "dialog", "dialplan", "domain", "drouting"]
        for name in [*names, "permissions", "usrloc"]:
            _sql(path, "opensips", (scripts / f"{name}-create.sql").read_text())
        for ours in ("acc-lossless.mysql.sql", "acc-extra-columns.mysql.sql"):
            _sql(path, "opensips", (SCRIPTS / "sql" / ours).read_text())
    else:
        with suppress(OperationalError):
            create_opensips_tables(engine)


@pytest.fixture(scope="module")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The switch with everything around it, for the tests of this module."""
    workdir = tmp_path_factory.mktemp("switch")
    kinds: dict[str, Any] = {"answer": "answer", "busy": 486, "none": 404, "down": 503}
    kinds["ring"] = "ring"
    gateways = {
        name: start_gateway(free_port(), reply, workdir) for name, reply in kinds.items()
    }
    trunk_port = free_port()
    _provision(engine, gateways, trunk_port)
    switch = None
    try:
        url = engine.url.render_as_string(hide_password=False)
        switch = start_switch(Path(BINARY), url, workdir, ring_seconds=4)
        yield Lab(engine, switch, trunk_port, gateways, workdir)
    finally:
        if switch:
            switch.stop()
        for gateway in gateways.values():
            gateway.stop()


def _provision(engine: Engine, gateways: dict[str, Gateway], trunk_port: int) -> None:
    """Numbers 1… are answered, 2… busy, 3… unknown, 4… fail over, 5… ring, 6… all down."""
    routes = {"1": "answer", "2": "busy", "3": "none", "4": "#both", "5": "ring", "6": "down"}
    with engine.begin() as connection:
        run: Callable[..., Any] = lambda sql, **values: connection.execute(text(sql), values)  # noqa: E731
        run("INSERT INTO domain (domain) VALUES (:d)", d=DOMAIN)
        for name in ("alice", "bob"):
            ha1 = hashlib.md5(f"{name}:{DOMAIN}:{PASSWORD}".encode()).hexdigest()  # noqa: S324
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
        run("INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('both', 'down,answer', 0)")
        for prefix, gwlist in routes.items():
            run(
                "INSERT INTO dr_rules (groupid, prefix, gwlist) VALUES ('0', :p, :g)",
                p=prefix, g=gwlist,
            )  # fmt: skip
        run(
            "INSERT INTO dialplan (dpid, pr, match_op, match_exp, subst_exp, repl_exp, attrs)"
            " VALUES (1, 0, 1, '^00(.*)$', '^00(.*)$', '\\\\1', '')"
        )


def test_answered_calls_leave_one_row_each_with_what_was_dialled(lab: Lab) -> None:
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="0012125550100",
        local_port=lab.trunk_port, count=10, hold_ms=1100,
    )  # fmt: skip
    assert batch.ok, batch.output
    rows = lab.wait_rows("acc", batch.prefix, 10)
    for row in rows:
        assert row["callee"] == "0012125550100", "as dialled, before the dialplan"
        assert (row["account"], row["caller"]) == ("trunk-one", "trunk")
        assert (row["gateway"], row["sip_code"]) == ("answer", "200")
        assert 1000 <= row["ms_duration"] < 1600
        assert row["user_agent"] == "sipp"
        assert row["src_ip"] == "127.0.0.1"
        assert row["caller_domain"] == DOMAIN
    assert len({row["charge_id"] for row in rows}) == 10, "each call has an id of its own"
    assert lab.rows("missed_calls", batch.prefix) == []
    assert lab.gateways["answer"].numbers()[-10:] == ["12125550100"] * 10


def test_a_subscriber_calls_with_his_password_and_is_the_account(lab: Lab) -> None:
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="1333", user="alice", password=PASSWORD,
        local_port=free_port(), hold_ms=200,
    )  # fmt: skip
    assert batch.ok, batch.output
    (row,) = lab.wait_rows("acc", batch.prefix, 1)
    assert (row["caller"], row["account"]) == ("alice", f"alice@{DOMAIN}")


def test_a_wrong_password_is_no_call(lab: Lab) -> None:
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="1333", user="alice", password="wrong",
        local_port=free_port(), expect=407,
    )  # fmt: skip
    assert batch.ok, batch.output
    assert lab.rows("acc", batch.prefix) == []


def test_a_registered_subscriber_is_called_directly(lab: Lab) -> None:
    phone = lab.gateways["answer"].port
    done = register(
        lab.switch.sip_port, lab.workdir, user="bob", password=PASSWORD,
        contact_port=phone, local_port=free_port(),
    )  # fmt: skip
    assert done.ok, done.output
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="bob", user="alice", password=PASSWORD,
        local_port=free_port(), hold_ms=200,
    )  # fmt: skip
    assert batch.ok, batch.output
    (row,) = lab.wait_rows("acc", batch.prefix, 1)
    assert (row["callee"], row["gateway"]) == ("bob", None)


@pytest.mark.parametrize(
    ("number", "expect", "code", "gateway"),
    [("2001", 486, "486", "busy"), ("3001", 404, "404", "none"), ("5001", "cancel", "487", "ring")],
)
def test_a_failed_call_stands_in_both_tables(
    lab: Lab, number: str, expect: Any, code: str, gateway: str
) -> None:
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number=number, local_port=lab.trunk_port,
        count=3, expect=expect, hold_ms=300,
    )  # fmt: skip
    assert batch.ok, batch.output
    for table in ("acc", "missed_calls"):
        for row in lab.wait_rows(table, batch.prefix, 3):
            assert (row["sip_code"], row["gateway"]) == (code, gateway)
            assert (row["callee"], row["account"]) == (number, "trunk-one")


def test_the_ringing_timer_does_not_lose_the_call(lab: Lab) -> None:
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="5002", local_port=lab.trunk_port, expect=408
    )
    assert batch.ok, batch.output
    (row,) = lab.wait_rows("acc", batch.prefix, 1)
    assert row["sip_code"] in {"408", "487"}
    assert row["setuptime"] >= 3


def test_failover_names_the_gateway_that_failed_and_the_one_that_answered(lab: Lab) -> None:
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="4001", local_port=lab.trunk_port, count=5
    )
    assert batch.ok, batch.output
    for row in lab.wait_rows("acc", batch.prefix, 5):
        assert (row["sip_code"], row["gateway"], row["carrier"]) == ("200", "answer", "both")
    for row in lab.wait_rows("missed_calls", batch.prefix, 5):
        assert (row["sip_code"], row["gateway"]) == ("503", "down")


def test_no_gateway_left_and_no_route_are_recorded(lab: Lab) -> None:
    down = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="6001", local_port=lab.trunk_port, expect=500
    )
    assert down.ok, down.output
    assert lab.wait_rows("acc", down.prefix, 1)[0]["sip_code"] == "503"
    lost = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="9001", local_port=lab.trunk_port, expect=404
    )
    assert lost.ok, lost.output
    (row,) = lab.wait_rows("acc", lost.prefix, 1)
    assert (row["sip_code"], row["gateway"], row["to_tag"]) == ("404", None, None)


def test_values_that_fit_no_column_do_not_lose_the_row(lab: Lab) -> None:
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="1444", local_port=lab.trunk_port,
        user="u" * 100, user_agent="caf\udce9 " + "x" * 400, hold_ms=200,
    )  # fmt: skip
    assert batch.ok, batch.output
    (row,) = lab.wait_rows("acc", batch.prefix, 1)
    assert row["caller"] == "u" * 64
    assert row["user_agent"] == "caf? " + "x" * 250


def test_a_call_id_longer_than_the_column_is_refused_not_given_away(lab: Lab) -> None:
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="1444", local_port=lab.trunk_port,
        call_id="c" * 104, expect=400,
    )  # fmt: skip
    assert batch.ok, batch.output
    assert lab.rows("acc", batch.prefix) == []


def test_a_dialplan_change_is_read_by_dp_reload(lab: Lab) -> None:
    with lab.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO dialplan (dpid, pr, match_op, match_exp, subst_exp, repl_exp, attrs)"
                " VALUES (1, 0, 1, '^77(.*)$', '^77(.*)$', '2\\\\1', '')"
            )
        )
    assert lab.switch.mi("dp_reload") == "OK"
    batch = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="77123", local_port=lab.trunk_port, expect=486
    )
    assert batch.ok, batch.output
    assert lab.wait_rows("acc", batch.prefix, 1)[0]["callee"] == "77123"
    assert lab.gateways["busy"].numbers()[-1] == "2123"


def test_mi_takes_a_body_above_the_stock_limit(lab: Lab) -> None:
    with pytest.raises(RuntimeError, match="404"):
        lab.switch.mi("dp_translate", {"dpid": 1, "input": "x" * 15_000})
