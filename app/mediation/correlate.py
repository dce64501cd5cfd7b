"""Which rows are one call. Pure: rows in, calls, waiting rows and leftovers out.

Shapes of the acc module (OpenSIPS ``acc``, flags of ``do_accounting``):
- with ``cdr``: one row per answered call, written at its end, with ``ms_duration``;
- ``failed``/``missed``: a failed call leaves a row in ``acc`` and one in ``missed_calls``,
  a carrier that failed before another took the call only one in ``missed_calls``;
- without ``cdr``: an INVITE row at the answer and, if the script accounts it, a BYE row;
- with ``leg_fields``: the same row once for each leg; they differ in the legs' columns only;
- a script that accounts requests inside a dialog too: INVITE rows between answer and end;
- with ``early_media``: an INVITE row of a provisional reply (1xx) before the others;
- two phones that answer one forked INVITE: an INVITE row, later a BYE row, of each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from app.mediation.call import ACC, Correlated, Leftover, Row, Trouble

# A BYE is accounted by the same clock as its INVITE; a pair further apart than this is two calls.
LONGEST_CALL_S = 48 * 3600
# Within a dialog an INVITE refreshes the session (RFC 4028) long before this has passed: a later
# one with the same tags is a call of its own, whose Call-ID was used again.
REFRESHED_S = 12 * 3600
# Rows of one failed attempt are written within the same moment.
SAME_MOMENT_S = 5
# An INVITE is given up after three minutes at the latest (RFC 3261, timer C): gateways that were
# tried before the last one were tried within that time.
RINGING_S = 180
# A BYE is sent again for so long (RFC 3261, timer F), and both sides may send one.
BYE_AGAIN_S = 32
# Phones that answer one forked INVITE do so within this time (RFC 3261, 13.2.2.4).
FORKED_S = 32
# What the last leg says of where the call went is what counts.
_LAST_LEG = ("gateway", "carrier", "routed")


@dataclass(slots=True)
class Sorted:
    """The outcome: calls that are complete, rows that wait for others, rows that are no call."""

    calls: list[Correlated] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)


def correlate(rows: Iterable[Row], *, final: bool = False) -> Sorted:
    """Sorts rows, the waiting ones of earlier passes among them, into calls.

    ``final``: of a call that two phones answered, the BYE of one is enough.
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
        if len(group) == 1 and _is_whole(group[0]):
            out.calls.append(Correlated(group[0]))
        else:
            _sort_group(group, out, final)
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


def lone(rows: Iterable[Row]) -> list[Correlated]:
    """Calls of rows of ``missed_calls`` alone: gateways tried for one INVITE are one call."""
    by_caller: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_caller[row.call_id, row.from_tag].append(row)
    calls: list[list[Row]] = []
    for mine in by_caller.values():
        mine.sort(key=lambda row: (_time(row), row.id))
        calls.append([mine[0]])
        for row in mine[1:]:
            if _same_call(row, calls[-1][-1]):
                calls[-1].append(row)
            else:
                calls.append([row])
    return [Correlated(call[-1], others=tuple(call[:-1])) for call in calls]


def _sort_group(group: list[Row], out: Sorted, final: bool) -> None:
    """The rows of one Call-ID: first what is a call by itself or by a pair, then what is left."""
    group.sort(key=lambda row: (_time(row), row.table, row.id))
    left = {row.name: row for row in group}

    def take(wanted: Callable[[Row], bool]) -> list[Row]:
        return [left.pop(row.name) for row in list(left.values()) if wanted(row)]

    calls: list[tuple[Row, Row | None, list[Row]]] = []
    for main in _invites(group, lambda row: row.by_dialog and row.ok):
        if left.pop(main.name, None):
            end = _seconds(main) + main.ms_duration / 1000
            calls.append((main, None, take(lambda row: _inside(main, end, row))))  # noqa: B023
    for main in _invites(group, lambda row: row.ok and not row.by_dialog):
        ended = _ended(main, list(left.values()), final) if main.name in left else []
        if ended:
            calls.append(_pairs_to_call(ended, take))
    for main in _invites(group, lambda row: not row.ok and not is_early(row)):
        if left.pop(main.name, None):
            calls.append((main, None, take(lambda row: _is_twin(main, row))))  # noqa: B023
    for main, bye, others in sorted(calls, key=lambda call: _time(call[0])):
        others += take(
            lambda row: (row.table != ACC or is_early(row)) and _same_call(main, row)  # noqa: B023
        )
        out.calls.append(Correlated(_with_legs(main, others), bye, tuple(others)))
    # Missed calls without their main row, INVITEs without BYE, BYEs that came before their
    # INVITE: the caller decides how long they wait.
    out.waiting += left.values()


def _pairs_to_call(
    ended: list[tuple[Row, Row | None]], take: Callable[[Callable[[Row], bool]], list[Row]]
) -> tuple[Row, Row | None, list[Row]]:
    """One call of the phones that answered it: the one that lasted, and what goes with it."""
    pairs = {row.name for pair in ended for row in pair if row}
    take(lambda row: row.name in pairs)
    others: list[Row] = []
    for invite, bye in ended:
        if bye:
            end = _seconds(bye)
            others += take(lambda row: _inside(invite, end, row))  # noqa: B023
    (main, last), *rest = ended
    return main, last, others + [row for pair in rest for row in pair if row]


def _invites(group: list[Row], wanted: Callable[[Row], bool]) -> list[Row]:
    return [row for row in group if row.table == ACC and row.method == "INVITE" and wanted(row)]


def _is_whole(row: Row) -> bool:
    """Whether a row that has its Call-ID for itself is a call: by far the most are."""
    if row.table != ACC or row.method != "INVITE" or is_early(row):
        return False
    return row.by_dialog or not row.ok


def is_early(row: Row) -> bool:
    """Whether a row of ``acc`` tells of a provisional reply (modparam ``early_media``)."""
    return row.table == ACC and row.method == "INVITE" and row.sip_code.startswith("1")


def may_be_inside(row: Row) -> bool:
    """Whether a refused INVITE may have been one inside a dialog, whose own rows come later."""
    refused = row.table == ACC and row.method == "INVITE" and not row.ok and not row.by_dialog
    return refused and bool(row.to_tag) and not is_early(row)


def _ended(main: Row, rows: list[Row], final: bool) -> list[tuple[Row, Row | None]]:
    """The answered INVITE with its BYE, and those of other phones that answered it, the longest
    first; nothing while one of them has no BYE (``final``: while none has)."""
    found: dict[str, tuple[Row, Row | None]] = {}
    for row in rows:
        forked = row.to_tag != main.to_tag and row.from_tag == main.from_tag
        if row is not main and not (forked and _is_answer(row, main)):
            continue
        if row.to_tag not in found:
            found[row.to_tag] = (row, _bye_of(row, rows))
    if not any(bye for _, bye in found.values()):
        return []
    if not final and not all(bye for _, bye in found.values()):
        return []
    return sorted(
        found.values(), key=lambda pair: _seconds(pair[1]) if pair[1] else 0.0, reverse=True
    )


def _is_answer(row: Row, main: Row) -> bool:
    plain = row.table == ACC and row.method == "INVITE" and row.ok and not row.by_dialog
    return plain and abs(_seconds(row) - _seconds(main)) <= FORKED_S


def _with_legs(main: Row, others: list[Row]) -> Row:
    """The main row with what its legs' columns say where it says nothing itself."""
    legs = sorted((row for row in others if _is_twin(main, row)), key=lambda row: row.id)
    if not legs:
        return main
    extra = dict(main.extra)
    for leg in legs:
        for meaning, value in leg.extra.items():
            if value and (not extra.get(meaning) or (meaning in _LAST_LEG and leg.id > main.id)):
                extra[meaning] = value
    return main._replace(extra=extra)


def _bye_of(invite: Row, rows: Iterable[Row]) -> Row | None:
    """The first BYE after an answered INVITE of the same parties, before they call again."""
    tags = {invite.from_tag, invite.to_tag}
    mine = [row for row in rows if row.table == ACC and {row.from_tag, row.to_tag} == tags]
    for row in mine:
        apart = _seconds(row) - _seconds(invite)
        if row is invite:
            continue
        if row.method == "INVITE" and row.ok and apart > REFRESHED_S:
            return None
        # One second back: the two rows carry two truncated clocks.
        if row.method == "BYE" and -1 <= apart <= LONGEST_CALL_S:
            return row
    return None


def _inside(main: Row, end: float, row: Row) -> bool:
    """Whether a row of ``acc`` is of a dialog that lasted from an answer to its end: a leg's, the
    same row again, a request that the script accounted on the way, a BYE sent twice."""
    if row.table != ACC or {row.from_tag, row.to_tag} != {main.from_tag, main.to_tag}:
        return False
    if row.by_dialog and row.ok:
        return _is_twin(main, row) and row.ms_duration == main.ms_duration
    after = BYE_AGAIN_S if row.method == "BYE" else 1
    return _seconds(main) - 1 <= _seconds(row) <= end + after


def _is_twin(main: Row, row: Row) -> bool:
    """Whether a row says the same as the main one: a leg's, or the same written twice."""
    return row.table == main.table and (
        (row.method, row.from_tag, row.to_tag, row.sip_code, row.time, row.created)
        == (main.method, main.from_tag, main.to_tag, main.sip_code, main.time, main.created)
    )


def _same_call(main: Row, missed: Row) -> bool:
    """Whether a missed row is of the call that this row closes: one INVITE, one caller's tag,
    accounting switched on in the same second (or, unknown there, tried shortly before)."""
    if missed.from_tag != main.from_tag:
        return False
    if main.created is not None and missed.created is not None and main.by_dialog:
        if abs((main.created - missed.created).total_seconds()) <= 1:
            return True
        if missed.by_dialog:
            return False
    return -RINGING_S <= _seconds(missed) - _seconds(main) <= SAME_MOMENT_S


def _time(row: Row) -> datetime:
    return row.time or _NO_TIME


def _seconds(row: Row) -> float:
    return (_time(row) - _NO_TIME).total_seconds()


# Rows without a time are left over before they are compared.
_NO_TIME = datetime(1970, 1, 1)  # noqa: DTZ001
