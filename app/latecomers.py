"""Rows whose call has its CDR already: a leg's, one written twice, a BYE sent again, a gateway
that was tried for it. They are added to that CDR, never made another one of.

Stands beside the pipeline, since it joins mediation's rows and the store of CDRs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from app.cdr.record import Key
from app.cdr.tables import answered, failed
from app.core import clock
from app.mediation import pending
from app.mediation.call import ACC, Call, Flag, Leftover, Row, Trouble
from app.mediation.correlate import (
    BYE_AGAIN_S,
    FORKED_S,
    LONGEST_CALL_S,
    RINGING_S,
    SAME_MOMENT_S,
    correlate,
    is_early,
    lone,
)
from app.mediation.met import Met
from app.mediation.pending import Kept
from app.mediation.source import Reader, Source, written_at
from app.mediation.tables import open_call
from app.window import Window
from app.windows import LEGS

__all__ = ["Met", "join", "meet", "of_calls", "of_rows", "sort_overdue"]

# So many calls are all asked for.
_SMALL = 200

_COLUMNS = (
    "id",
    "setup_at",
    "call_id",
    "from_tag",
    "to_tag",
    "answered_at",
    "ended_at",
    "duration_ms",
    "sip_code",
    "flags",
)


def meet(window: Window, met: Met) -> None:
    """Notes which Call-IDs of a window may have a CDR: those that were read lately, by whomever,
    and those of calls that ended long before the ones around them. Singles among them become
    ordinary calls. Again when calls have been added: they are looked at, too."""
    told = window.singles.columns if window.singles else {"call_id": [], "ended_at": []}
    ends = dict(zip(told["call_id"], told["ended_at"], strict=True))
    ends |= {call.call_id: call.ended_at for call in window.calls}
    fresh = {call_id: end for call_id, end in ends.items() if call_id not in window.known}
    marks = [mark for mark, _ in window.moves]
    large = bool(window.singles) or len(window.calls) > _SMALL
    if large and not window.known:
        met.recall(marks)
    window.again |= met.again(fresh)
    if not window.known:
        met.went_on((mark, position.high) for mark, position in window.moves)
    if large and not window.known:
        window.again |= met.late(marks[0].part if marks else "", fresh)
    window.known.update(fresh)
    if window.singles and window.look_closer(window.singles.places_of(window.again)):
        window.sort()


def join(connection: Connection, source_id: int, window: Window, met: Met) -> bool:
    """Takes out of a window the calls that have their CDR: a leg or a copy of a row of before.

    In a small window every call is asked for. In a large one, that must be quick, those are: rows
    right behind the last one read, since legs are written in one go; Call-IDs that were read
    lately, by whomever; calls that ended long before those around them. True when there was one.
    """
    meet(window, met)
    calls = window.calls
    if len(calls) > _SMALL:
        asked = {mark.table: mark.position.high + LEGS for mark, _ in window.moves}
        near = {row.name for row in window.rows if row.id <= asked.get(row.table, 0)}
        calls = [one for one in calls if one.call_id in window.again or one.row_names[0] in near]
    # A provisional CDR of rows in this window is about to be removed.
    going = {item.cdr for item in window.kept if item.cdr}
    keys, forked = of_calls(connection, source_id, calls, going)
    gone = {id(calls[place]) for place in (*keys, *forked)}
    window.joined += [(key, list(calls[place].row_names)) for place, key in keys.items()]
    window.calls = [call for call in window.calls if id(call) not in gone]
    rows = {row.name: row for row in window.rows} if forked else {}
    window.leftovers += [
        Leftover(rows[name], Trouble.FORKED, f"CDR {key.id}")
        for place, key in forked.items()
        for name in calls[place].row_names
    ]
    return bool(gone)


def sort_overdue(
    connection: Connection,
    found: Source,
    readers: Sequence[Reader],
    window: Window,
    overdue: Sequence[Kept],
) -> int:
    """Rows that waited long enough: to their CDR, to calls of their own, or to suspense.

    Returns how many; a BYE whose INVITE still waits goes on waiting with it.
    """
    names = {item.row.name for item in overdue}
    call_ids = {item.row.call_id for item in overdue}
    mates = pending.load_mates(connection, found, readers, call_ids)
    mates = [item for item in mates if item.row.name not in names]
    provisional = {item.cdr for item in mates if item.cdr}
    zone = found.habits.zone
    rows = [(item.row, written_at(item.row, zone, item.row.seen_at)) for item in overdue]
    # A provisional CDR is made anew, with the rows that came since.
    keys = {
        name: key
        for name, key in of_rows(connection, found.id, rows).items()
        if (key.id, key.setup_at) not in provisional
    }
    window.joined += [(key, [name]) for name, key in keys.items()]
    kept = [item.row for item in (*overdue, *mates) if item.row.name not in keys]
    given_up = {item.row.call_id for item in overdue if item.row.method == "INVITE"}
    last = correlate(
        (row for row in kept if row.table == ACC and row.call_id in given_up), final=True
    )
    calls = [
        call
        for call in (*lone(row for row in kept if row.table != ACC), *last.calls)
        if names.intersection(row.name for row in call.rows)
    ]
    in_calls = {row.name for call in calls for row in call.rows}
    stays = {
        item.row.name
        for item in overdue
        if item.row.name not in in_calls | set(keys) and _waits_with(item.row, mates)
    }
    taken = (names - stays) | in_calls
    window.take([item for item in (*overdue, *mates) if item.row.name in taken])
    for call in calls:
        window.alone(call)
    for item in overdue:
        if item.row.table == ACC and item.row.name in taken - in_calls - set(keys):
            window.leftovers.append(Leftover(item.row, _why(item.row)))
    return len(names - stays)


def _waits_with(row: Row, mates: Sequence[Kept]) -> bool:
    """Whether a BYE's INVITE waits: for the BYE of another phone that answered too."""
    return row.method == "BYE" and any(
        item.table is open_call
        and item.row.table == ACC
        and item.row.method == "INVITE"
        and {item.row.from_tag, item.row.to_tag} == {row.from_tag, row.to_tag}
        for item in mates
    )


def _why(row: Row) -> Trouble:
    if is_early(row):
        return Trouble.NO_FINAL
    return Trouble.NO_INVITE if row.method == "BYE" else Trouble.NO_BYE


def of_calls(
    connection: Connection, source_id: int, calls: Sequence[Call], going: set[tuple[int, int]]
) -> tuple[dict[int, Key], dict[int, Key]]:
    """Which of these calls (by their place) are in a CDR, and of which another phone's answer is.

    CDRs that are ``going`` do not count.
    """
    if not calls:
        return {}, {}
    times = [call.setup_at for call in calls]
    around = max(map(_reach, calls))
    stored = _stored(connection, source_id, {call.call_id for call in calls}, times, around)
    found: dict[int, Key] = {}
    forked: dict[int, Key] = {}
    for place, call in enumerate(calls):
        for key, cdr in stored[call.call_id]:
            if (key.id, key.setup_at) in going:
                continue
            if _says_the_same(call, cdr) or _is_on_the_way(call, cdr):
                found[place] = key
                break
            if _is_forked(call, cdr):
                forked[place] = key
    return found, {place: key for place, key in forked.items() if place not in found}


def _reach(call: Call) -> int:
    """How far from a call's beginning the CDR may begin that it belongs to, in milliseconds."""
    if not call.flags & Flag.SETUP_UNKNOWN:
        return 0
    return (FORKED_S if call.answered_at is not None else LONGEST_CALL_S) * clock.SECOND


def _is_on_the_way(call: Call, cdr: Mapping[str, Any]) -> bool:
    """Whether a refused INVITE was one inside of an answered call."""
    if call.answered_at is not None or not call.flags & Flag.SETUP_UNKNOWN or not call.to_tag:
        return False
    same = {call.from_tag[:255], call.to_tag[:255]} == {cdr["from_tag"], cdr["to_tag"]}
    begin = cdr["answered_at"]
    return same and begin is not None and begin <= call.ended_at <= cdr["ended_at"] + clock.SECOND


def _is_forked(call: Call, cdr: Mapping[str, Any]) -> bool:
    """Whether another phone that answered the same INVITE has its CDR."""
    if call.answered_at is None or cdr["answered_at"] is None:
        return False
    pairs = call.flags & cdr["flags"] & Flag.WHOLE_SECONDS
    other = call.from_tag[:255] == cdr["from_tag"] and call.to_tag[:255] != cdr["to_tag"]
    apart = abs(call.answered_at - cdr["answered_at"])
    return bool(pairs and other and apart <= FORKED_S * clock.SECOND)


def of_rows(
    connection: Connection, source_id: int, rows: Iterable[tuple[Row, int]]
) -> dict[str, Key]:
    """Which rows (with the instant at which each was written), by name, lie inside of a CDR."""
    asked = list(rows)
    if not asked:
        return {}
    around = LONGEST_CALL_S * clock.SECOND
    stored = _stored(
        connection, source_id, {row.call_id for row, _ in asked}, [at for _, at in asked], around
    )
    found = {}
    for row, at in asked:
        for key, cdr in stored[row.call_id]:
            if _lies_inside(row, at, cdr):
                found[row.name] = key
                break
    return found


def _says_the_same(call: Call, cdr: Mapping[str, Any]) -> bool:
    if (call.from_tag[:255], call.to_tag[:255]) != (cdr["from_tag"], cdr["to_tag"]):
        return False
    if call.answered_at is not None:
        mine = (call.answered_at, call.duration_ms)
        return mine == (cdr["answered_at"], cdr["duration_ms"])
    return (call.sip_code, call.ended_at) == (cdr["sip_code"], cdr["ended_at"])


def _lies_inside(row: Row, at: int, cdr: Mapping[str, Any]) -> bool:
    begin, end = cdr["setup_at"] - clock.SECOND, cdr["ended_at"]
    if row.table == ACC and not is_early(row):
        if {row.from_tag[:255], row.to_tag[:255]} != {cdr["from_tag"], cdr["to_tag"]}:
            return False
        return bool(begin <= at <= end + BYE_AGAIN_S * clock.SECOND)
    if cdr["flags"] & Flag.SETUP_UNKNOWN:
        begin -= RINGING_S * clock.SECOND
    last = cdr["answered_at"] if cdr["answered_at"] is not None else end
    same_caller = row.from_tag[:255] == cdr["from_tag"]
    return bool(same_caller and begin <= at <= last + SAME_MOMENT_S * clock.SECOND)


def _stored(
    connection: Connection, source_id: int, call_ids: set[str], times: Sequence[int], around: int
) -> dict[str, list[tuple[Key, Mapping[str, Any]]]]:
    """CDRs of these Call-IDs, by Call-ID; only the days in question are opened."""
    found: dict[str, list[tuple[Key, Mapping[str, Any]]]] = defaultdict(list)
    wanted = sorted({call_id[:255] for call_id in call_ids})
    low, high = min(times) - around, max(times) + around
    for table in (answered, failed):
        for start in range(0, len(wanted), 500):
            query = select(*(table.c[name] for name in _COLUMNS)).where(
                table.c.call_id.in_(wanted[start : start + 500]),
                table.c.source_id == source_id,
                table.c.setup_at.between(low, high),
            )
            for row in connection.execute(query).mappings():
                key = Key(table is answered, row["id"], row["setup_at"])
                found[row["call_id"]].append((key, dict(row)))
    return found
