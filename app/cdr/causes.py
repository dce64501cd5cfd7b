"""Causes of the telephone network (ITU-T Q.850, table 1) and ends of calls, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.words import _, _l

_CAUSES: dict[int, Any] = {
    1: _l("number not assigned"),
    2: _l("no route to the network"),
    3: _l("no route to the destination"),
    16: _l("ended normally"),
    17: _l("busy"),
    18: _l("nobody responds"),
    19: _l("nobody answers"),
    20: _l("subscriber absent"),
    21: _l("rejected"),
    22: _l("number changed"),
    23: _l("redirected"),
    25: _l("routing error of the exchange"),
    26: _l("cleared, not chosen"),
    27: _l("destination out of order"),
    28: _l("number incomplete or wrong"),
    29: _l("facility rejected"),
    31: _l("normal, unspecified"),
    34: _l("no circuit free"),
    38: _l("network out of order"),
    41: _l("temporary failure"),
    42: _l("exchange congested"),
    44: _l("circuit not available"),
    47: _l("resource unavailable"),
    50: _l("facility not subscribed"),
    55: _l("incoming calls barred"),
    57: _l("bearer capability not authorised"),
    58: _l("bearer capability not available"),
    63: _l("service unavailable"),
    65: _l("bearer capability not implemented"),
    79: _l("service not implemented"),
    88: _l("incompatible destination"),
    95: _l("invalid message"),
    102: _l("a timer ran out"),
    111: _l("protocol error"),
    127: _l("interworking, unspecified"),
}


def cause(number: int | None) -> str:
    """``17, busy``; empty for none."""
    if number is None:
        return ""
    word = _CAUSES.get(number)
    return str(number) if word is None else f"{number}, {word}"


def hangup(cdr: Mapping[str, Any]) -> str:
    """Who ended the call; empty where nobody did, or nobody knows."""
    said = cdr["hangup"]
    if said == "timeout":
        if cdr["answered_at"] is None:
            return _("a timer: nobody answered in time")
        return _("a timer: the call's longest time was over")
    words = {"caller": _("the caller"), "callee": _("the callee"), "switch": _("the switch")}
    return words.get(said, "")


def unknown(cdr: Mapping[str, Any]) -> str:
    """What to do when the switch's script tells nothing of this; empty when it does."""
    if cdr["attempts"] or cdr["hangup"] or not (cdr["gateway"] or cdr["answered_at"] is not None):
        return ""
    return _(
        "Gateways tried, the delay until it rang, the cause and who hung up are unknown: the"
        " switch's script does not record them. Take the newer accounting.cfg and add its columns"
        " (opensips_scripts/README.md, acc-attempt-columns); calls from then on tell."
    )
