"""The shapes of sources."""

from __future__ import annotations

from typing import Any

from app.api.schema import Schema, Shape, choice, maybe, moment, several, text, whole
from app.core.database import LARGEST_ID
from app.core.phonebook import KIND_WORDS
from app.mediation.columns import USUAL_NAMES
from app.mediation.number_rules import SIDES
from app.mediation.source_rules import MOST, MOST_SIGNS


def _object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_ID = whole(1, LARGEST_ID)
_PAIRS = several(_object({"meaning": choice(*USUAL_NAMES), "column": text(128)}), len(USUAL_NAMES))
_SET: dict[str, Schema] = {
    "zone": text(64, 1),
    "country": text(4),
    "trunk_prefix": text(4),
    "columns": _PAIRS,
}
_EXAMPLE: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "country": "49",
    "trunk_prefix": "0",
    # a column "" takes the meaning from none; what is not named is guessed by name
    "columns": [{"meaning": "account", "column": "customer_no"}],
}
SOURCE = Shape(
    "Source", {"id": _ID, "name": text(64), **_SET}, {"id": 2, "name": "berlin", **_EXAMPLE}
)
PATCH = Shape("SourcePatch", _SET, _EXAMPLE, frozenset(_SET), inbound=True)
STATE = Shape(
    "SourceState",
    {
        "id": _ID,
        "name": text(64),
        "zone": text(64),
        "tables": several(_object({"table": text(64), "version": whole(0, LARGEST_ID)}), 2),
        "waiting": maybe(whole()),
        "looked_at": maybe(moment()),
        "problem": text(255),
    },
    {
        "id": 2,
        "name": "berlin",
        "zone": "Europe/Berlin",
        "tables": [{"table": "acc", "version": 7}, {"table": "missed_calls", "version": 5}],
        "waiting": 0,
        "looked_at": "2026-11-23T12:00:00.000Z",
        "problem": "",
    },
)
COLUMN = Shape(
    "SourceColumn",
    {
        "meaning": choice(*USUAL_NAMES),
        "column": maybe(text(128)),
        "guess": maybe(text(128)),
        "choice": maybe(text(128)),
        "sample": maybe(text(64)),
    },
    {
        "meaning": "account",
        "column": "customer_no",
        "guess": "account",
        "choice": "customer_no",
        "sample": "4711",
    },
)
_SIGNS = maybe(whole(0, MOST_SIGNS))
_RULE: dict[str, Schema] = {
    "domain": text(128),
    "side": choice(*SIDES),
    "prefix": text(32),
    "least": _SIGNS,
    "most": _SIGNS,
    "strip": _SIGNS,
    "add": text(32),
}
_RULE_EXAMPLE: dict[str, Any] = {
    "domain": "wien.example",
    "side": "callee",
    "prefix": "0",
    "least": 5,
    "most": None,
    "strip": None,
    "add": "+43",
}
RULE = Shape("NumberRule", {"id": _ID, **_RULE}, {"id": 3, **_RULE_EXAMPLE})
NEW_RULE = Shape("NewNumberRule", _RULE, _RULE_EXAMPLE, frozenset(_RULE) - {"side"}, inbound=True)
RULE_PATCH = Shape("NumberRulePatch", _RULE, _RULE_EXAMPLE, frozenset(_RULE), inbound=True)
MOVE = Shape("NumberRuleMove", {"to": choice("up", "down")}, {"to": "up"}, inbound=True)
TEST = Shape(
    "NumberTest",
    {
        "tried": several(_ID, MOST),
        "rule_id": maybe(_ID),
        "changed": text(128),
        "number": text(32),
        "country": maybe(text(3)),
        "kind": maybe(choice(*KIND_WORDS)),
    },
    {
        "tried": [3],
        "rule_id": 3,
        "changed": "+431555",
        "number": "431555",
        "country": "AT",
        "kind": "fixed",
    },
)
