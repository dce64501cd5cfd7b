"""Where LIVE meets CALLS: the pipeline's CDRs close the sessions and holds of their calls.

The join is the charge id; without it Call-ID (byte by byte), account and the second of the
answer, give or take two (of the set-up where nobody answered). Runs in the pipeline's
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, select

from app.cdr.tables import answered
from app.charging import store
from app.charging.store import COLUMNS, UNCLOSED, Session
from app.charging.tables import session as table
from app.core import clock
from app.core.errors import Conflict
from app.ledger import account as accounts
from app.ledger import hold
from app.mediation.call import Call, Flag

_TOLERANCE = 2 * clock.SECOND
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class SettledCall:
    """A stored CDR that has its price, or needs none (charged 0 ledger units)."""

    charge_id: str | None
    system: str
    call_id: str
    account: str
    answered_at: int | None
    cdr_id: int
    cdr_setup_at: int
    charged_units: int


class AskedCall(NamedTuple):
    """What of a call is asked for, and its place in a list of the asker's."""

    place: int
    charge_id: str | None
    call_id: str
    account: str
    answered_at: int | None
    setup_at: int


AnyCall = TypeVar("AnyCall", Call, AskedCall)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How many sessions were closed; calls with two possible sessions, whose holds stay."""

    closed: int = 0
    doubtful: list[SettledCall] = field(default_factory=list)


def close_for_cdrs(connection: Connection, settled: Sequence[SettledCall]) -> Settlement:
    """Closes the session and the hold of each of these calls that has one."""
    unclosed = table.c.state.in_(UNCLOSED)
    if not settled or not any_unclosed(connection):
        return Settlement()
    found = _Finder(
        _load(connection, unclosed, (c.charge_id for c in settled), (c.call_id for c in settled))
    )
    pairs: dict[int, SettledCall] = {}
    doubtful = []
    for call in settled:
        mine = found.find(
            call.charge_id, call.call_id, call.account, call.answered_at, call.cdr_setup_at
        )
        mine = [one for one in mine if one.id not in pairs]
        if len(mine) == 1:
            pairs[mine[0].id] = call
        elif mine:
            doubtful.append(call)
    _close(connection, found, pairs)
    return Settlement(len(pairs), doubtful)


def any_unclosed(connection: Connection) -> bool:
    """Whether any session waits to be closed: one cheap query."""
    unclosed = table.c.state.in_(UNCLOSED)
    return connection.scalar(select(table.c.id).where(unclosed).limit(1)) is not None


def find_session_cdrs(
    connection: Connection, calls: Iterable[AnyCall]
) -> list[tuple[AnyCall, tuple[int, int]]]:
    """Answered calls that charging has made a CDR of already, with that CDR's (id, setup_at)."""
    charged = table.c.cdr_id.is_not(None)
    if connection.scalar(select(table.c.id).where(charged).limit(1)) is None:
        return []
    mine = [call for call in calls if call.answered_at is not None]
    if not mine:
        return []
    found = _Finder(
        _load(connection, charged, (c.charge_id for c in mine), (c.call_id for c in mine))
    )
    pairs: dict[tuple[int, int], AnyCall] = {}
    for call in mine:
        for one in found.find(
            call.charge_id, call.call_id, call.account, call.answered_at, call.setup_at
        ):
            if one.cdr_id is not None and one.cdr_setup_at is not None:
                pairs.setdefault((one.cdr_id, one.cdr_setup_at), call)
    keys = _without_rows(connection, pairs)
    return [(pairs[key], key) for key in keys]


def _without_rows(connection: Connection, keys: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those CDRs that stand on a session alone."""
    wanted = dict(list(keys))
    if not wanted:
        return []
    cdr = answered.c
    rows = connection.execute(
        select(cdr.id, cdr.setup_at, cdr.flags, cdr.acc_ids).where(
            cdr.id.in_(wanted), cdr.setup_at.in_(set(wanted.values()))
        )
    )
    return [
        (row.id, row.setup_at)
        for row in rows
        if wanted.get(row.id) == row.setup_at
        and row.flags & Flag.NO_SWITCH_ROW
        and "acc:" not in row.acc_ids
    ]


class _Finder:
    """Sessions by charge id and by Call-ID."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self.by_charge_id: dict[str, Session] = {}
        self.by_call_id: dict[str, list[Session]] = {}
        self.accounts: dict[int, int] = {}
        self.cdr_ids: dict[int, int | None] = {}
        for one in sessions:
            self.by_charge_id[one.charge_id] = one
            self.by_call_id.setdefault(one.call_id, []).append(one)
            self.accounts[one.id] = one.account_id
            self.cdr_ids[one.id] = one.cdr_id

    def find(
        self,
        charge_id: str | None,
        call_id: str,
        account: str,
        answered_at: int | None,
        setup_at: int,
    ) -> list[Session]:
        """The sessions that a call can be: normally one or none."""
        named = self.by_charge_id.get(charge_id) if charge_id else None
        if named is not None:
            # An attempt that failed has its call's charge id too, and must not end the call.
            return [named] if answered_at is not None or named.answered_at is None else []
        mine = [one for one in self.by_call_id.get(call_id, ()) if one.account == account]
        if answered_at is not None:
            same = [one for one in mine if near(one.answered_at, answered_at)]
            if same:
                return same
        # Its start was lost, or there was none: the set-up tells the calls apart.
        return [one for one in mine if one.answered_at is None and near(one.setup_at, setup_at)]


def near(one: int | None, other: int) -> bool:
    """Whether two instants are the same second of two clocks, give or take two."""
    return one is not None and abs(one - other) <= _TOLERANCE


def _load(
    connection: Connection,
    which: ColumnElement[bool],
    charge_ids: Iterable[str | None],
    call_ids: Iterable[str],
) -> list[Session]:
    found: dict[int, Session] = {}
    for column, names in ((table.c.charge_id, charge_ids), (table.c.call_id, call_ids)):
        wanted = sorted({name for name in names if name})
        for first in range(0, len(wanted), _CHUNK):
            rows = connection.execute(
                select(*COLUMNS).where(which, column.in_(wanted[first : first + _CHUNK]))
            )
            found.update((row.id, Session(**row._mapping)) for row in rows)
    return list(found.values())


def _close(connection: Connection, found: _Finder, pairs: dict[int, SettledCall]) -> None:
    if not pairs:
        return
    # A start that is just placing a hold finishes first; then the sessions are read again.
    accounts.lock_all(connection, {found.accounts[session_id] for session_id in pairs})
    holds = []
    for first in range(0, len(pairs), _CHUNK):
        chunk = list(pairs)[first : first + _CHUNK]
        now = select(table.c.id, table.c.hold_id, table.c.cdr_id).where(table.c.id.in_(chunk))
        for row in connection.execute(now):
            before = found.cdr_ids[row.id]
            if row.cdr_id not in (before, pairs[row.id].cdr_id):
                raise Conflict(f"Session {row.id} got another CDR at the same moment.")
            if row.hold_id is not None:
                holds.append((row.hold_id, pairs[row.id].charged_units))
    hold.settle_many(connection, holds)
    store.close(connection, [(key, c.cdr_id, c.cdr_setup_at) for key, c in pairs.items()])
