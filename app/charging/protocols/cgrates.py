"""What the stock OpenSIPS module ``cgrates`` says and wants to hear (docs: modules/cgrates).

Both dialects, ``compat_mode`` 0 (``SessionSv1``) and 1 (``SMGenericV1``), as recorded from
OpenSIPS 3.6 in ``cgrates-module-wire.jsonl``. Nothing here knows a socket or a database.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from app.charging.event import CallEvent, Grant, Step
from app.core import clock

_METHODS = {
    "SessionSv1.AuthorizeEventWithDigest": Step.AUTHORISE,
    "SessionSv1.InitiateSession": Step.START,
    "SessionSv1.TerminateSession": Step.STOP,
    "SessionSv1.ProcessCDR": Step.CDR,
    "SMGenericV1.GetMaxUsage": Step.AUTHORISE,
    "SMGenericV1.InitiateSession": Step.START,
    "SMGenericV1.TerminateSession": Step.STOP,
    "SMGenericV1.ProcessCDR": Step.CDR,
}
_PING = "CoreSv1.Ping"
_NS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(h|ms|m|s|us|µs|ns)", re.ASCII)
# A header's name, in either form, as it stands before the value (RFC 3261, 7.3.1 and 20).
_HEADER = re.compile(r"(?:call-id|i)[ \t]*:\s*", re.IGNORECASE)
_LONGEST_MS = 400 * clock.DAY


class BadRequest(ValueError):
    """A request that cannot be answered; its text goes to the switch."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the module; ``event`` is None for a ping."""

    id: int | str | None
    old: bool
    event: CallEvent | None


def is_reply(message: dict[str, Any]) -> bool:
    """Whether it answers something that we asked the switch."""
    return "method" not in message and ("result" in message or "error" in message)


def request_id(message: dict[str, Any]) -> int | str | None:
    """The id to answer with: what the request had, when it is a number or text."""
    found = message.get("id")
    return found if isinstance(found, int | str) else None


def read_request(message: dict[str, Any]) -> Request:
    """The request that a message is; raises BadRequest with the text for the switch."""
    method = message.get("method")
    number = request_id(message)
    if method == _PING:
        return Request(number, False, None)
    step = _METHODS.get(method) if isinstance(method, str) else None
    if step is None:
        raise BadRequest("Unknown Method")
    params = message.get("params")
    if not isinstance(params, list) or len(params) != 1 or not isinstance(params[0], dict):
        raise BadRequest("MANDATORY_IE_MISSING: [params]")
    old = str(method).startswith("SMG")
    event = params[0] if old else params[0].get("Event")
    if not isinstance(event, dict):
        raise BadRequest("MANDATORY_IE_MISSING: [Event]")
    domain = _text(event, "Tenant", 128) or (_text(params[0], "Tenant", 128))
    return Request(number, old, _event(step, event, domain))


def _event(step: Step, event: dict[str, Any], domain: str) -> CallEvent:
    origin, account = _text(event, "OriginID", 4096), _text(event, "Account", 128)
    for name, value in (("OriginID", origin), ("Account", account)):
        if not value:
            raise BadRequest(f"MANDATORY_IE_MISSING: [{name}]")
    answered = _instant(event, "AnswerTime")
    if step is Step.CDR and answered is None:
        # Of a call that nobody answered the module sends the whole header line.
        origin = _HEADER.sub("", origin, count=1) if _HEADER.match(origin) else origin
    head, tag = None, ""
    if step in (Step.START, Step.STOP) and "|" in origin:
        head, _, tag = origin.rpartition("|")
    charge_id = _text(event, "ChargeID", 65)
    return CallEvent(
        step=step,
        # As long as the column, and as mediation cuts it.
        call_id=origin.strip()[:255],
        account=account,
        destination=_text(event, "Destination", 128),
        domain=domain,
        system=_text(event, "OriginHost", 64),
        charge_id=charge_id if 0 < len(charge_id) <= 64 else None,
        head=head[:255] if head else None,
        tag=tag[:64] if head else "",
        setup_at=_instant(event, "SetupTime") or answered,
        answered_at=answered,
        usage_ms=_usage(event.get("Usage")),
        cause=_text(event, "DisconnectCause", 4096)[:64],
        dialog_id=_number(event.get("DialogID")),
        dialog_entry=_number(event.get("DialogEntry")),
    )


def grant_reply(request: Request, grant: Grant) -> bytes:
    """The answer to authorise or start.

    Seconds with a decimal point for the newer authorise: the module hands a plain integer to
    the script as 1. Its start wants integer nanoseconds, the older dialect integer seconds.
    """
    seconds = grant.granted_ms // 1000
    assert request.event is not None  # noqa: S101 - a ping has no grant
    if request.old:
        return _reply(request.id, seconds)
    if request.event.step is Step.START:
        result: dict[str, Any] = {"Attributes": None, "ResourceAllocation": None}
        result["MaxUsage"] = seconds * 10**9
    else:
        usage = float(seconds) if seconds else 0
        result = {"AttributesDigest": None, "ResourceAllocation": None, "MaxUsage": usage}
        result |= {"SuppliersDigest": None, "RoutesDigest": None}
    return _reply(request.id, result | {"ThresholdIDs": None, "StatQueueIDs": None})


def ok_reply(request: Request) -> bytes:
    """The answer to a stop, a CDR or a ping."""
    return _reply(request.id, "OK" if request.event else "Pong")


def error_reply(number: int | str | None, text: str) -> bytes:
    """A refusal: the module understands an error only when it is text."""
    return _line({"id": number, "result": None, "error": text[:200] or "SERVER_ERROR"})


def _reply(number: int | str | None, result: Any) -> bytes:
    return _line({"id": number, "result": result, "error": None})


def _line(reply: dict[str, Any]) -> bytes:
    return json.dumps(reply).encode("ascii")


def _text(event: dict[str, Any], name: str, most: int) -> str:
    value = event.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > most or "\0" in value:
        raise BadRequest(f"INVALID: [{name}]")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise BadRequest(f"INVALID: [{name}]") from exc
    return value.strip()


def _instant(event: dict[str, Any], name: str) -> int | None:
    """Milliseconds of UTC; the module writes Unix seconds as text, 0 or nothing for never."""
    text = _text(event, name, 64)
    if not text or text == "0":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise BadRequest(f"INVALID: [{name}]")
    return int(text) * clock.SECOND


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if fits else None


def _usage(value: Any) -> int | None:
    """Milliseconds, rounded up, of ``"1m3s"``, ``"1.5s"`` or a bare number of nanoseconds."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > 64:
        raise BadRequest("INVALID: [Usage]")
    if value.isascii() and value.isdigit():
        value += "ns"
    total, end = Decimal(0), 0
    for part in _PART.finditer(value):
        if part.start() != end:
            break
        total += Decimal(part[1]) * _NS[part[2].replace("µ", "u")]
        end = part.end()
    if end != len(value):
        raise BadRequest("INVALID: [Usage]")
    return min(int((total / 10**6).to_integral_value(ROUND_CEILING)), _LONGEST_MS)
