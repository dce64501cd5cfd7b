"""Gateways of dynamic routing, and who uses each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import or_, select

from app.api.operations import Call, Param, Reply, operation
from app.api.schema import Shape, maybe, several, text, whole
from app.core.context import databases
from app.core.database import LARGEST_ID, reading
from app.core.errors import DatabaseUnavailable, NotFound
from app.core.words import _
from app.opensips.tables import reflect
from app.routing import gateway_figures, gateway_uses

_NAMES = ("id", "gwid", "address", "description", "type", "strip", "pri_prefix", "attrs", "state")
GATEWAY = Shape(
    "Gateway",
    {
        "id": whole(1, LARGEST_ID),
        "gwid": text(64),
        "address": text(128),
        "description": maybe(text(128)),
        "type": whole(),
        "strip": whole(),
        "pri_prefix": maybe(text(16)),
        "attrs": maybe(text(255)),
        "state": whole(0, 2, description="0 in use, 1 disabled, 2 probed"),
    },
    {
        "id": 1,
        "gwid": "gw1",
        "address": "sip:192.0.2.20",
        "description": "blue carrier, Berlin",
        "type": 1,
        "strip": 0,
        "pri_prefix": None,
        "attrs": None,
        "state": 0,
    },
)
USES = Shape(
    "GatewayUses",
    {"carriers": several(text(64)), "rules": several(whole(1)), "trouble": text(500)},
    {"carriers": ["blue"], "rules": [3], "trouble": ""},
)

FIGURES = Shape(
    "GatewayFigures",
    {
        "attempts": whole(),
        "answered": whole(),
        "asr_permille": maybe(whole(0, 1000)),
        "ner_permille": maybe(whole(0, 1000)),
        "pdd_ms": maybe(whole(0, description="Mean delay until it rang, in milliseconds.")),
        "capped": {"type": "boolean"},
    },
    {
        "attempts": 420,
        "answered": 260,
        "asr_permille": 619,
        "ner_permille": 902,
        "pdd_ms": 1840,
        "capped": False,
    },
)


@operation(
    "GET",
    "/gateways",
    "gateway.read",
    "List gateways, by name",
    params=(Param("q", text(255, 1), "Text in name, address or description."),),
    answer=GATEWAY,
    lists=True,
    screens=("gateways.index",),
)
def index(call: Call) -> Reply:
    """One page of them."""
    with reading(databases().switch) as connection:
        table = reflect(connection, "dr_gateways")
        query = select(*(table.c[name] for name in _NAMES))
        if "q" in call.query:
            searched = (table.c.gwid, table.c.address, table.c.description)
            like = (column.icontains(call.query["q"], autoescape=True) for column in searched)
            query = query.where(or_(*like))
        found = call.page(connection, query, {"gwid": table.c.gwid, "id": table.c.id})
    return call.listed(found.rows, found.older, dict)


@operation(
    "GET",
    "/gateways/{gateway_id}",
    "gateway.read",
    "One gateway",
    answer=GATEWAY,
    etag=True,
    screens=("gateways.show",),
)
def one(call: Call) -> dict[str, Any]:
    """As OpenSIPS's table has it."""
    return dict(_row(call))


@operation(
    "GET",
    "/gateways/{gateway_id}/uses",
    "gateway.read",
    "Carriers and routing rules that lead to a gateway",
    answer=USES,
    screens=("gateways.show",),
)
def uses(call: Call) -> dict[str, Any]:
    """``trouble`` says why there may be more rules."""
    found = gateway_uses.of(databases().switch, _row(call)["gwid"])
    return {
        "carriers": [str(row["carrierid"]) for row in found.carriers],
        "rules": [row["ruleid"] for row in found.rules],
        "trouble": found.trouble,
    }


@operation(
    "GET",
    "/gateways/{gateway_id}/figures",
    "gateway.read",
    "What became of the attempts at a gateway in the last 24 hours",
    help="“capped” says that only the newest calls were looked through.",
    answer=FIGURES,
    screens=("gateways.show",),
)
def figures(call: Call) -> dict[str, Any]:
    """Attempts, not calls: one that another gateway took in the end counts too."""
    found = gateway_figures.last_day(databases().panel, _row(call)["gwid"])
    if found is None:
        raise DatabaseUnavailable(
            _("There are too many calls to count them now."), _("Try again later.")
        )
    return {name: getattr(found, name) for name in FIGURES.properties}


def _row(call: Call) -> Mapping[str, Any]:
    with reading(databases().switch) as connection:
        table = reflect(connection, "dr_gateways")
        query = select(*(table.c[name] for name in _NAMES))
        wanted = table.c.id == min(call.path["gateway_id"], LARGEST_ID)
        found = connection.execute(query.where(wanted)).mappings().first()
    if found is None:
        raise NotFound(_("There is no such gateway."), _("Look for it in the list."))
    return dict(found)
