"""What the try box shows: what becomes of a number, by the table and on every node."""

from __future__ import annotations

from typing import Any

from flask import request

from app.core.context import databases, settings
from app.core.database import reading
from app.core.errors import CompanionError
from app.provisioning import nodes, rows
from app.provisioning.screens.lists import whole
from app.provisioning.tools.dialplan import DIALPLAN
from app.routing import dialplan


def asked() -> dict[str, Any]:
    """The values of the box; nothing is tried until a number was entered and the button pressed."""
    number = request.args.get("number", "").strip()[:127]
    dpid = whole("try")
    if not number or dpid is None:
        return {"number": number, "tried": dpid, "answer": None}
    dbs, problem, answer = databases(), "", None
    with reading(dbs.switch) as connection:
        try:
            answer = dialplan.by_table(connection, dpid, number)
        except CompanionError as exc:
            problem = str(exc)
        matched = rows.load(connection, DIALPLAN, answer.rule_id or 0) if answer else None
    with reading(dbs.panel) as connection:
        used = nodes.in_use(connection)
    return {
        "number": number,
        "tried": dpid,
        "answer": answer,
        "matched": matched,
        "trial_problem": problem,
        "node_answers": dialplan.by_nodes(used, dpid, number, settings().mi_timeout),
    }
