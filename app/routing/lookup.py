"""Gateways and dialplan rules in the global search."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import or_, select

from app.core.context import databases
from app.core.words import _, _l
from app.identity.access import Operator
from app.opensips.asking import ask, stock
from app.shell.search import PATIENCE_S, Hit, Provider, number_after

_INT = 2**31
# Where a rule's text is looked for. Both tables are small: the switch holds them in memory.
_RULE_TEXTS = ("match_exp", "subst_exp", "repl_exp", "attrs")
_GATEWAY_TEXTS = ("gwid", "address", "description")


def gateways(text: str, operator: Operator, limit: int) -> list[Hit]:
    """By name, address or description."""
    if operator.sees is not None:
        return []
    table = stock()["dr_gateways"]
    columns = [table.c[name] for name in _GATEWAY_TEXTS]
    query = select(table.c.id, *columns).where(
        or_(*(column.icontains(text, autoescape=True) for column in columns))
    )
    rows = ask(
        databases().switch, "dr_gateways", query.order_by(table.c.gwid).limit(limit), PATIENCE_S
    )
    wanted = text.casefold().removeprefix("sip:")
    return [
        Hit(
            row["gwid"],
            " · ".join(filter(None, (row["address"], row["description"]))),
            url_for("gateways.show", gateway_id=row["id"]),
            "gateway",
            exact=wanted in (row["gwid"].casefold(), *_addresses(row["address"])),
        )
        for row in rows
    ]


def _addresses(address: str) -> tuple[str, str]:
    """A gateway's address as it stands there, and without its port."""
    bare = address.casefold().removeprefix("sip:").partition(";")[0]
    host, colon, port = bare.rpartition(":")
    return bare, host if colon and port.isdigit() and not host.endswith(":") else bare


def rules(text: str, operator: Operator, limit: int) -> list[Hit]:
    """Dialplan rules by ``rule 12`` or by text in their expressions, output and attributes."""
    table = stock()["dialplan"]
    number = number_after(text, _l("rule, dialplan, dialplan rule"))
    texts = [table.c[name] for name in _RULE_TEXTS]
    found = [column.icontains(text, autoescape=True) for column in texts]
    if number is not None:
        if number[0] >= _INT:
            return []
        found = [table.c.id == number[0], *([] if number[1] else found)]
    query = select(table.c.id, table.c.dpid, *texts).where(or_(*found))
    query = query.order_by(table.c.dpid, table.c.pr, table.c.id).limit(limit)
    edits = operator.may("dialplan.write")
    hits = []
    for row in ask(databases().switch, "dialplan", query, PATIENCE_S):
        words = [row["match_exp"], row["repl_exp"] and f"→ {row['repl_exp']}", row["attrs"]]
        detail = " ".join(filter(None, words))
        url = (
            url_for("routing.edit", row_id=row["id"])
            if edits
            else url_for("routing.index", dpid=row["dpid"], q=row["match_exp"])
        )
        exact = number is not None and number[1]
        title = _("Rule %(id)s of dialplan %(dpid)s", id=row["id"], dpid=row["dpid"])
        hits.append(Hit(title, detail, url, "dialplan", exact))
    return hits


PROVIDERS = (
    Provider(_l("Gateways"), "gateway.read", gateways, _l("a gateway's name or address"), "switch"),
    Provider(
        _l("Dialplan rules"), "dialplan.read", rules, _l("rule 12, or text in a rule"), "switch"
    ),
)
