"""Calls of one row each by columns: the same CDRs as row by row, whatever stands in the rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from app.cdr import record
from app.core import clock
from app.core.numbering import NumberPlan
from app.mediation.call import ACC, Call
from app.mediation.columns import build_row, lay_out, map_columns
from app.mediation.correlate import correlate
from app.mediation.normalise import Habits, normalise
from app.mediation.number_rules import Rule, Rules
from app.mediation.singles import pick

NOW = clock.parse("2026-10-25T06:00:00Z")
COLUMNS = (
    *("id", "method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time"),
    *("duration", "ms_duration", "setuptime", "created", "caller", "callee", "caller_domain"),
    *("account", "gateway", "carrier", "src_ip", "user_agent", "charge_id", "routed", "asserted"),
    *("routing_number", "trunk", "attempt", "pdd_ms", "cause", "hangup", "first_ms", "final_ms"),
)
LAYOUT = lay_out(COLUMNS, map_columns(COLUMNS, None))
words = st.one_of(
    st.none(),
    st.just(""),
    st.text(max_size=8),
    st.sampled_from(["a" * 300, "x\x00y", b"by\xfftes"]),
)
numbers = st.one_of(
    words,
    st.sampled_from(
        ["+49301234567", "0049301234567", "030 123-4567", "sip", "+", "+12a", "1234", "+١٢", "00"]
    ),
    st.integers(0, 10**15).map(lambda digits: f"+{digits}"),
)
# Around the night on which clocks in Berlin go back, and on which they go forward.
moments = (
    st.sampled_from(["2026-10-24 00:30:00", "2026-10-25 00:30:00", "2026-03-29 00:30:00"])
    .map(datetime.fromisoformat)
    .flatmap(lambda at: st.integers(0, 4 * 3600).map(lambda s: at + timedelta(seconds=s)))
)
ODD = (
    *(None, datetime(1970, 1, 1), datetime(2026, 11, 30)),  # noqa: DTZ001 - wall clocks
    *("0000-00-00 00:00:00", "2026-10-25 10:00:00.250", "2026-10-25T10:00:00", "?"),
)


def mostly(usual: Any, *odd: Any) -> st.SearchStrategy[Any]:
    """The usual value nine times of ten."""
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(odd) if n == 5 else st.just(usual))


def _said(at: Any, as_text: bool) -> Any:
    return at.isoformat(" ") if as_text and isinstance(at, datetime) else at


@st.composite
def rows(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Rows as they were read: times as text or not, as the driver has them."""
    as_text = draw(st.booleans())
    found = []
    for number in range(1, draw(st.integers(2, 12))):
        at = draw(mostly(draw(moments), *ODD))
        ring = draw(st.sampled_from([0, 7, 3539, 3540, 4000]))
        created = at - timedelta(seconds=ring) if isinstance(at, datetime) else at
        values: dict[str, Any] = {name: draw(words) for name in COLUMNS[2:]}
        values |= {
            "id": number,
            "method": draw(mostly("INVITE", "BYE", "", None)),
            "callid": draw(mostly(f"call-{number}", "", "twice")),
            "sip_code": draw(
                st.sampled_from(["200"] * 4 + ["486", "302", "183", "20", "2x0", None])
            ),
            "time": _said(at, as_text),
            "created": _said(draw(mostly(created, *ODD)), as_text),
            # true seconds, while the wall clock may have jumped by an hour
            "setuptime": draw(st.sampled_from([None, 0, ring, ring, ring + 3600, ring + 3539])),
            "ms_duration": draw(mostly(draw(st.integers(0, 10**8)), None, -1)),
            "caller": draw(numbers),
            "callee": draw(numbers),
            "asserted": draw(numbers),
            "routing_number": draw(numbers),
            "attempt": draw(st.sampled_from([None, "", "2", "x", "12345"])),
            "pdd_ms": draw(st.sampled_from([None, "", "350", "-1"])),
            "first_ms": draw(st.sampled_from([None, "12", "x"])),
            "final_ms": draw(st.sampled_from([None, "340", ""])),
            "cause": draw(st.sampled_from([None, "16", "0", "200"])),
            "hangup": draw(st.sampled_from([None, "caller", "nobody"])),
        }
        found.append(LAYOUT.from_mapping(values))
    return found


HABITS = (
    Habits("UTC", NumberPlan("49", "0")),
    Habits("Europe/Berlin", NumberPlan("49", "0")),
    Habits("UTC", NumberPlan("", "", ("011", "+"))),
    Habits("UTC", NumberPlan(), Rules((Rule(1, "both", prefix="12", add="+4930"),))),
)


@settings(deadline=None)
@given(rows(), st.sampled_from(HABITS))
def test_the_same_as_row_by_row(raws: list[tuple[Any, ...]], habits: Habits) -> None:
    singles, left = pick(raws, LAYOUT, habits, epoch=3, seen_at=NOW)
    mine: dict[str, Any] = {"source_id": 7, "now_ms": NOW}
    # What is left is sorted by the other way in any case; what is picked must be a call there too.
    one_by_one = {}
    for found in correlate(build_row(ACC, raw, LAYOUT, NOW) for raw in raws).calls:
        call = normalise(found, habits)
        if isinstance(call, Call) and len(call.row_names) == 1:
            one_by_one[found.main.id] = record.build(call, epoch=3, **mine)
    picked = singles.columns["id"] if singles.columns else []
    assert sorted([*picked, *(raws[place][0] for place in left)]) == [raw[0] for raw in raws]
    event(f"{min(len(picked), 3)} picked")
    if picked:
        columns = record.build_columns(singles.columns, epoch=singles.epoch, **mine)
        by_column = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        assert by_column == [one_by_one[number] | {"id": number} for number in picked]


def test_of_ordinary_rows_all_are_picked_and_some_can_be_taken_out() -> None:
    values = dict.fromkeys(COLUMNS, "") | {"method": "INVITE", "sip_code": "200", "setuptime": 2}
    raws = [
        LAYOUT.from_mapping(
            values
            | {"id": number, "callid": f"c{number}", "ms_duration": 1000 * number}
            | {"time": "2026-10-24 10:00:02", "created": "2026-10-24 10:00:00"}
        )
        for number in range(1, 7)
    ]
    singles, left = pick(raws, LAYOUT, HABITS[0], epoch=1, seen_at=NOW)
    assert (len(singles), left) == (6, [])
    taken, same = singles.take_out(singles.places_of({"c2", "c5", "elsewhere"}))
    assert [row.call_id for row in taken] == ["c2", "c5"]
    assert same == [raws[1], raws[4]]
    assert singles.columns["duration_ms"] == [1000, 3000, 4000, 6000]
    assert singles.raws == [raws[0], raws[2], raws[3], raws[5]]
