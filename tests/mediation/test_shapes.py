"""True calls as the switch writes them down, in any order and any windows: each is one call."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mediation.call import ACC, MISSED, Row
from app.mediation.correlate import correlate, lone
from tests.mediation.test_correlate import NOON, bye, names, row

Shape = Callable[[str, float], list[Row]]


def _ids(rows: list[Row], first: int) -> list[Row]:
    return [one._replace(id=first + place) for place, one in enumerate(rows)]


def _tags(mark: str) -> dict[str, str]:
    return {"call_id": f"{mark}@lab", "from_tag": f"f{mark}", "to_tag": f"t{mark}"}


def _begun(at: float) -> datetime:
    return NOON + timedelta(seconds=at)


def by_cdr_flag(mark: str, at: float) -> list[Row]:
    return [row(0, at + 4, created=_begun(at), ms_duration=61_000, **_tags(mark))]


def with_legs(mark: str, at: float) -> list[Row]:
    return by_cdr_flag(mark, at) * 3


def failed_with_legs(mark: str, at: float) -> list[Row]:
    one = row(0, at + 3, created=_begun(at), sip_code="486", **_tags(mark))
    return [one, one, one._replace(table=MISSED)]


def failed_over(mark: str, at: float) -> list[Row]:
    (answered,) = by_cdr_flag(mark, at)
    begun = {"created": _begun(at), "sip_code": "503"} | _tags(mark)
    tried = [row(0, at + n, table=MISSED, **begun | {"to_tag": f"g{n}"}) for n in (1, 2)]
    return [*tried, answered]


def pair(mark: str, at: float) -> list[Row]:
    tags = _tags(mark)
    return [row(0, at, by_dialog=False, **tags), bye(0, at + 60, **tags)]


def pair_with_everything_accounted(mark: str, at: float) -> list[Row]:
    tags = _tags(mark)
    turned = tags | {"from_tag": tags["to_tag"], "to_tag": tags["from_tag"]}
    first, last = pair(mark, at)
    again = [row(0, at + 20, by_dialog=False, **turned), row(0, at + 40, by_dialog=False, **tags)]
    refused = row(0, at + 30, by_dialog=False, sip_code="488", **tags)
    return [first, first, *again, refused, last, bye(0, at + 62, **turned)]


def cdr_with_requests_accounted(mark: str, at: float) -> list[Row]:
    (answered,) = by_cdr_flag(mark, at)
    tags = _tags(mark)
    return [row(0, at + 30, by_dialog=False, **tags), answered, bye(0, at + 65, **tags)]


def missed_alone(mark: str, at: float) -> list[Row]:
    begun = {"created": _begun(at), "table": MISSED} | _tags(mark)
    return [row(0, at + n, sip_code=code, **begun) for n, code in ((1, "503"), (9, "486"))]


SHAPES: list[Shape] = [
    by_cdr_flag,
    with_legs,
    failed_with_legs,
    failed_over,
    pair,
    pair_with_everything_accounted,
    cdr_with_requests_accounted,
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_one_call_whatever_the_order(shape: Shape) -> None:
    rows = _ids(shape("a", 0), 1)
    for seed in range(20):
        random.Random(seed).shuffle(rows)
        outcome = correlate(rows)
        assert len(outcome.calls) == 1, outcome.calls
        assert sorted(names(outcome)[0]) == sorted(one.name for one in rows)
        assert not outcome.waiting and not outcome.leftovers


def test_gateways_of_a_missed_call_are_one_call() -> None:
    rows = _ids(missed_alone("a", 0), 1) + _ids(missed_alone("a", 900), 3)
    found = lone(rows)
    assert [[one.id for one in call.rows] for call in found] == [[2, 1], [4, 3]]


@given(
    picks=st.lists(
        st.tuples(st.sampled_from(SHAPES), st.integers(0, 5), st.sampled_from("aab"), st.booleans())
    ),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=120, deadline=None)
def test_calls_share_ids_and_days_and_stay_apart(
    picks: list[tuple[Shape, int, str, bool]], order: random.Random
) -> None:
    # A Call-ID is used again on another day, by the same parties or by others.
    rows: list[Row] = []
    calls: list[set[str]] = []
    for place, (shape, day, mark, others) in enumerate(picks):
        made = shape(mark, day * 86_400 + place * 1_000)
        if others:
            made = [
                one._replace(from_tag=f"{one.from_tag}-{place}", to_tag=f"{one.to_tag}-{place}")
                for one in made
            ]
        made = _ids(made, len(rows) + 1)
        rows += made
        calls.append({one.name for one in made})
    order.shuffle(rows)
    outcome = correlate(rows)
    assert not outcome.waiting and not outcome.leftovers
    found = [{one.name for one in call.rows} for call in outcome.calls]
    assert sorted(map(sorted, found)) == sorted(map(sorted, calls))
    for call in outcome.calls:
        assert call.main.table == ACC
