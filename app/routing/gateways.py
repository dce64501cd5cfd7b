"""Gateways of dynamic routing: list, and one with the carriers and rules that use it."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select

from app.core.context import databases
from app.core.database import LARGEST_ID, reading
from app.core.errors import NotFound
from app.core.words import _
from app.identity.access import Forbidden, current_operator, requires
from app.opensips.tables import reflect
from app.routing import gateway_figures, gateway_uses
from app.routing.lists import BAR, GATEWAYS
from app.shell.listing import Asked, Page

blueprint = Blueprint("gateways", __name__)


@blueprint.get("/gateways")
@requires("gateway.read")
def index() -> ResponseReturnValue:
    """Where calls leave to, by name; ``q`` is text in name, address or description."""
    _only_the_house()
    bar = BAR.read(request.args)
    text = bar["q"] or ""

    def fetch(asked: Asked) -> Page:
        if bar.problems:
            return Page([])
        with reading(databases().switch) as connection:
            table = reflect(connection, "dr_gateways")
            searched = (table.c.gwid, table.c.address, table.c.description)
            query = select(table)
            if text:
                query = query.where(or_(*(c.icontains(text, autoescape=True) for c in searched)))
            return asked.page(connection, query, gwid=table.c.gwid, id=table.c.id)

    states = gateway_uses.STATES
    return GATEWAYS.answer("routing/gateways.html", fetch, bar=bar, states=states)


@blueprint.get("/gateways/<int:gateway_id>")
@requires("gateway.read")
def show(gateway_id: int) -> ResponseReturnValue:
    """One gateway and who uses it."""
    _only_the_house()
    with reading(databases().switch) as connection:
        table = reflect(connection, "dr_gateways")
        wanted = table.c.id == min(gateway_id, LARGEST_ID)
        row = connection.execute(select(table).where(wanted)).mappings().first()
    if row is None:
        raise NotFound(_("There is no such gateway."), _("Look for it in the list."))
    uses = gateway_uses.of(databases().switch, row["gwid"])
    figures = gateway_figures.last_day(databases().panel, row["gwid"])
    states = gateway_uses.STATES
    return render_template(
        "routing/gateway.html",
        row=row,
        uses=uses,
        states=states,
        most=gateway_uses.MOST,
        figures=figures,
    )


def _only_the_house() -> None:
    if current_operator().sees is not None:
        raise Forbidden(_("Gateways are the house's."), _("Ask its administrator."))
