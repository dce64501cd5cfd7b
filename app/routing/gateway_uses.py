"""Which carriers and rules of dynamic routing lead to a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, or_, select
from sqlalchemy.exc import DBAPIError

from app.core.patience import hurried
from app.core.words import _, _l
from app.opensips.tables import has_table, reflect

# dr_gateways.state → its word and its tone
STATES: dict[int, tuple[Any, str]] = {
    0: (_l("in use"), "ok"),
    1: (_l("disabled"), "quiet"),
    2: (_l("probed"), "warn"),
}
# Rules that are shown; a switch may have a hundred thousand of them.
MOST = 50
_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Uses:
    """Rows of ``dr_carriers`` and ``dr_rules``; ``trouble`` says why there may be more rules."""

    carriers: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    trouble: str = ""


def of(engine: Engine, gwid: str) -> Uses:
    """The carriers that have the gateway, and rules that name it or one of them."""
    carriers: list[dict[str, Any]] = []
    try:
        with hurried(engine, _PATIENCE_S) as connection:
            carriers = _naming(connection, "dr_carriers", [gwid])
            names = [gwid, *(f"#{row['carrierid']}" for row in carriers)]
            rules = _naming(connection, "dr_rules", names)
    except DBAPIError:
        return Uses(carriers, [], _("There are too many rules to look through all of them here."))
    return Uses(carriers, rules)


def members(gwlist: str | None) -> list[str]:
    """The gateways and ``#carriers`` of a ``gwlist``: ``gw1=50,gw2;#c1`` without their weights."""
    parts = (gwlist or "").replace(";", ",").split(",")
    return [part.partition("=")[0].strip() for part in parts if part.strip()]


def _naming(connection: Connection, name: str, wanted: list[str]) -> list[dict[str, Any]]:
    """Rows whose gwlist has one of the names."""
    if not has_table(connection, name):
        return []
    table = reflect(connection, name)
    like = or_(*(table.c.gwlist.contains(one, autoescape=True) for one in wanted))
    order = table.c.prefix if "prefix" in table.c else table.c.carrierid
    rows = connection.execute(select(table).where(like).order_by(order)).mappings()
    found: list[dict[str, Any]] = []
    for row in rows:
        if set(members(row["gwlist"])) & set(wanted):
            found.append(dict(row))
        if len(found) >= MOST:
            break
    return found
