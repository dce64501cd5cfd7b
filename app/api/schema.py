"""Shapes of what travels, as JSON Schema (draft 2020-12), and the check of what comes in.

Only the words are used that ``check`` knows, so that the document never promises another check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from app.core import clock
from app.core.errors import CompanionError, InvalidInput
from app.core.words import _

Schema = dict[str, Any]
ID_MOST = 2**63 - 1
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Shape:
    """A named object. ``optional`` may be missing in what comes in."""

    name: str
    properties: Mapping[str, Schema]
    example: Mapping[str, Any]
    optional: frozenset[str] = frozenset()
    # what a sender must name; an answer may hold fewer (``fields``)
    inbound: bool = False

    def schema(self) -> Schema:
        """Its JSON Schema."""
        found: Schema = {
            "type": "object",
            "properties": dict(self.properties),
            "examples": [self.example],
        }
        if self.inbound:
            found["required"] = [name for name in self.properties if name not in self.optional]
            found["additionalProperties"] = False
        return found


def text(most: int = 255, least: int = 0, **more: Any) -> Schema:
    """A text of so many characters."""
    found: Schema = {"type": "string", "maxLength": most}
    return found | ({"minLength": least} if least else {}) | more


def whole(least: int = 0, most: int = ID_MOST, **more: Any) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most} | more


def moment(**more: Any) -> Schema:
    """An instant: RFC 3339, UTC, to the millisecond."""
    return {"type": "string", "format": "date-time"} | more


def money(**more: Any) -> Schema:
    """An amount as decimal text, exact."""
    return {"type": "string", "pattern": r"^-?[0-9]{1,10}(\.[0-9]{1,9})?$"} | more


def flag(**more: Any) -> Schema:
    """Yes or no."""
    return {"type": "boolean"} | more


def choice(*values: str, **more: Any) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(values)} | more


def several(item: Schema, most: int = 500, least: int = 0, **more: Any) -> Schema:
    """A list."""
    return {"type": "array", "items": item, "maxItems": most, "minItems": least} | more


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    found = schema | {"type": [schema["type"], "null"]}
    if "enum" in schema:
        found["enum"] = [*schema["enum"], None]
    return found


class BadRequest(InvalidInput):
    """What was sent does not fit; ``errors`` names each place (JSON pointer) with a sentence."""

    code = "bad_request"

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__(
            _("What was sent does not fit the description of this operation."),
            _("See “errors”; nothing was changed."),
            errors[0][0] if errors else None,
        )
        self.errors = errors


def parse(body: bytes) -> Any:
    """The JSON value of a body; refuses what two readers could read in two ways (RFC 8259)."""
    try:
        return json.loads(body, object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise BadRequest([("", _("This is no JSON: %(why)s", why=str(exc)[:100]))]) from exc


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def check(value: Any, schema: Schema) -> None:
    """Raises BadRequest with everything that does not fit."""
    errors = list(_errors(value, schema, "", 0))
    if errors:
        raise BadRequest(errors[:20])


def _errors(value: Any, schema: Schema, at: str, depth: int) -> Iterator[tuple[str, str]]:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    kind = _kind(value)
    if depth > _DEEPEST:
        yield at, _("This goes too deep.")
    elif kinds and kind not in kinds:
        yield at, _("This must be %(kind)s.", kind=" / ".join(kinds))
    elif "enum" in schema and value not in schema["enum"]:
        words = ", ".join(str(one) for one in schema["enum"] if one is not None)
        yield at, _("This must be one of %(words)s.", words=words)
    elif kind == "string":
        yield from ((at, words) for words in _text_errors(value, schema))
    elif kind == "integer":
        least, most = schema.get("minimum", -ID_MOST), schema.get("maximum", ID_MOST)
        if not least <= value <= most:
            yield at, _("This must be from %(least)s to %(most)s.", least=least, most=most)
    elif kind == "array":
        yield from _array_errors(value, schema, at, depth)
    elif kind == "object":
        yield from _object_errors(value, schema, at, depth)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    for known, name in ((bool, "boolean"), (int, "integer"), (str, "string"), (list, "array")):
        if isinstance(value, known):
            return name
    return "object" if isinstance(value, dict) else "number"


def _text_errors(value: str, schema: Schema) -> Iterator[str]:
    if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        yield _("This holds a sign that no text has.")
    elif len(value) > schema.get("maxLength", ID_MOST):
        yield _("At most %(max)s characters.", max=schema["maxLength"])
    elif len(value) < schema.get("minLength", 0):
        yield _("At least %(min)s characters.", min=schema["minLength"])
    elif "pattern" in schema and not re.search(schema["pattern"].replace("$", r"\Z"), value):
        yield _("This must look like %(pattern)s.", pattern=schema["pattern"])
    elif schema.get("format") == "date-time":
        try:
            clock.parse(value)
        except (CompanionError, ValueError, OverflowError):
            yield _("This must be a time such as 2026-11-23T12:00:00.000Z.")


def _array_errors(
    value: list[Any], schema: Schema, at: str, depth: int
) -> Iterator[tuple[str, str]]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", ID_MOST)
    if not least <= len(value) <= most:
        yield at, _("This must have %(least)s to %(most)s items.", least=least, most=most)
        return
    for number, item in enumerate(value):
        yield from _errors(item, cast(Schema, schema.get("items", {})), f"{at}/{number}", depth + 1)


def _object_errors(
    value: dict[str, Any], schema: Schema, at: str, depth: int
) -> Iterator[tuple[str, str]]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}/{name}", _("This is missing.")
    for name, item in value.items():
        where = f"{at}/{name[:64]}"
        if name in known:
            yield from _errors(item, known[name], where, depth + 1)
        elif schema.get("additionalProperties") is False:
            yield where, _("There is nothing of this name.")
