"""The example grants on real servers: what each database user may do, and what it may not."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app import create_app, invariants
from app.cdr.partitions import Partitions
from app.core import clock, schema
from app.core.database import Databases, make_engine, reading, writing
from app.core.settings import load
from app.identity import audit
from app.mediation.source import ensure_source
from app.opensips.tables import create_opensips_tables, reflect
from app.retention import decisions, purge, run
from app.rounds import Runner
from tests.cdr import calls
from tests.conftest import missing
from tests.identity.people import sign_in
from tests.pipeline import recorded
from tests.provisioning import scene
from tests.services.server import Server

ROOT = Path(__file__).parents[2]
GRANTS = ROOT / "docs" / "examples" / "grants"
USERS = ("owner", "worker", "web")
ALL_USERS = (*USERS, "purge")
NAMES = ("panel", "opensips")
# SQL that none of the run-time users may run, on the panel's and on OpenSIPS's database.
FORBIDDEN_PANEL = (
    "DROP TABLE account",
    "ALTER TABLE account ADD COLUMN x INTEGER",
    "ALTER TABLE audit ADD COLUMN x INTEGER",
    "UPDATE audit SET actor = 'nobody'",
    "DELETE FROM audit",
    "UPDATE alembic_version SET version_num = '0001'",
    "TRUNCATE TABLE audit",
)
FORBIDDEN_SWITCH = (
    "DELETE FROM acc",
    "UPDATE acc SET sip_code = '200'",
    "INSERT INTO version (table_name, table_version) VALUES ('x', 1)",
    "DELETE FROM subscriber",
    "SELECT * FROM address",
    "DROP TABLE dialplan",
    "ALTER TABLE dialplan ADD COLUMN x INTEGER",
    "CREATE TABLE mine (x INTEGER)",
)
MAKE = "CREATE TABLE mine (x INTEGER)"
# MariaDB shows the columns of a table only to who may read all of them.
SECRETS = ("SELECT password FROM subscriber", "SELECT ha1 FROM subscriber")


class Granted:
    """A server with both databases, made and used by the users of the example."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self.server, self.stack = server, stack
        self.kind = server.kind

    def apply(self) -> None:
        """Runs the file with the server's own client, as the administrator."""
        port, file = str(self.server.port), GRANTS / f"{self.kind}.sql"
        if self.kind == "mariadb":
            command = ["mariadb", "--protocol=tcp", "-h", "127.0.0.1", "-P", port, "-u", "root"]
        else:
            command = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", port, "-U", "postgres"]
            command += ["-v", "ON_ERROR_STOP=1", "-d", "panel", "-f", str(file)]
        if shutil.which(command[0]) is None:
            missing(f"{command[0]} is not installed")
        with file.open() as script:
            done = subprocess.run(
                command, stdin=script, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stderr

    def databases(self, user: str) -> Databases:
        """Engines of both databases, as one of the users."""
        urls = [self.server.url_for(f"companion_{user}", "choose-one", name) for name in NAMES]
        engines = [make_engine(url) for url in urls]
        for engine in engines:
            self.stack.callback(engine.dispose)
        return Databases(*engines)

    def system(self, *statements: str) -> None:
        engine = create_engine(
            self.server.system_url, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def forget(self) -> None:
        force = " WITH (FORCE)" if self.kind == "postgresql" else ""
        host = "@'127.0.0.1'" if self.kind == "mariadb" else ""
        self.system(
            *(f"DROP DATABASE IF EXISTS {name}{force}" for name in NAMES),
            *(f"DROP USER IF EXISTS companion_{user}{host}" for user in ALL_USERS),
        )
        if self.kind == "postgresql":
            self.system("DROP ROLE IF EXISTS companion_days")


@pytest.fixture(params=("mariadb", "postgresql"))
def granted(
    request: pytest.FixtureRequest,
    servers: Callable[[str], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Granted]:
    with ExitStack() as stack:
        made = Granted(servers(request.param), stack)
        # The names are those of the example, and the server is one for all processes of the run.
        lock = tmp_path_factory.getbasetemp().parent / f"grants-{made.server.port}"
        fcntl.flock(stack.enter_context(lock.open("w")), fcntl.LOCK_EX)
        made.forget()
        stack.callback(made.forget)
        made.system(*(f"CREATE DATABASE {name}" for name in NAMES))
        switch = make_engine(made.server.url("opensips"))
        create_opensips_tables(switch)
        switch.dispose()
        made.apply()
        schema.upgrade(made.databases("owner").panel)
        made.apply()
        yield made


def refused(dbs: Databases, panel: tuple[str, ...], switch: tuple[str, ...]) -> None:
    """Each of these statements is refused for want of a right, not for another reason."""
    for engine, statements in ((dbs.panel, panel), (dbs.switch, switch)):
        for statement in statements:
            with pytest.raises(DBAPIError) as told, writing(engine) as connection:
                connection.execute(text(statement))
            cause = str(told.value.orig).lower()
            assert any(word in cause for word in ("denied", "must be owner")), (statement, cause)


def test_each_user_does_its_work_and_nothing_else(
    granted: Granted, shared_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, worker, web = (granted.databases(user) for user in USERS)
    env = {
        "PANEL_DATA_DIR": str(tmp_path),
        "PANEL_SECRET_KEY": "only-for-tests-0123456789abcdef0123456789",
        "PANEL_DATABASE_URL": web.panel.url.render_as_string(hide_password=False),
        "PANEL_OPENSIPS_DATABASE_URL": web.switch.url.render_as_string(hide_password=False),
        "PANEL_INSECURE_COOKIES": "1",
        "PANEL_SETTLING_SECONDS": "2",
    }
    settings = replace(load(env), country="49")
    switch = make_engine(granted.server.url("opensips"))
    granted.stack.callback(switch.dispose)
    recorded.load(Databases(owner.panel, switch), recorded.scenarios(shared_dir))

    # The worker mediates and prices, in partitions that it makes.
    recorded.price_alice(worker)
    Runner(worker, settings).to_the_end(lambda _rows: None)
    findings = list(invariants.check(worker, settings, offline=True))
    assert [found for found in findings if found.violations] == []
    assert findings[0].checked == 47

    # One user may remove the switch's rows, and nothing else; the worker may not.
    url = granted.server.url_for("companion_purge", "choose-one", "opensips")
    purger = make_engine(url)
    granted.stack.callback(purger.dispose)
    wish = purge.Wish(days=2, pause_s=0)
    later = clock.now_ms() + 40 * clock.DAY
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now_ms", lambda: later)
        with pytest.raises(purge.MayNotDelete, match="PANEL_ACC_PURGE_DATABASE_URL"):
            purge.run(worker, worker.switch, wish)
        assert sum(purge.run(worker, purger, wish).removed.values()) > 20
    for statement in ("DELETE FROM dialplan", "SELECT * FROM subscriber", "DROP TABLE acc"):
        with pytest.raises(DBAPIError, match="(?i)denied|owner"), writing(purger) as connection:
            connection.execute(text(statement))
    # Partitions are the worker's to drop.
    calls.put(worker, calls.failed(setup_at=clock.now_ms() - 99 * clock.DAY, acc_ids=""))
    with writing(worker.panel) as connection:
        decisions.decide(connection, {"failed": 60}, keep_digits=6, by="ann")
    assert sum(count for _, count in run.to_the_end(worker)) == 1

    # The web signs people in, shows all, and writes what is edited.
    app = create_app(load(env))
    for engine in (app.extensions["databases"].panel, app.extensions["databases"].switch):
        granted.stack.callback(engine.dispose)
    client = sign_in(app, "admin")
    with writing(switch) as connection:
        for name, row in (("subscriber", {"username": "u"}), ("dr_gateways", {"gwid": "g"})):
            table = reflect(connection, name)
            needed = {"domain": "d", "password": "p", "address": "a", "type": 0}
            connection.execute(
                table.insert().values(row | {k: v for k, v in needed.items() if k in table.c})
            )
    pages = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments
    ]
    assert {"/subscribers", "/gateways"} <= set(pages)
    # There is no provider that could send a browser back, no worker, and no subscriber signed in.
    not_here = {"/readyz", "/login/openid/back"}
    csrf = {"X-CSRFToken": client.csrf}
    for page in [*pages, "/subscribers/1", "/gateways/1"]:
        answer = client.get(page, headers=csrf)
        # Operations of the API that need a parameter say so.
        wrong = answer.status_code >= (401 if page.startswith("/api/") else 400)
        assert not wrong or page in not_here, (page, answer.text)
        assert "denied" not in answer.text.lower(), page
    for dbs in (web, worker):
        kept = scene.submit(dbs, settings, scene.adding(dbs, dpid=9))
        assert kept.state == "written", kept.problem
        with writing(dbs.panel) as connection:
            audit.record(connection, action="test", object="test:1")

    switch_rules = FORBIDDEN_SWITCH + (SECRETS if granted.kind == "postgresql" else ())
    refused(web, (*FORBIDDEN_PANEL, MAKE), switch_rules)
    # On PostgreSQL a partition is a table: who may make one may make the other.
    refused(worker, FORBIDDEN_PANEL + ((MAKE,) if granted.kind == "mariadb" else ()), switch_rules)
    refused(web, ("ALTER TABLE cdr_failed ADD COLUMN x INTEGER", "DROP TABLE cdr_failed"), ())
    refused(owner, (), (*switch_rules, "DELETE FROM dialplan"))
    with reading(worker.panel) as connection:
        # the file of calls that the API gave, two purges and a decision are noted too
        assert connection.scalar(text("SELECT COUNT(*) FROM audit")) == 7


def test_other_databases_are_out_of_reach(granted: Granted) -> None:
    granted.system("CREATE DATABASE neighbours")
    granted.stack.callback(lambda: granted.system("DROP DATABASE neighbours"))
    engine = make_engine(granted.server.url("neighbours"))
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE secrets (x INTEGER)"))
    engine.dispose()
    for user in USERS:
        url = granted.server.url_for(f"companion_{user}", "choose-one", "neighbours")
        other = make_engine(url)
        granted.stack.callback(other.dispose)
        with pytest.raises(Exception, match="(?i)denied"), reading(other) as connection:
            connection.execute(text("SELECT * FROM secrets"))
        other.dispose()


def test_the_owner_migrates_down_and_up(granted: Granted) -> None:
    owner, worker = granted.databases("owner"), granted.databases("worker")
    now = clock.now_ms()
    Partitions(worker.panel).ensure([now - 400 * clock.DAY, now], now)
    schema.downgrade(owner.panel, "0005")
    schema.upgrade(owner.panel)
    granted.apply()
    with writing(worker.panel) as connection:
        assert ensure_source(connection, load({"PANEL_SECRET_KEY": "x" * 40})).id == 1
    Partitions(worker.panel).ensure([now], now)
