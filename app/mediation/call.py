"""What mediation turns rows into: values only.

What there is one of per row or call is a named tuple: made three times as fast as a frozen
dataclass, and millions of them are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag, StrEnum
from typing import NamedTuple

ACC = "acc"
MISSED = "missed_calls"


class Row(NamedTuple):
    """One row of ``acc`` or ``missed_calls`` (OpenSIPS acc module), stock columns named.

    ``time`` and ``created`` are the switch's wall clock. ``extra`` holds what the operator's
    columns say, by meaning (caller, callee, account…). ``seen_at`` is when we first read it.
    """

    table: str
    id: int
    method: str
    call_id: str
    from_tag: str
    to_tag: str
    sip_code: str
    sip_reason: str
    time: datetime | None
    created: datetime | None
    setuptime: int
    ms_duration: int
    extra: Mapping[str, str]
    seen_at: int

    @property
    def name(self) -> str:
        """``acc:12``: how a CDR names the row."""
        return f"{self.table}:{self.id}"

    @property
    def by_dialog(self) -> bool:
        """Whether the ``cdr`` flag wrote it: other rows have ``created`` in 1970."""
        return self.created is not None and self.created.year > 1971

    @property
    def ok(self) -> bool:
        """Whether the final reply was a success (RFC 3261, 2xx)."""
        return self.sip_code.startswith("2")


class Flag(IntFlag):
    """What is not known exactly about a call."""

    WHOLE_SECONDS = 1
    SETUP_UNKNOWN = 2
    AMBIGUOUS_HOUR = 4
    NO_SWITCH_ROW = 8
    # set long after, by retention: see app.retention.numbers
    NUMBERS_REMOVED = 16


class Trouble(StrEnum):
    """Why a row lies in suspense."""

    NO_BYE = "no_bye"
    NO_INVITE = "no_invite"
    NO_FINAL = "no_final"
    FORKED = "forked"
    NO_CALL_ID = "no_call_id"
    NO_TIME = "no_time"
    IN_FUTURE = "in_future"
    BAD_CODE = "bad_code"
    BAD_LENGTH = "bad_length"
    NOT_A_CALL = "not_a_call"
    TWO_SESSIONS = "two_sessions"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A row that is no call, and why."""

    row: Row
    reason: Trouble
    detail: str = ""


class Correlated(NamedTuple):
    """Rows that are one call: the main row, for pairs the BYE, and what belongs to it."""

    main: Row
    bye: Row | None = None
    others: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, the main one first."""
        return (self.main, *((self.bye,) if self.bye else ()), *self.others)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all rows, the main one's first."""
        if self.bye is None and not self.others:
            return (self.main.name,)
        return tuple(row.name for row in self.rows)


class Attempt(NamedTuple):
    """One gateway that was tried for a call and did not take it.

    ``first_ms`` and ``final_ms`` are milliseconds from sending the INVITE to the first
    provisional and to the final answer; ``cause`` is Q.850's. None: the script does not tell.
    """

    gateway: str
    carrier: str
    at: int
    sip_code: int
    sip_reason: str = ""
    first_ms: int | None = None
    final_ms: int | None = None
    cause: int | None = None


class Call(NamedTuple):
    """One call, in UTC milliseconds and E.164 digits where there are any."""

    call_id: str
    from_tag: str
    to_tag: str
    charge_id: str | None
    caller: str
    callee: str
    number: str  # callee's E.164 digits, empty for a name
    dialled: str
    domain: str
    account: str
    gateway: str
    carrier: str
    src_ip: str
    user_agent: str
    setup_at: int
    answered_at: int | None
    ended_at: int
    duration_ms: int
    sip_code: int
    sip_reason: str
    flags: Flag
    row_names: tuple[str, ...]
    # where it was routed to in the end, and what else decides a price
    routed: str = ""
    asserted: str = ""  # P-Asserted-Identity (RFC 3325)
    routing_number: str = ""  # of a ported number (RFC 4694, rn)
    trunk: str = ""  # the customer's
    direction: str = ""
    # post-dial delay: from the INVITE to the first ringing (RFC 6076)
    pdd_ms: int | None = None
    hangup: str = ""  # caller, callee, switch, timeout
    cause: int | None = None  # Q.850
    # how many gateways were tried, 0 where the script does not tell, and those before the last
    attempts: int = 0
    tries: tuple[Attempt, ...] = ()
    # the last one's own delays, as an Attempt's; of the only one the call's say it
    first_ms: int | None = None
    final_ms: int | None = None
