"""What rows say of gateways tried, delays and ends of calls; what cannot be true is unknown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.numbering import NumberPlan
from app.mediation.call import Call, Row
from app.mediation.columns import build_row, lay_out, map_columns
from app.mediation.correlate import correlate
from app.mediation.normalise import Habits, normalise
from app.opensips.tables import EXTRA_COLUMNS

NOON = datetime(2026, 3, 2, 12, 0, 0)  # noqa: DTZ001 - a wall clock
NOON_MS = 1_772_452_800_000
HABITS = Habits("UTC", NumberPlan("49", "0"))


def row(table: str, number: int, code: str, after_s: int, **extra: Any) -> Row:
    """A row of one call, so many seconds after it came in; ``extra`` by column names."""
    raw: dict[str, Any] = {
        "id": number,
        "method": "INVITE",
        "callid": "a@b",
        "from_tag": "f",
        "to_tag": extra.pop("to_tag", f"t{number}"),
        "sip_code": code,
        "sip_reason": "as said",
        "time": NOON + timedelta(seconds=after_s),
        "created": NOON,
        "setuptime": after_s,
        "ms_duration": 5_000 if code == "200" else 0,
        **dict.fromkeys(EXTRA_COLUMNS),
        **extra,
    }
    layout = lay_out(raw, map_columns(raw, None))
    return build_row(table, layout.from_mapping(raw), layout, NOON_MS + clock.MINUTE)


def mediated(*rows: Row) -> Call:
    """The one call that the rows are."""
    (found,) = correlate(rows).calls
    call = normalise(found, HABITS)
    assert isinstance(call, Call)
    return call


def test_gateways_before_the_last_are_attempts_in_their_order() -> None:
    call = mediated(
        row("acc", 1, "200", 3, gateway="c", carrier="k", attempt="3", pdd_ms="2150",
            first_ms="700", final_ms="2900", cause="16", hangup="callee", routed="4930",
            asserted="030 12", trunk="t"),
        row("missed_calls", 9, "503", 0, gateway="a", carrier="j", attempt="1", final_ms="12"),
        row("missed_calls", 4, "480", 0, gateway="b", attempt="2", first_ms="5", cause="34"),
    )  # fmt: skip
    assert (call.attempts, call.gateway, call.pdd_ms, call.cause) == (3, "c", 2150, 16)
    assert (call.first_ms, call.final_ms) == (700, 2900)
    assert (call.hangup, call.routed, call.asserted, call.trunk) == (
        "callee",
        "4930",
        "493012",
        "t",
    )
    first, second = call.tries
    assert (first.gateway, first.carrier, first.sip_code) == ("a", "j", 503)
    assert (first.at, first.first_ms, first.final_ms, first.cause) == (NOON_MS, None, 12, None)
    assert (second.gateway, second.first_ms, second.cause) == ("b", 5, 34)


def test_the_last_failure_is_no_attempt_of_its_own() -> None:
    """An unanswered call's last gateway stands in both tables."""
    numbered = mediated(
        row("acc", 1, "503", 1, gateway="b", attempt="2", to_tag=None),
        row("missed_calls", 1, "503", 0, gateway="a", attempt="1", to_tag=None),
        row("missed_calls", 2, "503", 1, gateway="b", attempt="2", to_tag=None),
    )
    assert [one.gateway for one in numbered.tries] == ["a"]
    # Scripts without the column: told by gateway, code and tag.
    plain = mediated(
        row("acc", 1, "486", 1, gateway="b", to_tag="x"),
        row("missed_calls", 2, "486", 1, gateway="b", to_tag="x"),
        row("missed_calls", 1, "503", 0, gateway="a", to_tag="y"),
    )
    assert ([one.gateway for one in plain.tries], plain.attempts) == (["a"], 0)


@pytest.mark.parametrize(
    "value",
    ["-5", "1.5", "abc", "9" * 40, "٣", "1e3", " ", "", "0x1f", b"\xff\xfe", -1, 10**12, "\x00"],
)
def test_what_cannot_be_true_is_unknown_and_costs_no_call(value: Any) -> None:
    wrong = dict.fromkeys(("attempt", "first_ms", "final_ms", "pdd_ms", "cause", "hangup"), value)
    call = mediated(
        row("acc", 1, "200", 3, gateway="b", **wrong),
        row("missed_calls", 1, "503", 0, gateway="a", **wrong),
    )
    assert (call.attempts, call.pdd_ms, call.cause, call.hangup) == (0, None, None, "")
    (one,) = call.tries
    assert (one.first_ms, one.final_ms, one.cause) == (None, None, None)


def test_numbers_of_an_operators_own_columns_are_read() -> None:
    call = mediated(
        row("acc", 1, "200", 3, attempt=1, pdd_ms=0, first_ms=3, cause=128, hangup="caller")
    )
    assert call.first_ms is None  # the only gateway's delay is the call's
    assert (call.attempts, call.pdd_ms, call.cause, call.hangup) == (1, 0, None, "caller")


def test_a_script_without_the_columns_tells_nothing_of_it() -> None:
    call = mediated(row("acc", 1, "200", 3, gateway="a"))
    assert (call.attempts, call.tries, call.pdd_ms, call.hangup) == (0, (), None, "")
