"""The filter bar of the calls, and what it asks for as Filters."""

from __future__ import annotations

from app.cdr.filters import Filters
from app.core.errors import InvalidInput
from app.core.words import _, _l
from app.shell.filterbar import Choice, Filled, FilterBar, Text, TimeRange


def _number(text: str) -> str:
    """What is looked for in a column of numbers: people paste +49 (30) 123-45 as they see it."""
    if not set(text) - set("+0123456789 ()-./*"):
        text = "".join(sign for sign in text if sign.isdigit() or sign == "*")
    if not text.rstrip("*"):
        raise InvalidInput(_("No digit of the number is given."), _("Write its beginning, or all."))
    return text


_HELP = _l("A whole number, or its beginning with a star: 4930*")

BAR = FilterBar(
    TimeRange(default="24h"),
    Text("caller", _l("Caller"), 64, search=True, help=_HELP, clean=_number),
    Text("callee", _l("Callee"), 64, help=_HELP, clean=_number),
    Text("call_id", _l("Call-ID"), 255, wide=True),
    Choice(
        "status",
        _l("Status"),
        (
            ("answered", _l("Answered")),
            ("failed", _l("Not answered")),
            ("unpriced", _l("Waiting for a price")),
        ),
        _l("Any status"),
    ),
    Choice(
        "sip_class",
        _l("SIP class"),
        (
            ("2", _l("2xx answered")),
            ("3", _l("3xx redirected")),
            ("4", _l("4xx refused or failed")),
            ("5", _l("5xx server failed")),
            ("6", _l("6xx refused everywhere")),
        ),
        _l("Any SIP class"),
        rare=True,
    ),
    Text("domain", _l("Domain"), 128, rare=True),
    Text("account", _l("Account"), 128, rare=True),
    label=_l("Calls"),
)


def filters(bar: Filled, tenants: tuple[int, ...] | None) -> Filters:
    """What a bar without problems asks for; ``tenants`` are those whose calls may be seen."""
    sip_class = bar["sip_class"]
    return Filters(
        since=bar.range.since if bar.range else None,
        until=bar.range.until if bar.range else None,
        caller=bar["caller"],
        callee=bar["callee"],
        call_id=bar["call_id"],
        domain=bar["domain"],
        account=bar["account"],
        status=bar["status"],
        sip_class=int(sip_class) if sip_class else None,
        tenants=tenants,
    )
