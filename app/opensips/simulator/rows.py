"""What OpenSIPS 3.6 writes for a call. Pure; every rule was seen on a real server.

``acc`` module with flags ``cdr|missed|failed`` and a column for each extra field:
- an answered call: one row, when the BYE is answered; ``time`` is the answer, ``created`` the
  INVITE, ``setuptime`` the difference of their whole seconds, ``duration`` = ceil(ms/1000);
- a failed call: a row in ``acc`` and one in ``missed_calls``, same second;
- a gateway that failed before another took over: only a row in ``missed_calls``. It uses up
  the ``missed`` flag: a later failure of that call leaves no second one;
- what the shipped script tells of attempts, delays and the end: text, as all extra columns;
- without ``cdr``: ``created`` is 1970 and ``setuptime`` the Unix time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from app.core import clock
from app.opensips.simulator.call import REASONS, Attempt, Call
from app.opensips.tables import EXTRA_COLUMNS

Row = dict[str, Any]
TableName = Literal["acc", "missed_calls"]
# A row, its table, and when the switch writes it (milliseconds UTC).
Written = tuple[int, TableName, Row]

_EXTRAS = list(EXTRA_COLUMNS)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock
# Q.850, as gateways to the telephone network tell it in a Reason header.
_CAUSES = {200: "16", 404: "1", 480: "18", 486: "17", 503: "41", 603: "21"}
_QUARTER = 15 * clock.MINUTE


@lru_cache(maxsize=16_384)
def _offset(quarter: int, zone: str) -> timedelta:
    # Zones change their offset on quarters of an hour only.
    instant = quarter * _QUARTER
    return clock.wall_clock(instant, zone) - _NAIVE_EPOCH - timedelta(milliseconds=instant)


def wall(instant_ms: int, zone: str) -> datetime:
    """The switch's wall clock, truncated to the second."""
    seconds = timedelta(seconds=instant_ms // 1000)
    return _NAIVE_EPOCH + seconds + _offset(instant_ms // _QUARTER, zone)


def written(call: Call, zone: str) -> list[Written]:
    """All rows that a call leaves, each with the instant at which it is written."""
    if not call.by_dialog:
        return _by_transaction(call, zone)
    rows: list[Written] = [
        (attempt.at_ms, "missed_calls", _failed_attempt(call, attempt, zone))
        for attempt in call.failed
    ]
    if not call.answered and not call.failed:
        rows.append((call.end_ms, "missed_calls", _row(call, zone)))
    rows.append((call.end_ms, "acc", _row(call, zone) | lengths(call.talk_ms)))
    return rows


def lengths(ms: int) -> Row:
    """``duration`` and ``ms_duration``; the former is rounded up."""
    return {"duration": -(-ms // 1000), "ms_duration": ms}


def _row(call: Call, zone: str) -> Row:
    return {
        "method": "INVITE",
        "from_tag": call.from_tag,
        "to_tag": call.to_tag,
        "callid": call.callid,
        "sip_code": str(call.code),
        "sip_reason": REASONS[call.code],
        "time": wall(call.final_ms, zone),
        "setuptime": call.final_ms // 1000 - call.setup_ms // 1000,
        "created": wall(call.setup_ms, zone),
        "caller": call.caller,
        "callee": call.callee,
        "caller_domain": call.domain,
        "account": call.account,
        "gateway": call.gateway,
        "carrier": call.carrier,
        "src_ip": call.src_ip,
        "user_agent": call.agent,
        "charge_id": call.charge_id,
        "routed": call.routed,
        "asserted": call.caller if call.trunk else None,
        "routing_number": None,
        "trunk": call.trunk,
        "attempt": str(len(call.failed) + 1),
        "first_ms": None if call.ring_ms is None else str(call.ring_ms),
        # Our own timer is no answer of the gateway's.
        "final_ms": None if call.code == 408 else str(call.final_ms - _sent(call)),
        "pdd_ms": None if call.ring_ms is None else str(_sent(call) - call.setup_ms + call.ring_ms),
        "cause": None if call.gateway is None else _CAUSES.get(call.code),
        "hangup": call.hangup or None,
    }


def _sent(call: Call) -> int:
    """When the INVITE went to the last gateway."""
    return call.failed[-1].at_ms if call.failed else call.setup_ms


def _failed_attempt(call: Call, attempt: Attempt, zone: str) -> Row:
    return _row(call, zone) | {
        "to_tag": attempt.to_tag,
        "sip_code": "503",
        "sip_reason": REASONS[503],
        "time": wall(attempt.at_ms, zone),
        "setuptime": attempt.at_ms // 1000 - call.setup_ms // 1000,
        "gateway": attempt.gateway,
        "carrier": attempt.carrier,
        "attempt": str(call.failed.index(attempt) + 1),
        "first_ms": None,
        "final_ms": str(attempt.at_ms - call.setup_ms),
        "pdd_ms": None,
        "cause": "41",
        "hangup": None,
    }


def _by_transaction(call: Call, zone: str) -> list[Written]:
    """INVITE and BYE accounted as transactions: no lengths, and the BYE without extra fields."""
    if not call.answered:
        return []
    invite = _row(call, zone) | _undated(call.final_ms, zone)
    bye = invite | _undated(call.end_ms, zone) | dict.fromkeys(_EXTRAS)
    bye |= {"method": "BYE", "time": wall(call.end_ms, zone)}
    return [(call.final_ms, "acc", invite), (call.end_ms, "acc", bye)]


def _undated(at_ms: int, zone: str) -> Row:
    return {"created": wall(0, zone), "setuptime": at_ms // 1000} | lengths(0)
