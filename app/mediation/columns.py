"""What the operator's columns in ``acc`` mean, and rows built from them.

Operators name extra columns as they like (``acc`` module, ``db_extra``), so a source may map
them; without a mapping the usual names are tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.mediation.call import Row

USUAL_NAMES = {
    "caller": ("caller", "caller_id", "from_user", "src_user", "calling"),
    "callee": ("callee", "callee_id", "dialled", "ruri_user", "dst_user", "called", "destination"),
    "caller_domain": ("caller_domain", "from_domain", "src_domain", "domain"),
    "account": ("account", "account_code", "accountcode", "customer"),
    "gateway": ("gateway", "gw", "gwid", "gw_id"),
    "carrier": ("carrier", "carrierid", "carrier_id"),
    "src_ip": ("src_ip", "source_ip", "source_address"),
    "user_agent": ("user_agent", "ua", "useragent"),
    "charge_id": ("charge_id", "chargeid"),
    "routed": ("routed", "routed_number"),
    "asserted": ("asserted", "asserted_identity", "p_asserted_identity", "pai"),
    "routing_number": ("routing_number", "rn", "lrn"),
    "trunk": ("trunk", "trunk_name"),
    "attempt": ("attempt", "attempt_no"),
    "first_ms": ("first_ms",),
    "final_ms": ("final_ms",),
    "pdd_ms": ("pdd_ms",),
    "cause": ("cause", "q850_cause", "q850"),
    "hangup": ("hangup", "hangup_by"),
}
# The module's own columns, in the order in which ``Layout`` has them.
STOCK = (
    "id",
    "method",
    "callid",
    "from_tag",
    "to_tag",
    "sip_code",
    "sip_reason",
    "time",
    "created",
    "setuptime",
    "ms_duration",
)

# A row as it was read: the values of ``Layout.names``.
Raw = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """In which order a table's columns are read: the module's own, then the operator's.

    ``missing`` are columns of the module that this table does not have: they read as NULL.
    """

    names: tuple[str, ...]
    missing: frozenset[str]
    meanings: tuple[tuple[str, int], ...]

    def from_mapping(self, raw: Mapping[str, Any]) -> Raw:
        """A row that was kept by the names of its columns."""
        return tuple(raw.get(name) for name in self.names)

    def to_text(self, raw: Raw) -> str:
        """A row as JSON by the names of its columns, for suspense and open calls."""
        named = zip(self.names, raw, strict=True)
        return json.dumps(
            {name: _plain(value) for name, value in named if name not in self.missing},
            ensure_ascii=False,
        )


def lay_out(present: Iterable[str], mapping: Mapping[str, str]) -> Layout:
    """The layout of a table that has these columns, with what the operator's columns mean."""
    columns = list(present)
    names = (*STOCK, *(name for name in columns if name not in STOCK))
    meanings = tuple((meaning, names.index(column)) for meaning, column in mapping.items())
    return Layout(names, frozenset(STOCK) - set(columns), meanings)


def guess(present: Iterable[str], meaning: str) -> str | None:
    """The column that has one of a meaning's usual names."""
    columns = set(present)
    return next((name for name in USUAL_NAMES[meaning] if name in columns), None)


def map_columns(present: Iterable[str], chosen: str | None) -> dict[str, str]:
    """Meaning → column of the table; ``chosen`` is the source's JSON mapping and wins.

    There "" takes a meaning from no column; a column that is not there (any more) is guessed.
    """
    columns = set(present)
    wanted: Mapping[str, str] = json.loads(chosen) if chosen else {}
    found = {
        meaning: wanted[meaning] if wanted.get(meaning) in columns else guess(columns, meaning)
        for meaning in USUAL_NAMES
        if wanted.get(meaning) != ""
    }
    return {meaning: name for meaning, name in found.items() if name is not None}


def build_row(table: str, raw: Raw, layout: Layout, seen_at: int) -> Row:
    """A row of ``acc`` or ``missed_calls`` as a value; NULL and missing columns read as unset."""
    extra = {}
    for meaning, place in layout.meanings:
        value = raw[place]
        # Most columns of most rows say nothing.
        if value is None or value == "":
            continue
        text = value if value.__class__ is str and "\x00" not in value else text_of(value)
        if text:
            extra[meaning] = text
    number, method, call_id, from_tag, to_tag, code, reason, at, created, setup, length = raw[:11]
    return Row(
        table,
        int(number),
        text_of(method),
        text_of(call_id),
        text_of(from_tag),
        text_of(to_tag),
        text_of(code),
        text_of(reason),
        _wall(at),
        _wall(created),
        int(setup or 0),
        int(length or 0),
        extra,
        seen_at,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, int | str) else str(value)


def text_of(value: Any) -> str:
    """A column's value as text; NULL is empty."""
    # PostgreSQL cannot store NUL; nobody's number has one.
    if value.__class__ is str:
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value).replace("\x00", "\ufffd")


def _wall(value: Any) -> datetime | None:
    """A wall-clock time to the second; SQLite has text, MariaDB may have a zero date."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    if value.tzinfo is None and not value.microsecond:
        return value
    return value.replace(tzinfo=None, microsecond=0)
