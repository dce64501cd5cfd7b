"""What the demo switch holds in memory, and how reloads change it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.database import reading
from app.core.errors import CompanionError
from app.opensips.simulator import dialplan, lists, reports, routes
from app.opensips.simulator.dialogs import Dialogs
from app.opensips.simulator.errors import MiFailure, handler_failed
from app.opensips.simulator.tables import TABLES

Rows = list[dict[str, Any]]


class Node:
    """The memory of one OpenSIPS. A reload that fails leaves the old data at work."""

    def __init__(self, engine: Engine, dialogs: Dialogs) -> None:
        self.engine, self.dialogs = engine, dialogs
        self.started_ms = clock.now_ms()
        self.reports = reports.Reports(dialogs.zone)
        self.dialplan = dialplan.Dialplan({})
        self.routes: routes.Routes | None = None
        self.dispatcher: lists.Dispatcher | None = None
        self.hosts: Rows = []
        self.networks: Rows = []
        self.domains: Rows = []
        self.routes_loaded_ms = self.started_ms

    def load_all(self) -> None:
        """As at the start of OpenSIPS."""
        self.reload_dialplan()
        self.reload_routes(inherit=False)
        self.reload_dispatcher()
        self.reload_addresses()
        self.reload_domains()

    def reload_dialplan(self) -> None:
        """dp_reload."""
        rows = self._reported("dialplan", "dialplan", handler_failed())
        self.dialplan = dialplan.load(rows)
        self.reports.add(
            "dialplan",
            reports.DONE,
            f"{self.dialplan.loaded} rules loaded ({self.dialplan.skipped} discarded)",
        )

    def reload_routes(self, *, inherit: bool) -> None:
        """dr_reload; ``inherit`` keeps states that were set through MI."""
        failure = MiFailure(500, "Failed to reload")
        gateways = self._reported("drouting", "dr_gateways", failure)
        carriers = self._rows("dr_carriers", failure)
        rules = self._rows("dr_rules", failure)
        self.routes = routes.load(gateways, carriers, rules, self.routes if inherit else None)
        counts = (
            (len(self.routes.gateways), len(gateways), "gateways"),
            (len(self.routes.carriers), len(carriers), "carriers"),
            (self.routes.loaded, len(rules), "rules"),
        )
        self.reports.add(
            "drouting",
            reports.DONE,
            ", ".join(f"{n} {what} loaded ({of - n} discarded)" for n, of, what in counts),
        )
        self.routes_loaded_ms = clock.now_ms()

    def reload_dispatcher(self) -> None:
        """ds_reload."""
        failure = MiFailure(500, "ERROR Reloading data")
        rows = self._reported("dispatcher", "dispatcher", failure)
        self.dispatcher = lists.Dispatcher(rows, self.dispatcher)
        self.reports.add(
            "dispatcher", reports.DONE, f"{len(rows)} destinations loaded (0 discarded)"
        )

    def reload_addresses(self) -> None:
        """address_reload."""
        failure = MiFailure(400, "failed to reload partition  default!")
        self.hosts, self.networks = lists.address_rows(self._rows("address", failure))

    def reload_domains(self) -> None:
        """domain_reload."""
        rows = self._rows("domain", MiFailure(500, "Domain table reload failed"))
        self.domains = lists.domain_rows(rows)

    def contacts(self, brief: bool) -> dict[str, Any]:
        """ul_dump. The phones of the demo register by rows, so that is where contacts are."""
        rows = self._rows("location", handler_failed())
        return lists.location(rows, clock.now_ms() // 1000, brief)

    def ctime(self, instant_ms: int) -> str:
        """Local time as C's ctime writes it."""
        return reports.ctime(instant_ms, self.dialogs.zone)

    def _reported(self, group: str, table: str, failure: MiFailure) -> Rows:
        self.reports.add(group, reports.STARTING)
        try:
            return self._rows(table, failure)
        except MiFailure:
            self.reports.add(group, reports.FAILED)
            raise

    def _rows(self, table: str, failure: MiFailure) -> Rows:
        try:
            with reading(self.engine) as connection:
                found = connection.execute(TABLES[table].select()).mappings().all()
        except (SQLAlchemyError, CompanionError) as exc:
            raise failure from exc
        return [dict(row) for row in found]
