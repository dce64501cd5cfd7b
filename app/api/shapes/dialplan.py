"""Dialplan rules as they travel, from the tool's columns."""

from __future__ import annotations

from typing import Any

from app.api.schema import Schema, Shape, choice, flag, maybe, several, text, whole
from app.core.database import LARGEST_ID
from app.provisioning.tools.dialplan import DIALPLAN

# Edits of one change.
MOST = 500


def _column(column: Any) -> Schema:
    if column.kind == "text":
        return text(column.limit, description=str(column.help))
    if column.kind == "flag":
        return whole(0, 1, description=str(column.help))
    if column.kind == "choice":
        values = [value for value, _words in column.choices]
        return {"type": "integer", "enum": values}
    return whole(column.least, column.limit, description=str(column.help))


_PROPERTIES = {column.name: _column(column) for column in DIALPLAN.columns}
_OPTIONAL = frozenset(c.name for c in DIALPLAN.columns if not c.required or c.default is not None)
_EXAMPLE = {
    "dpid": 1,
    "pr": 10,
    "match_op": 1,
    "match_exp": "^00[1-9]",
    "match_flags": 0,
    "subst_exp": "^00(.*)$",
    "repl_exp": "\\1",
    "timerec": "",
    "attrs": "international",
    "disabled": 0,
}
RULE = Shape(
    "DialplanRule",
    {
        "id": whole(1, LARGEST_ID),
        **{n: maybe(s) if s["type"] == "string" else s for n, s in _PROPERTIES.items()},
    },
    {"id": 12, **_EXAMPLE},
)
_WHY = text(255, description="Why; kept with the change.")
NEW = Shape(
    "NewDialplanRule",
    {**_PROPERTIES, "comment": _WHY},
    {**_EXAMPLE, "comment": "international calls"},
    _OPTIONAL | {"comment"},
    inbound=True,
)
PATCH = Shape(
    "DialplanRulePatch",
    {**_PROPERTIES, "comment": _WHY},
    {"pr": 20},
    frozenset({*_PROPERTIES, "comment"}),
    inbound=True,
)
_EDIT: Schema = {
    "type": "object",
    "properties": {
        "deed": choice("add", "change", "delete"),
        "id": whole(1, LARGEST_ID),
        "values": {
            "type": "object",
            "properties": _PROPERTIES,
            "additionalProperties": False,
        },
    },
    "required": ["deed"],
    "additionalProperties": False,
}
MANY = Shape(
    "DialplanEdits",
    {"edits": several(_EDIT, MOST, 1), "comment": _WHY},
    {
        "edits": [
            {"deed": "change", "id": 12, "values": {"disabled": 1}},
            {"deed": "delete", "id": 13},
        ],
        "comment": "cleaned up",
    },
    frozenset({"comment"}),
    inbound=True,
)
TRIAL = Shape(
    "DialplanTrial",
    {
        "dpid": whole(0, LARGEST_ID),
        "number": text(127),
        "translates": flag(),
        "certain": flag(),
        "rule_id": maybe(whole(1)),
        "output": maybe(text()),
        "attrs": text(),
        "nodes": several(
            {
                "type": "object",
                "properties": {
                    "node": text(64),
                    "output": maybe(text()),
                    "attrs": text(),
                    "problem": text(500),
                    "differs": flag(),
                },
            }
        ),
    },
    {
        "dpid": 1,
        "number": "00442071234567",
        "translates": True,
        "certain": True,
        "rule_id": 12,
        "output": "442071234567",
        "attrs": "international",
        "nodes": [
            {
                "node": "edge1",
                "output": "442071234567",
                "attrs": "international",
                "problem": "",
                "differs": False,
            }
        ],
    },
)
