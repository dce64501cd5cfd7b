"""How far a table has been read, when rows may become visible out of id order. Pure.

A slower transaction can commit a lower id after a higher one was read, so "id > last id" loses
calls. A position knows every id that it has not met below the highest that it has: a gap is read
again on every pass and given up only when it is older than the settling time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Gap:
    """Ids from ``first`` to ``last`` that were not there, missed since an instant."""

    first: int
    last: int
    since: int


@dataclass(frozen=True, slots=True)
class Position:
    """All ids up to ``settled`` are done; all to ``high`` are seen, but for the gaps."""

    settled: int
    high: int
    gaps: tuple[Gap, ...] = ()
    skipped: int = 0

    def wants(self, row_id: int) -> bool:
        """Whether a row of that id is still to be read."""
        return row_id > self.high or any(gap.first <= row_id <= gap.last for gap in self.gaps)


def advance(
    position: Position, read: Sequence[tuple[int, int]], now_ms: int, settling_ms: int
) -> Position:
    """The position after reading rows.

    ``read`` is (id, instant at which the row was written) in order of id, and complete: every
    row that was visible up to the last id. A gap counts as missed since the row after it was
    written, so that an old table's gaps need not be waited for.
    """
    gaps = _without(position.gaps, [row_id for row_id, _ in read if row_id <= position.high])
    high = position.high
    for row_id, written_at in read:
        if row_id > high:
            if row_id > high + 1:
                gaps.append(Gap(high + 1, row_id - 1, min(written_at, now_ms)))
            high = row_id
    kept = tuple(gap for gap in gaps if now_ms - gap.since < settling_ms)
    given_up = sum(gap.last - gap.first + 1 for gap in gaps) - sum(
        gap.last - gap.first + 1 for gap in kept
    )
    settled = kept[0].first - 1 if kept else high
    return replace(
        position,
        settled=settled,
        high=high,
        gaps=kept,
        skipped=position.skipped + given_up,
    )


def _without(gaps: Sequence[Gap], ids: Sequence[int]) -> list[Gap]:
    """The gaps less some ids (rising)."""
    left: list[Gap] = []
    for gap in gaps:
        first = gap.first
        for row_id in ids:
            if first <= row_id <= gap.last:
                if row_id > first:
                    left.append(Gap(first, row_id - 1, gap.since))
                first = row_id + 1
        if first <= gap.last:
            left.append(Gap(first, gap.last, gap.since))
    return left


def gaps_to_text(gaps: Sequence[Gap]) -> str:
    """Gaps as JSON for the database."""
    return json.dumps([[gap.first, gap.last, gap.since] for gap in gaps], separators=(",", ":"))


def gaps_from_text(text: str) -> tuple[Gap, ...]:
    """Gaps from their JSON."""
    return tuple(Gap(*item) for item in json.loads(text))
