"""What a CDR's flags mean, in a sentence each."""

from __future__ import annotations

from typing import Any

from app.core.words import _l
from app.mediation.call import Flag

_SENTENCES: dict[Flag, Any] = {
    Flag.WHOLE_SECONDS: _l(
        "The length is known to the second only: it is the time between the INVITE row and the"
        " BYE row. With the cdr flag in the script it would be exact."
    ),
    Flag.SETUP_UNKNOWN: _l(
        "When the call was set up is not recorded; the list shows the time of its final reply"
        " instead."
    ),
    Flag.AMBIGUOUS_HOUR: _l(
        "The time fell into the hour that occurs twice when summer time ends, and nothing tells"
        " which of the two it was. The first was taken."
    ),
    Flag.NO_SWITCH_ROW: _l(
        "The switch wrote no acc row for this call: it is made from its charging session."
    ),
}


_DIRECTIONS = {
    "out": _l("outgoing"),
    "in": _l("incoming"),
    "onnet": _l("on-net"),
    "tollfree": _l("toll-free"),
}


def direction(name: str) -> str:
    """A CDR's direction; empty where nobody knows."""
    return str(_DIRECTIONS.get(name, name))


def flags(bits: int) -> list[str]:
    """The sentences for the flags that are set."""
    return [str(sentence) for flag, sentence in _SENTENCES.items() if bits & flag]
