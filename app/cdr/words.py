"""What a CDR's flags mean, in a sentence each."""

from __future__ import annotations

from app.mediation.call import Flag

_SENTENCES = {
    Flag.WHOLE_SECONDS: "The length is known to the second only: it is the time between the INVITE"
    " row and the BYE row. With the cdr flag in the script it would be exact.",
    Flag.SETUP_UNKNOWN: "When the call was set up is not recorded; the list shows the time of its"
    " final reply instead.",
    Flag.AMBIGUOUS_HOUR: "The time fell into the hour that occurs twice when summer time ends, and"
    " nothing tells which of the two it was. The first was taken.",
    Flag.NO_SWITCH_ROW: "The switch wrote no acc row for this call: it is made from its charging"
    " session.",
}


def flags(bits: int) -> list[str]:
    """The sentences for the flags that are set."""
    return [sentence for flag, sentence in _SENTENCES.items() if bits & flag]
