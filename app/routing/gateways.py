"""Gateways of dynamic routing: list, and one with the carriers and rules that use it."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from app.core.context import databases
from app.core.database import reading
from app.core.errors import NotFound
from app.core.words import _, _l
from app.identity.access import Forbidden, current_operator, requires
from app.opensips.tables import reflect
from app.routing import gateway_uses
from app.shell.listing import Asked, Column, Empty, Listing, Page

blueprint = Blueprint("gateways", __name__)

GATEWAYS = Listing(
    "gateways",
    _l("Gateways, by name"),
    (
        Column("gwid", _l("Gateway"), "mono", fixed=True),
        Column("address", _l("Address"), "mono"),
        Column("description", _l("Description"), room="medium"),
        Column("type", _l("Type"), "number", room="wide"),
        Column("strip", _l("Strip"), "number", room="wide"),
        Column("pri_prefix", _l("Prefix"), "mono", room="wide"),
        Column("attrs", _l("Attributes"), "mono", room="widest", cut=True),
        Column("state", _l("State"), fit=True, plain=lambda row: row["state"]),
    ),
    empty=Empty(_l("No gateway"), _l("None has this text, or the table has none."), "gateway"),
    open=lambda row: url_for("gateways.show", gateway_id=row["id"]),
    label=lambda row: row["gwid"],
    off=lambda row: row["state"] == 1,
)


@blueprint.get("/gateways")
@requires("gateway.read")
def index() -> ResponseReturnValue:
    """Where calls leave to, by name; ``q`` is text in name, address or description."""
    _only_the_house()
    text = request.args.get("q", "").strip()[:128]

    def fetch(asked: Asked) -> Page:
        with reading(databases().switch) as connection:
            table = reflect(connection, "dr_gateways")
            searched = (table.c.gwid, table.c.address, table.c.description)
            query = select(table)
            if text:
                query = query.where(or_(*(c.icontains(text, autoescape=True) for c in searched)))
            return asked.page(connection, query, gwid=table.c.gwid, id=table.c.id)

    states = gateway_uses.STATES
    return GATEWAYS.answer("routing/gateways.html", fetch, text=text, states=states)


@blueprint.get("/gateways/<int:gateway_id>")
@requires("gateway.read")
def show(gateway_id: int) -> ResponseReturnValue:
    """One gateway and who uses it."""
    _only_the_house()
    with reading(databases().switch) as connection:
        table = reflect(connection, "dr_gateways")
        row = connection.execute(select(table).where(table.c.id == gateway_id)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such gateway."), _("Look for it in the list."))
    uses = gateway_uses.of(databases().switch, row["gwid"])
    states = gateway_uses.STATES
    return render_template(
        "routing/gateway.html", row=row, uses=uses, states=states, most=gateway_uses.MOST
    )


def _only_the_house() -> None:
    if current_operator().sees is not None:
        raise Forbidden(_("Gateways are the house's."), _("Ask its administrator."))
