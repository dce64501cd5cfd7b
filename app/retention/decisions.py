"""How long each kind of data is to stay: decided by an administrator, never by an upgrade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.core import clock
from app.core.errors import InvalidInput
from app.core.words import _
from app.identity import audit
from app.retention.tables import retention

ANSWERED, FAILED, NUMBERS = "answered", "failed", "numbers"
KINDS = (ANSWERED, FAILED, NUMBERS)
# What is proposed: 13 months of answered calls, two weeks of the others in detail.
PROPOSED: Mapping[str, int | None] = {ANSWERED: 400, FAILED: 14, NUMBERS: None}
KEEP_DIGITS = 6
# Shorter than this, calls would go that may still be completed by a late row.
LEAST_DAYS, MOST_DAYS = 3, 36_500


@dataclass(frozen=True, slots=True)
class Decision:
    """Days that a kind stays, None: for ever; who decided, None: nobody yet, so it stays."""

    kind: str
    days: int | None
    keep_digits: int
    changed_by: str | None = None
    changed_at: int | None = None


def load(connection: Connection) -> dict[str, Decision]:
    """What was decided, by kind; what nobody decided stays and says so."""
    found = {kind: Decision(kind, None, KEEP_DIGITS) for kind in KINDS}
    for row in connection.execute(select(retention)):
        digits = KEEP_DIGITS if row.keep_digits is None else row.keep_digits
        found[row.kind] = Decision(row.kind, row.days, digits, row.changed_by, row.changed_at)
    return found


def is_decided(connection: Connection) -> bool:
    """Whether somebody has decided anything."""
    return connection.scalar(select(retention.c.kind).limit(1)) is not None


def cutoff(decision: Decision, now_ms: int) -> int | None:
    """Calls set up before this instant (a midnight UTC) are due; None: none ever is."""
    if decision.days is None:
        return None
    return clock.day_start(now_ms - decision.days * clock.DAY)


def is_shorter(old: Mapping[str, Decision], days: Mapping[str, int | None]) -> bool:
    """Whether data would go that stayed before: to be asked for twice."""
    for kind, new in days.items():
        before = old[kind].days
        if new is not None and (before is None or new < before):
            return True
    return False


def decide(
    connection: Connection,
    days: Mapping[str, int | None],
    *,
    keep_digits: int,
    by: str,
) -> None:
    """Sets all kinds at once and notes it; raises InvalidInput. None keeps a kind for ever."""
    for kind, count in days.items():
        if kind not in KINDS:
            raise InvalidInput(_("There is no such kind of data."), ", ".join(KINDS), "kind")
        if count is not None and not LEAST_DAYS <= count <= MOST_DAYS:
            raise InvalidInput(
                _("The days are out of range."),
                _("Use %(least)s to %(most)s.", least=LEAST_DAYS, most=MOST_DAYS),
                kind,
            )
    if not 0 <= keep_digits <= 15:
        raise InvalidInput(_("The digits are out of range."), _("Use 0 to 15."), "keep_digits")
    before = load(connection)
    now = clock.now_ms()
    for kind, old in before.items():
        values = {
            "days": days.get(kind, old.days),
            "keep_digits": keep_digits if kind == NUMBERS else None,
            "changed_by": by[:64],
            "changed_at": now,
        }
        query = retention.update().where(retention.c.kind == kind).values(values)
        if not connection.execute(query).rowcount:
            connection.execute(retention.insert().values(kind=kind, **values))
    audit.record(
        connection,
        action="retention.change",
        object="retention",
        before=_plain(before),
        after=_plain(load(connection)),
    )


def _plain(decisions: Mapping[str, Decision]) -> dict[str, Any]:
    found: dict[str, Any] = {f"{kind}_days": one.days for kind, one in decisions.items()}
    return found | {"keep_digits": decisions[NUMBERS].keep_digits}
