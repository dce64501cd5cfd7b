"""The screens of the domains."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.core.words import _l
from app.identity.access import requires
from app.opensips.mi_names import Command
from app.provisioning.screens import ToolScreens
from app.provisioning.tools.declaration import Column, Proof, Tool, limits

COLUMNS = (
    Column("domain", _l("Domain"), "text", limit=64, required=True, search=True),
    Column("attrs", _l("Attributes"), "text", room="medium"),
    Column("accept_subdomain", _l("With subdomains"), "flag", default=0),
)
DOMAINS = Tool(
    name="domain",
    table="domain",
    title=_l("Domains"),
    columns=COLUMNS,
    reload=Command.DP_RELOAD,  # the test has no node
    describe=lambda row: str(row["domain"]),
    validate=lambda values: limits(COLUMNS, values),
    skips=lambda row: None,
    prove=lambda connection, ask, edits: dict.fromkeys(edits, Proof("reloaded")),
    order=("domain",),
    permission="dialplan",
)


def make() -> Blueprint:
    """The blueprint; a room would have it at its module's top."""
    blueprint = Blueprint("domains", __name__, template_folder="templates")
    screens = ToolScreens(blueprint, DOMAINS, "/domains")

    @blueprint.get("/domains")
    @requires("dialplan.read")
    def index() -> ResponseReturnValue:
        return screens.listed("domains_list.html")

    return blueprint
