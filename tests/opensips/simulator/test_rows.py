"""What the demo switch writes for a call, beside what a real one wrote."""

from datetime import datetime
from random import Random

import pytest

from app.core import clock
from app.opensips.simulator.call import (
    Attempt,
    Call,
    draw_retail,
    draw_wholesale,
    fail_over,
    talk,
)
from app.opensips.simulator.cast import cast
from app.opensips.simulator.rows import lengths, wall, written
from app.opensips.tables import EXTRA_COLUMNS
from tests.opensips.simulator import recorded

# 2026-11-22T23:53:14.000Z
AT = clock.from_datetime(datetime.fromisoformat("2026-11-22T23:53:14+00:00"))
OURS = {"gateway": "gw"}
# Columns that only the shipped scripts have.
BEYOND = set(EXTRA_COLUMNS) - {
    "caller", "callee", "caller_domain", "account", "gateway", "src_ip",
}  # fmt: skip


def call(**changes):
    values = {
        "setup_ms": AT,
        "final_ms": AT,
        "end_ms": AT,
        "code": 200,
        "callid": "86737f31e476@lab",
        "from_tag": "uac88ff501e",
        "to_tag": "uascee174e8",
        "caller": "alice",
        "callee": "+12125550100",
        "domain": "lab.local",
        "account": "alice@lab.local",
        "gateway": "gw1",
        "carrier": None,
        "src_ip": "127.0.0.1",
        "agent": "",
        "charge_id": None,
    }
    return Call(**(values | changes))


def as_recorded(row):
    """Our row under the lab's column names, times as text."""
    shown = {OURS.get(key, key): value for key, value in row.items() if key not in BEYOND}
    for key in ("time", "created"):
        shown[key] = str(shown[key])
    return shown


def rows(found, zone="UTC"):
    tables = {"acc": [], "missed_calls": []}
    for _, table, row in sorted(written(found, zone), key=lambda item: item[0]):
        tables[table].append(as_recorded(row))
    return tables


def without_id(wanted):
    return [{key: value for key, value in row.items() if key != "id"} for row in wanted]


def assert_as(recording, ours):
    for table in ("acc", "missed_calls"):
        assert ours[table] == without_id(recording[table])


def test_an_answered_call_leaves_the_recorded_row():
    ours = talk(call(), 520, 1002)
    assert_as(recorded.scenario("answered hold 1.0s"), rows(ours))


def test_a_busy_call_leaves_its_row_in_both_tables_in_the_same_second():
    wanted = recorded.scenario("busy 486")
    at = AT + 4_000
    ours = call(
        setup_ms=at,
        final_ms=at + 336,
        end_ms=at + 336,
        code=486,
        callid="05ac30e05e72@lab",
        from_tag="uacb2b3b85a",
        to_tag="uas46a7cb0c",
        callee="+12125550102",
    )
    assert_as(wanted, rows(ours))


def test_a_cancelled_call_counts_setuptime_from_whole_seconds():
    at = AT + 6_100
    ours = call(
        setup_ms=at,
        final_ms=at + 1_020,
        end_ms=at + 1_020,
        code=487,
        callid="fe56b13d6483@lab",
        from_tag="uac41ca5e18",
        to_tag="uasce61cb67",
        callee="+12125550103",
    )
    assert_as(recorded.scenario("cancel after 1s"), rows(ours))
    # The same second of ringing over a full second's edge, and over two.
    for begin, wanted in ((6_100, 1), (6_980, 2)):
        ours.setup_ms, ours.final_ms = AT + begin, AT + begin + 1_020
        assert rows(ours)["acc"][0]["setuptime"] == wanted


def test_failover_leaves_the_first_gateway_in_missed_calls_and_the_last_in_acc():
    at = AT + 8_000
    ours = call(
        setup_ms=at,
        final_ms=at + 56,
        end_ms=at + 56,
        code=503,
        callid="9553d5760b0a@lab",
        from_tag="uac1990e438",
        to_tag="uas691d8267",
        callee="+12125550107",
        gateway="gw2",
        failed=(Attempt("gw1", "c1", at + 20, "uasd06ca7ea"),),
    )
    assert_as(recorded.scenario("503 on both gateways (failover)"), rows(ours))


def test_a_reply_of_our_own_has_no_to_tag():
    at = clock.from_datetime(datetime.fromisoformat("2026-11-23T00:02:30+00:00"))
    ours = call(
        setup_ms=at,
        final_ms=at + 4,
        end_ms=at + 4,
        code=480,
        callid="920e888b40c7@lab",
        from_tag="uac97e5230a",
        to_tag=None,
        callee="tmreply",
        gateway=None,
    )
    assert_as(recorded.scenario("t_newtran+t_reply 480"), rows(ours))


def test_without_the_cdr_flag_invite_and_bye_stand_alone():
    wanted = next(found for found in recorded.acc() if len(found["acc"]) == 2)
    at = clock.from_datetime(datetime.fromisoformat("2026-11-23T00:02:39.600+00:00"))
    ours = talk(
        call(
            setup_ms=at,
            callid="19a17022493f@lab",
            from_tag="uacff716623",
            to_tag="uas57bb3e3d",
            by_dialog=False,
        ),
        500,
        1_000,
    )
    assert_as(wanted, rows(ours))


def test_times_are_the_wall_clock_of_the_switch():
    at = clock.from_datetime(datetime.fromisoformat("2026-11-23T00:02:57+00:00"))
    ours = talk(
        call(
            setup_ms=at,
            callid="96d93abb53c6@lab",
            from_tag="uac00b8a42b",
            to_tag="uase111e210",
        ),
        500,
        502,
    )
    wanted = next(found for found in recorded.acc() if found["callid"] == ours.callid)
    assert_as(wanted, rows(ours, "America/New_York"))


@pytest.mark.parametrize("row", [r for found in recorded.acc() for r in found["acc"]])
def test_duration_is_rounded_up_as_in_every_recorded_row(row):
    assert lengths(row["ms_duration"])["duration"] == row["duration"]


@pytest.mark.parametrize("ms", [0, 1, 999, 1000, 1001])
def test_duration_at_the_edges(ms):
    assert lengths(ms) == {"duration": (ms + 999) // 1000, "ms_duration": ms}


@pytest.mark.parametrize("draw", [draw_retail, draw_wholesale])
def test_every_drawn_call_keeps_the_rules(draw):
    rng = Random(7)
    for _ in range(2_000):
        ours = draw(rng, cast(), AT + rng.randrange(clock.DAY))
        if rng.random() < 0.1:
            fail_over(ours, rng, cast())
        main = [row for _, table, row in written(ours, "UTC") if table == "acc"]
        missed = [row for _, table, row in written(ours, "UTC") if table == "missed_calls"]
        assert len(main) == 1
        row = main[0]
        assert (row["time"] - row["created"]).total_seconds() == row["setuptime"]
        assert row["duration"] == -(-row["ms_duration"] // 1000)
        assert ours.setup_ms <= ours.final_ms <= ours.end_ms
        if ours.code == 200:
            assert len(missed) == len(ours.failed)
        else:
            assert row["ms_duration"] == 0
            assert len(missed) == 1
            same = ("callid", "from_tag", "created")
            assert all(missed[0][key] == row[key] for key in same)
            assert missed[0]["time"] == row["time"] or ours.failed
        assert len(row["callee"]) <= 64


def test_rows_have_exactly_the_columns_of_their_tables():
    from app.opensips.tables import stock_metadata

    tables = stock_metadata().tables
    ours = call(code=486, end_ms=AT + 5, final_ms=AT + 5)
    for _, table, row in written(ours, "UTC"):
        assert set(row) | {"id"} == set(tables[table].c.keys()), table


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
def test_wall_is_the_clock_of_the_zone(zone):
    rng = Random(3)
    for _ in range(500):
        at = AT - rng.randrange(400 * clock.DAY)
        assert wall(at, zone) == clock.wall_clock(at, zone)


def test_it_tells_of_attempts_delays_and_the_end_as_the_shipped_script_does():
    tried = (Attempt("gw0", "blue", AT + 70, "x"),)
    ours = talk(call(failed=tried, carrier="red", account="trunk-1", callee="+4930"), 2_000, 9_000)
    (_, first_table, first), (_, _, last) = sorted(written(ours, "UTC"), key=lambda item: item[0])
    told = ("attempt", "first_ms", "final_ms", "cause", "hangup", "gateway")
    assert first_table == "missed_calls"
    assert [first[name] for name in told] == ["1", None, "70", "41", None, "gw0"]
    assert (last["attempt"], last["final_ms"], last["cause"]) == ("2", "1930", "16")
    assert int(last["pdd_ms"]) == int(last["first_ms"]) + 70
    assert (last["routed"], last["trunk"], last["asserted"]) == ("4930", "trunk-1", "alice")
    assert last["hangup"] in {"caller", "callee"}
    ours.ended_by_switch = True
    assert written(ours, "UTC")[-1][2]["hangup"] == "switch"
