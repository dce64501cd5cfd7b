"""What a switch tells about a call that is charged while it lasts: values, no wire format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import CompanionError


class Step(StrEnum):
    """The four things that a switch says about a call."""

    AUTHORISE = "authorise"
    START = "start"
    STOP = "stop"
    CDR = "cdr"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One message about one call; instants in ms UTC (whole seconds), lengths in ms.

    ``call_id`` is the Call-ID as it came. Where it may carry the name of a charging run,
    ``Call-ID|tag``, ``head`` and ``tag`` are its two parts: a caller can write a bar into a
    Call-ID too, so both readings are looked for.
    """

    step: Step
    call_id: str
    account: str
    destination: str = ""
    domain: str = ""
    system: str = ""
    charge_id: str | None = None
    head: str | None = None
    tag: str = ""
    setup_at: int | None = None
    answered_at: int | None = None
    usage_ms: int | None = None
    cause: str = ""
    dialog_id: int | None = None
    dialog_entry: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """How long a call may last, in ms (whole seconds); 0 means that it may not."""

    granted_ms: int


class Refused(CompanionError):
    """A call that may not go for a reason other than money; ``reason`` goes to the switch."""

    code = "refused"
    status = 403

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
