"""A database server of the test run, and how to reach its databases."""

from __future__ import annotations

from dataclasses import dataclass

DRIVERS = {"mariadb": "mysql+pymysql", "postgresql": "postgresql+psycopg"}


@dataclass(frozen=True, slots=True)
class Server:
    """One private server; ``admin`` may do everything, and what the app does it does as admin."""

    kind: str
    port: int
    admin: str
    password: str

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases, as the administrator."""
        return self.url_for(self.admin, self.password, database)

    def url_for(self, user: str, password: str, database: str) -> str:
        """The SQLAlchemy URL of one of its databases, as another user."""
        secret = f":{password}" if password else ""
        return f"{DRIVERS[self.kind]}://{user}{secret}@127.0.0.1:{self.port}/{database}"

    @property
    def system_url(self) -> str:
        """Where one creates and drops databases."""
        return self.url("mysql" if self.kind == "mariadb" else "postgres")
