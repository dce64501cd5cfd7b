"""Ninety days of the demo carrier's calls, deterministic for a seed and an end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from app.core import clock
from app.opensips.simulator import shape, story
from app.opensips.simulator.call import Call, draw_retail, draw_wholesale
from app.opensips.simulator.cast import SEED, Cast
from app.opensips.simulator.rows import Written, wall, written

DAYS = 90
# Means over the week.
RETAIL_PER_DAY = 1_420
WHOLESALE_PER_DAY = 860


def calls(cast: Cast, zone: str, until_ms: int, days: int = DAYS) -> list[Call]:
    """Every call that began in those days and ended before ``until_ms``."""
    rng = Random(SEED)
    found: list[Call] = []
    start = until_ms - days * clock.DAY
    for hour in range(start, until_ms, clock.HOUR):
        local = wall(hour, zone)
        # Business grows by a third over the quarter.
        growth = 0.83 + 0.34 * (hour - start) / (days * clock.DAY)
        for mean, draw in (
            (RETAIL_PER_DAY / 24 * shape.retail(local) * growth, draw_retail),
            (WHOLESALE_PER_DAY / 24 * shape.wholesale(local) * growth, draw_wholesale),
        ):
            count = max(round(rng.gauss(mean, mean**0.5)), 0)
            found += [draw(rng, cast, hour + int(rng.random() * clock.HOUR)) for _ in range(count)]
    found += story.calls(rng, cast, zone, until_ms, days)
    # A row is written at a call's end: what was still going on at the end has left none.
    return [call for call in found if call.end_ms < until_ms or not call.by_dialog]


def rows(found: Sequence[Call], zone: str, until_ms: int) -> Iterator[list[Written]]:
    """What those calls and a few accidents left behind, day by day, in the order of writing."""
    days: dict[int, list[Call]] = defaultdict(list)
    for call in found:
        for day in range(call.setup_ms // clock.DAY, call.end_ms // clock.DAY + 1):
            days[day].append(call)
    accidents = story.accidents(zone, until_ms)
    for day in sorted(days):
        batch = accidents + [row for call in days[day] for row in written(call, zone)]
        batch = [row for row in batch if row[0] // clock.DAY == day and row[0] < until_ms]
        batch.sort(key=lambda row: row[0])
        yield batch
