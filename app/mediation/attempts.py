"""The gateways that were tried for a call, how long they took and how the call ended. Pure.

What a script writes is text, and scripts are written by people: a value that cannot be true
reads as unknown and never costs a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.core import clock
from app.mediation.call import MISSED, Attempt, Correlated, Row

HANGUPS: Final = frozenset({"caller", "callee", "switch", "timeout"})
# Nobody waits longer for an answer, has more gateways tried, and Q.850 has seven bits.
MOST_MS = clock.DAY
MOST_TRIES = 999
MOST_CAUSE = 127


def number(text: str | None, most: int) -> int | None:
    """A whole number from 0 to ``most``; None for anything else."""
    if not text or len(text) > 9 or not (text.isascii() and text.isdigit()):
        return None
    value = int(text)
    return value if value <= most else None


def cause(extra: Mapping[str, str]) -> int | None:
    """The cause of Q.850 that a row tells; 0 is none."""
    return number(extra.get("cause"), MOST_CAUSE) or None


def hangup(extra: Mapping[str, str]) -> str:
    """Who ended the call, empty where the script does not tell."""
    said = extra.get("hangup", "")
    return said if said in HANGUPS else ""


def count(extra: Mapping[str, str]) -> int:
    """How many gateways were tried when the row was written, 0 where the script does not tell."""
    return number(extra.get("attempt"), MOST_TRIES) or 0


def delays(extra: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Milliseconds from the INVITE to this row's gateway to its first and its final answer."""
    return number(extra.get("first_ms"), MOST_MS), number(extra.get("final_ms"), MOST_MS)


def tries(found: Correlated, zone: str) -> tuple[Attempt, ...]:
    """The gateways that did not take the call, in order; the last one stands on the call."""
    main = found.main
    rows = [row for row in found.others if row.table == MISSED and not _is_last(main, row)]
    # Rows are in the order of their seconds; within one the script's own count is better.
    rows.sort(key=lambda row: count(row.extra))
    return tuple(_attempt(row, main, zone) for row in rows)


def _is_last(main: Row, row: Row) -> bool:
    """Whether a missed row tells of the same attempt as the call's own row."""
    mine, other = count(main.extra), count(row.extra)
    if mine and other:
        return other >= mine
    return (
        row.sip_code == main.sip_code
        and row.to_tag == main.to_tag
        and row.extra.get("gateway") == main.extra.get("gateway")
    )


def _attempt(row: Row, main: Row, zone: str) -> Attempt:
    extra = row.extra
    first_ms, final_ms = delays(extra)
    return Attempt(
        gateway=extra.get("gateway", "")[:64],
        carrier=extra.get("carrier", "")[:64],
        at=_instant(row.time, main, zone),
        sip_code=int(row.sip_code),
        sip_reason=row.sip_reason[:128],
        first_ms=first_ms,
        final_ms=final_ms,
        cause=cause(extra),
    )


def _instant(wall: datetime | None, main: Row, zone: str) -> int:
    """UTC of the moment it failed: in autumn's double hour the one nearest to the reading."""
    wall = wall or main.time
    if wall is None:  # left over long before
        return 0
    return min(clock.wall_to_candidates(wall, zone), key=lambda at: abs(main.seen_at - at))
