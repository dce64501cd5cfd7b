"""Fixtures that every test may use; the servers behind them start when first asked for.

``panel_db`` and ``both_dbs`` run a test on SQLite, MariaDB and PostgreSQL. ``dbs`` is SQLite
only, for what does not depend on the database. ``app``, ``client`` and ``admin_client`` use
``both_dbs`` where the test asks for it too, else ``dbs``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core.database import Databases, make_engine
from tests.services import mariadb, postgresql, run, schemas
from tests.services.pool import FilePool, ServerPool

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser

    from app.core.settings import Settings
    from tests.services.server import Server

REPOSITORY = Path(__file__).resolve().parent.parent
# Recordings of real switches and conformance cases, beside the repository.
SHARED = REPOSITORY.parent / "shared"
KINDS = ("sqlite", "mariadb", "postgresql")
STARTERS: dict[str, Callable[[], Server]] = {
    "mariadb": mariadb.start,
    "postgresql": postgresql.start,
}


def pytest_configure() -> None:
    """The first process owns the run; xdist's workers inherit it."""
    run.begin()


def pytest_unconfigure() -> None:
    """Stops what this run has started."""
    run.end()


def missing(reason: object) -> None:
    """A program is not installed: a failure in CI, a skip on somebody's laptop."""
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(str(reason), pytrace=False)
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The recordings, read-only."""
    if not SHARED.is_dir():
        missing(f"the recordings are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def servers() -> Callable[[str], Server]:
    """``servers("mariadb")``: that private server, started when first asked for."""

    def server(kind: str) -> Server:
        try:
            return STARTERS[kind]()
        except run.MissingService as exc:
            missing(exc)
            raise

    return server


@pytest.fixture(scope="session")
def pools(
    servers: Callable[[str], Server], worker_name: str
) -> Iterator[Callable[[str], ServerPool]]:
    """``pools("mariadb")``: this worker's databases on that server."""
    made: dict[str, ServerPool] = {}

    def pool(kind: str) -> ServerPool:
        if kind not in made:
            made[kind] = ServerPool(servers(kind), worker_name)
        return made[kind]

    yield pool
    for each in made.values():
        each.close()


@pytest.fixture(scope="session")
def worker_name() -> str:
    """Which of xdist's workers this is."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def file_pool(tmp_path_factory: pytest.TempPathFactory) -> FilePool:
    """SQLite files with the tables made."""
    return FilePool(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=KINDS)
def db_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite``, ``mariadb``, ``postgresql``, one after the other."""
    return str(request.param)


class Lender:
    """Lends databases to one test and takes them back when it is over."""

    def __init__(
        self, files: FilePool, pools: Callable[[str], ServerPool], where: Path, stack: ExitStack
    ) -> None:
        self.files, self.pools, self.where, self.stack = files, pools, where, stack

    def url(self, kind: str, role: str) -> str:
        """A clean database: role ``panel`` (ours), ``switch`` (stock) or ``both``."""
        make = {
            "panel": schemas.make_ours,
            "switch": schemas.make_stock,
            "both": schemas.make_both,
            "empty": lambda _engine: None,
        }[role]
        if kind == "sqlite":
            return self.files.lend(role, make, self.where)
        pool = self.pools(kind)
        url = pool.lend(role, make)
        self.stack.callback(pool.take_back, role)
        return url

    def databases(self, panel_url: str, switch_url: str | None = None) -> Databases:
        """Engines for the URLs, disposed before the databases are taken back."""
        panel = make_engine(panel_url)
        self.stack.callback(panel.dispose)
        if switch_url is None or switch_url == panel_url:
            return Databases(panel, panel)
        switch = make_engine(switch_url)
        self.stack.callback(switch.dispose)
        return Databases(panel, switch)


@pytest.fixture
def lender(
    file_pool: FilePool, pools: Callable[[str], ServerPool], tmp_path: Path
) -> Iterator[Lender]:
    """For tests that want databases in a combination of their own."""
    with ExitStack() as stack:
        yield Lender(file_pool, pools, tmp_path, stack)


@pytest.fixture
def panel_db(db_kind: str, lender: Lender) -> Databases:
    """Our tables only, clean, on each kind of database; ``switch`` is the same engine."""
    return lender.databases(lender.url(db_kind, "panel"))


@pytest.fixture
def both_dbs(db_kind: str, lender: Lender) -> Databases:
    """Our tables and, in a second database, OpenSIPS's; on each kind of database."""
    return lender.databases(lender.url(db_kind, "panel"), lender.url(db_kind, "switch"))


@pytest.fixture
def dbs(lender: Lender) -> Databases:
    """The embedded default: one SQLite file with both owners' tables."""
    return lender.databases(lender.url("sqlite", "both"))


@pytest.fixture
def databases(request: pytest.FixtureRequest) -> Databases:
    """What ``app`` runs on: ``both_dbs`` or ``panel_db`` where asked for, else ``dbs``."""
    for name in ("both_dbs", "panel_db"):
        if name in request.fixturenames:
            found: Databases = request.getfixturevalue(name)
            return found
    default: Databases = request.getfixturevalue("dbs")
    return default


@pytest.fixture
def test_env(databases: Databases, tmp_path: Path) -> dict[str, str]:
    """The environment that ``settings`` reads; also fit for a subprocess."""
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    return {
        "PANEL_DATA_DIR": str(data),
        "PANEL_DATABASE_URL": databases.panel.url.render_as_string(hide_password=False),
        "PANEL_OPENSIPS_DATABASE_URL": databases.switch.url.render_as_string(hide_password=False),
        "PANEL_SECRET_KEY": "only-for-tests-0123456789abcdef0123456789",
        "PANEL_INSECURE_COOKIES": "1",
        "PANEL_COUNTRY": "49",
        "PANEL_TRUNK_PREFIX": "0",
        "PANEL_SETTLING_SECONDS": "2",
    }


@pytest.fixture
def settings(test_env: dict[str, str]) -> Settings:
    """Settings for the test's databases."""
    from app.core.settings import load

    return load(test_env)


@pytest.fixture
def app(settings: Settings, databases: Databases) -> Flask:
    """The application on the test's databases."""
    from app import create_app

    made = create_app(settings)
    fresh: Databases = made.extensions["databases"]
    fresh.panel.dispose()
    fresh.switch.dispose()
    made.extensions["databases"] = databases
    made.config["TESTING"] = True
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor who is not logged in; CSRF is checked as in production."""
    return app.test_client()


@pytest.fixture
def admin_client(app: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A signed-in administrator; its ``csrf`` is what forms and headers must carry."""
    from argon2 import PasswordHasher

    from app.identity import operators
    from tests.identity.people import sign_in

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(operators, "_hasher", cheap)
    return sign_in(app, "admin")


@pytest.fixture
def browser() -> Iterator[Browser]:
    """The distribution's Chromium, headless."""
    from tests.services import chromium

    try:
        with chromium.browser() as started:
            yield started
    except run.MissingService as exc:
        missing(exc)


@pytest.fixture(scope="session", autouse=True)
def _temporary_folder_is_private() -> None:
    """SQLite's and Chromium's temporary files stay out of the repository."""
    assert not Path(tempfile.gettempdir()).is_relative_to(REPOSITORY)
