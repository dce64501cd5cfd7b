"""What a list of CDRs can be narrowed by. Columns come from here only, never from a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table

from app.core.errors import InvalidInput
from app.identity.access import owned

# Columns that are the house's business, and what stands there for others.
_HOUSE_ONLY: dict[str, Any] = {
    "gateway": "",
    "carrier": "",
    # the number as that gateway wants it, and how many were tried
    "routed": "",
    "attempts": 0,
    "first_ms": None,
    "final_ms": None,
    "cost": None,
    **{f"buy_{name}": None for name in ("account_id", "amount", "tax", "currency")},
}


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that all must hold; None is no condition.

    ``since`` (inclusive) and ``until`` (exclusive) bound the set-up time in UTC milliseconds.
    ``caller`` and ``callee`` take E.164 digits or a name; with a trailing ``*`` what starts with
    it. ``status`` is ``answered``, ``failed`` or ``unpriced`` (answered, waiting for a price);
    ``tenants`` are those whose calls may be seen.
    """

    since: int | None = None
    until: int | None = None
    caller: str | None = None
    callee: str | None = None
    call_id: str | None = None
    sip_class: int | None = None
    domain: str | None = None
    account: str | None = None
    status: str | None = None
    tenants: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidInput("The range ends before it begins.", "Swap from and till.", "since")
        if self.sip_class is not None and not 1 <= self.sip_class <= 6:
            raise InvalidInput("SIP classes are 1 to 6.", "Choose one of them.", "sip_class")
        if self.status not in (None, "answered", "failed", "unpriced"):
            raise InvalidInput(
                "The status is answered, failed or unpriced.", "Choose one.", "status"
            )

    @property
    def waiting_only(self) -> bool:
        """Whether the queue of unpriced calls holds all that is asked for."""
        others = (self.caller, self.callee, self.call_id, self.domain, self.account)
        return self.status == "unpriced" and all(other is None for other in others)

    def conditions(self, table: Table) -> list[ColumnElement[bool]]:
        """The conditions on one of the CDR tables, but for time."""
        found = owned(table.c.tenant_id, self.tenants)
        for name in ("call_id", "sip_class", "domain", "account"):
            value = getattr(self, name)
            if value is not None:
                found.append(table.c[name] == value)
        if self.status == "unpriced":
            found.append(table.c.unpriced_reason.is_not(None))
        for name in ("caller", "callee"):
            value = getattr(self, name)
            if value is not None:
                found.append(_text(table.c[name], value))
        return found


def seen_by(cdr: Mapping[str, Any], tenants: tuple[int, ...] | None) -> Mapping[str, Any]:
    """The call as those tenants see it: by whom the house sends it, and for how much, is blank."""
    if tenants is None:
        return cdr
    return {**cdr, **{name: value for name, value in _HOUSE_ONLY.items() if name in cdr}}


def _text(column: ColumnElement[str], value: str) -> ColumnElement[bool]:
    value = value.lstrip("+") if value[1:2].isdigit() else value
    if not value.endswith("*"):
        return column == value
    start = value[:-1]
    # A range instead of LIKE: every database walks its index for it, whatever the collation.
    return (column >= start) & (column < start + "\uffff")
