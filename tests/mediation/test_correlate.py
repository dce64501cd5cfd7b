"""Rows that are one call, in shapes that scripts and bad luck leave behind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mediation.call import ACC, MISSED, Row, Trouble
from app.mediation.correlate import Sorted, correlate

NOON = datetime(2026, 11, 22, 12)  # noqa: DTZ001 - the switch's wall clock
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001


def row(
    row_id: int = 1, at: float = 0, *, table: str = ACC, by_dialog: bool = True, **more: Any
) -> Row:
    values: dict[str, Any] = {
        "table": table,
        "id": row_id,
        "method": "INVITE",
        "call_id": "a@lab",
        "from_tag": "f",
        "to_tag": "t",
        "sip_code": "200",
        "sip_reason": "OK",
        "time": NOON + timedelta(seconds=at),
        "created": NOON if by_dialog else _EPOCH,
        "setuptime": 0,
        "ms_duration": 0,
        "extra": {},
        "seen_at": 0,
    }
    return Row(**(values | more))


def bye(row_id: int, at: float, **more: Any) -> Row:
    return row(row_id, at, method="BYE", by_dialog=False, **more)


def names(outcome: Sorted) -> list[list[str]]:
    return sorted([[r.name for r in call.rows] for call in outcome.calls])


def test_one_row_with_the_cdr_flag_is_a_call() -> None:
    assert names(correlate([row(ms_duration=1002)])) == [["acc:1"]]


def test_a_failed_call_in_both_tables_is_one_call() -> None:
    outcome = correlate([row(1, sip_code="486"), row(9, table=MISSED, sip_code="486")])
    assert names(outcome) == [["acc:1", "missed_calls:9"]]


def test_a_carrier_that_failed_first_belongs_to_the_answered_call() -> None:
    answered = row(1, 30, ms_duration=5)
    outcome = correlate([row(9, 2, table=MISSED, sip_code="503"), answered])
    assert names(outcome) == [["acc:1", "missed_calls:9"]]


def test_a_missed_row_waits_for_its_main_row() -> None:
    outcome = correlate([row(9, table=MISSED, sip_code="503")])
    assert [r.name for r in outcome.waiting] == ["missed_calls:9"]


@pytest.mark.parametrize("swapped", [False, True])
def test_invite_and_bye_from_either_side(swapped: bool) -> None:
    tags = {"from_tag": "t", "to_tag": "f"} if swapped else {}
    outcome = correlate([bye(2, 60, **tags), row(1, by_dialog=False)])
    assert names(outcome) == [["acc:1", "acc:2"]]


def test_a_bye_twice_is_one_end() -> None:
    outcome = correlate([row(1, by_dialog=False), bye(2, 60), bye(3, 61)])
    assert names(outcome) == [["acc:1", "acc:2", "acc:3"]]


def test_the_same_call_id_another_day_is_another_call() -> None:
    day = 86_400
    outcome = correlate(
        [row(1, by_dialog=False), bye(2, 60), row(3, day, by_dialog=False), bye(4, day + 5)]
    )
    assert names(outcome) == [["acc:1", "acc:2"], ["acc:3", "acc:4"]]


def test_call_ids_that_differ_in_case_are_two_calls() -> None:
    outcome = correlate([row(1, call_id="aB@lab"), row(2, call_id="ab@lab")])
    assert names(outcome) == [["acc:1"], ["acc:2"]]


def test_a_bye_of_other_parties_ends_nothing() -> None:
    outcome = correlate([row(1, by_dialog=False), bye(2, 60, to_tag="x")])
    assert sorted(r.name for r in outcome.waiting) == ["acc:1", "acc:2"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"call_id": ""}, Trouble.NO_CALL_ID),
        ({"time": None}, Trouble.NO_TIME),
        ({"time": _EPOCH}, Trouble.NO_TIME),
        ({"sip_code": ""}, Trouble.BAD_CODE),
        ({"sip_code": "2OO"}, Trouble.BAD_CODE),
        ({"ms_duration": -1}, Trouble.BAD_LENGTH),
        ({"method": "MESSAGE"}, Trouble.NOT_A_CALL),
    ],
)
def test_rows_that_are_no_call_say_why(change: dict[str, Any], reason: Trouble) -> None:
    outcome = correlate([row(**change)])
    assert [left.reason for left in outcome.leftovers] == [reason]
    assert not outcome.calls


rows = st.lists(
    st.builds(
        lambda i, at, table, method, code, dialog, call, tag: row(
            i,
            at,
            table=table,
            method=method,
            sip_code=code,
            by_dialog=dialog,
            call_id=call,
            from_tag=tag,
        ),
        st.integers(1, 10**6),
        st.integers(0, 200_000),
        st.sampled_from([ACC, MISSED]),
        st.sampled_from(["INVITE", "BYE", "MESSAGE"]),
        st.sampled_from(["200", "486", "", "503"]),
        st.booleans(),
        st.sampled_from(["a", "A", "b", ""]),
        st.sampled_from(["f", "t"]),
    ),
    unique_by=lambda r: r.name,
    max_size=30,
)


@given(rows)
def test_every_row_goes_to_exactly_one_place(some: list[Row]) -> None:
    outcome = correlate(some)
    placed = [r.name for call in outcome.calls for r in call.rows]
    placed += [r.name for r in outcome.waiting] + [left.row.name for left in outcome.leftovers]
    assert sorted(placed) == sorted(r.name for r in some)
