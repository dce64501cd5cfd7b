"""Which rows are one call. Pure: rows in, calls, waiting rows and leftovers out.

Shapes of the acc module (OpenSIPS ``acc``, flags of ``do_accounting``):
- with ``cdr``: one row per answered call, written at its end, with ``ms_duration``;
- ``failed``/``missed``: a failed call leaves a row in ``acc`` and one in ``missed_calls``,
  a carrier that failed before another took the call only one in ``missed_calls``;
- without ``cdr``: an INVITE row at the answer and, if the script accounts it, a BYE row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from app.mediation.call import ACC, Correlated, Leftover, Row, Trouble

# A BYE is accounted by the same clock as its INVITE; a pair further apart than this is two calls.
LONGEST_CALL_S = 48 * 3600
# Rows of one failed attempt are written within the same moment.
SAME_MOMENT_S = 5


@dataclass(slots=True)
class Sorted:
    """The outcome: calls that are complete, rows that wait for others, rows that are no call."""

    calls: list[Correlated] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)


def correlate(rows: Iterable[Row]) -> Sorted:
    """Sorts rows, the waiting ones of earlier passes among them, into calls.

    Call-IDs are compared as they are: two that differ only in case are two calls.
    """
    out = Sorted()
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        reason = _trouble(row)
        if reason:
            out.leftovers.append(Leftover(row, reason))
        else:
            groups[row.call_id].append(row)
    for group in groups.values():
        _sort_group(group, out)
    return out


def _trouble(row: Row) -> Trouble | None:
    if not row.call_id:
        return Trouble.NO_CALL_ID
    if row.time is None or row.time.year <= 1971:
        return Trouble.NO_TIME
    if not (len(row.sip_code) == 3 and row.sip_code.isascii() and row.sip_code.isdigit()):
        return Trouble.BAD_CODE
    if row.ms_duration < 0:
        return Trouble.BAD_LENGTH
    return None if row.method in ("INVITE", "BYE") else Trouble.NOT_A_CALL


def _sort_group(group: list[Row], out: Sorted) -> None:
    group.sort(key=lambda row: (_time(row), row.table, row.id))
    missed = [row for row in group if row.table != ACC]
    byes = [row for row in group if row.table == ACC and row.method == "BYE"]
    for row in group:
        if row.table != ACC or row.method != "INVITE":
            continue
        if not row.by_dialog and row.ok:
            _pair(row, byes, out)
        else:
            mine = [other for other in missed if _same_call(row, other)]
            missed = [other for other in missed if other not in mine]
            out.calls.append(Correlated(row, others=tuple(mine)))
    out.waiting += missed
    # A BYE that came before its INVITE row waits for it; the caller decides how long.
    out.waiting += byes


def _pair(invite: Row, byes: list[Row], out: Sorted) -> None:
    """Gives an answered INVITE its BYE: the first one after it between the same parties."""
    tags = {invite.from_tag, invite.to_tag}
    for bye in byes:
        apart = (_time(bye) - _time(invite)).total_seconds()
        # One second back: the two rows carry two truncated clocks.
        if {bye.from_tag, bye.to_tag} == tags and -1 <= apart <= LONGEST_CALL_S:
            others = tuple(
                other
                for other in byes
                if other is not bye
                and {other.from_tag, other.to_tag} == tags
                and 0 <= (_time(other) - _time(bye)).total_seconds() <= SAME_MOMENT_S
            )
            byes[:] = [other for other in byes if other is not bye and other not in others]
            out.calls.append(Correlated(invite, bye, others))
            return
    out.waiting.append(invite)


def _same_call(main: Row, missed: Row) -> bool:
    """Whether a missed row is of the call that this acc row closes: one INVITE, one caller's tag,
    accounting switched on in the same second (or, unknown there, the same moment)."""
    if missed.from_tag != main.from_tag:
        return False
    if main.created is not None and missed.created is not None and main.by_dialog:
        return abs((main.created - missed.created).total_seconds()) <= 1
    return abs((_time(main) - _time(missed)).total_seconds()) <= SAME_MOMENT_S


def _time(row: Row) -> datetime:
    return row.time or datetime(1970, 1, 1)  # noqa: DTZ001 - rows without a time are left over
