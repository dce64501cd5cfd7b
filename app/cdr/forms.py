"""The filter bar: what an address asks for, as Filters and as words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form, SelectField, StringField
from wtforms.validators import Length

from app.cdr.filters import Filters
from app.core import clock
from app.core.errors import InvalidInput

PRESETS = {
    "15m": ("15 m", 15 * clock.MINUTE),
    "1h": ("1 h", clock.HOUR),
    "24h": ("24 h", clock.DAY),
    "7d": ("7 d", 7 * clock.DAY),
    "30d": ("30 d", 30 * clock.DAY),
    "90d": ("90 d", 90 * clock.DAY),
}
DEFAULT = "24h"
CLASSES = {
    "2": "2xx answered",
    "3": "3xx redirected",
    "4": "4xx refused or failed",
    "5": "5xx server failed",
    "6": "6xx refused everywhere",
}
_LABELS = {
    "caller": "Caller",
    "callee": "Callee",
    "call_id": "Call-ID",
    "sip_class": "SIP class",
    "domain": "Domain",
    "account": "Account",
    "status": "Status",
}


class FilterForm(Form):
    """Fields as they stand in the address; times are wall clocks of the viewer's zone."""

    range = SelectField(
        "Range", choices={name: name for name in (*PRESETS, "custom")}, default=DEFAULT
    )
    since = StringField("From")
    until = StringField("Till")
    caller = StringField("Caller", [Length(max=64)])
    callee = StringField("Callee", [Length(max=64)])
    call_id = StringField("Call-ID", [Length(max=255)])
    domain = StringField("Domain", [Length(max=128)])
    account = StringField("Account", [Length(max=128)])
    sip_class = SelectField("SIP class", choices={"": "Any SIP class"} | CLASSES, default="")
    status = SelectField(
        "Status",
        choices={"": "Any status", "answered": "Answered", "failed": "Not answered"},
        default="",
    )

    def to_filters(self, zone: str, tenant_id: int | None) -> Filters:
        """The filters that the form asks for; InvalidInput names what cannot be understood."""
        if not self.validate():
            wrong = next(field for field in self if field.errors)
            raise InvalidInput(
                f"{wrong.label.text}: {wrong.errors[0]}",
                "Correct it or clear the filter.",
                wrong.name,
            )
        since, until = self._bounds(zone)
        text = {name: self._text(name) for name in ("caller", "callee", "call_id", "domain")}
        for name in ("caller", "callee"):
            # People paste numbers as they see them: +49 (30) 123-45.
            value = text[name]
            if value and not set(value) - set("+0123456789 ()-./*"):
                text[name] = "".join(sign for sign in value if sign.isdigit() or sign == "*")
        return Filters(
            since=since,
            until=until,
            sip_class=int(self.sip_class.data) if self.sip_class.data else None,
            account=self._text("account"),
            status=self.status.data or None,
            tenant_id=tenant_id,
            **text,
        )

    def _text(self, name: str) -> str | None:
        return (self[name].data or "").strip() or None

    def _bounds(self, zone: str) -> tuple[int | None, int | None]:
        if self.since.data or self.until.data or self.range.data == "custom":
            return _instant(self.since.data, zone, "from"), _instant(self.until.data, zone, "till")
        return clock.now_ms() - PRESETS[self.range.data][1], None

    @property
    def custom(self) -> bool:
        """Whether the range is given by its ends."""
        return bool(self.since.data or self.until.data or self.range.data == "custom")

    def chips(self) -> list[tuple[str, str, str]]:
        """(field, label, value) of each active filter but the range."""
        return [
            (name, label, self[name].data.strip())
            for name, label in _LABELS.items()
            if (self[name].data or "").strip()
        ]

    def arguments(self, without: str | None = None, **changed: str) -> dict[str, str]:
        """What the address needs to ask for the same again, with changes."""
        kept: dict[str, str] = {}
        for field in self:
            value = (field.data or "").strip()
            if (
                value
                and field.name != without
                and not (field.name == "range" and (value == DEFAULT or self.custom))
            ):
                kept[field.name] = value
        return kept | changed

    def preset(self, name: str) -> dict[str, str]:
        """The address's arguments with another range."""
        kept = self.arguments()
        for gone in ("range", "since", "until"):
            kept.pop(gone, None)
        return kept if name == DEFAULT else kept | {"range": name}


def read(arguments: MultiDict[str, str]) -> FilterForm:
    """The form from an address's arguments."""
    values: dict[str, Any] = {key: value for key, value in arguments.items() if value != ""}
    return FilterForm(MultiDict({"range": DEFAULT} | values))


def _instant(text: str | None, zone: str, what: str) -> int | None:
    """A wall-clock time of the zone, as ``datetime-local`` fields write it."""
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidInput(
            f"The time '{text[:40]}' ({what}) cannot be read.", "Write it like 2026-11-23T08:30."
        ) from exc
    if wall.tzinfo is not None:
        return clock.from_datetime(wall)
    if not 1970 <= wall.year <= 2200:
        raise InvalidInput(f"The year {wall.year} is out of range.", "Use one from 1970 to 2200.")
    return clock.wall_to_candidates(wall, zone)[0]
