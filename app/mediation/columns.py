"""What the operator's columns in ``acc`` mean, and rows built from them.

Operators name extra columns as they like (``acc`` module, ``db_extra``), so a source may map
them; without a mapping the usual names are tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
}


def map_columns(present: Iterable[str], chosen: str | None) -> dict[str, str]:
    """Meaning → column of the table; ``chosen`` is the source's JSON mapping and wins."""
    columns = set(present)
    mapping = {
        meaning: name
        for meaning, names in USUAL_NAMES.items()
        if (name := next((name for name in names if name in columns), None))
    }
    for meaning, name in (json.loads(chosen) if chosen else {}).items():
        if name in columns:
            mapping[meaning] = name
    return mapping


def build_row(table: str, raw: Mapping[Any, Any], mapping: Mapping[str, str], seen_at: int) -> Row:
    """A row of ``acc`` or ``missed_calls`` as a value; missing columns read as unset."""
    return Row(
        table=table,
        id=int(raw["id"]),
        method=_text(raw.get("method")),
        call_id=_text(raw.get("callid")),
        from_tag=_text(raw.get("from_tag")),
        to_tag=_text(raw.get("to_tag")),
        sip_code=_text(raw.get("sip_code")),
        sip_reason=_text(raw.get("sip_reason")),
        time=_wall(raw.get("time")),
        created=_wall(raw.get("created")),
        setuptime=int(raw.get("setuptime") or 0),
        ms_duration=int(raw.get("ms_duration") or 0),
        extra={
            meaning: text for meaning, column in mapping.items() if (text := _text(raw.get(column)))
        },
        seen_at=seen_at,
    )


def raw_to_text(raw: Mapping[Any, Any]) -> str:
    """A raw row as JSON, for suspense and open calls."""
    return json.dumps({name: _plain(value) for name, value in raw.items()}, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, int | str) else str(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = str(value)
    # PostgreSQL cannot store NUL; nobody's number has one.
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


def _wall(value: Any) -> datetime | None:
    """A wall-clock time to the second; SQLite has text, MariaDB may have a zero date."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=None, microsecond=0)
