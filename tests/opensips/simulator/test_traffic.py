"""Calls under way: what is in the tables and in dlg_list at each stage, beside recordings."""

import pytest

from app.core import clock
from app.core.database import reading, writing
from app.opensips.simulator.call import Attempt, Call
from app.opensips.simulator.cast import cast
from app.opensips.simulator.commands import execute
from app.opensips.simulator.dialogs import LiveCall, dialog_row
from app.opensips.simulator.errors import MiFailure
from app.opensips.simulator.tables import TABLES
from app.opensips.simulator.traffic import Traffic
from tests.opensips.simulator import recorded

NOW = 1_795_391_800_000


@pytest.fixture
def time(monkeypatch):
    """A clock that stands until it is told to move."""
    state = {"now": NOW}
    monkeypatch.setattr(clock, "now_ms", lambda: state["now"])
    return state


@pytest.fixture
def traffic(time, node, switch):
    """A switch without traffic of its own."""
    found = Traffic(switch, cast(), node.dialogs)
    found._next = {}
    return found


def rows(engine, name):
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(TABLES[name].select()).mappings()]


def call(**changes):
    values = {
        "setup_ms": NOW,
        "final_ms": NOW + 3_000,
        "end_ms": NOW + 13_250,
        "code": 200,
        "callid": "abcf78d88382@lab",
        "from_tag": "uac399a4b5f",
        "to_tag": "uasec3d3a20",
        "caller": "alice",
        "callee": "0012125550106",
        "domain": "lab.local",
        "account": "alice@lab.local",
        "gateway": "gw1",
        "carrier": "carA",
        "src_ip": "127.0.0.1",
        "agent": "",
        "charge_id": None,
    }
    return Call(**(values | changes))


def move(traffic, time, ms):
    time["now"] += ms
    traffic.step(time["now"])


def test_an_answered_call_through_its_stages(traffic, node, switch, time):
    traffic.begin(call())
    move(traffic, time, 500)
    early = execute(node, "dlg_list", {"callid": "abcf78d88382@lab"})["Dialog"]
    assert (early["state"], early["timestart"], early["timeout"]) == (2, 0, 0)
    assert "datestart" not in early
    assert rows(switch, "dialog") == [] == rows(switch, "acc")
    move(traffic, time, 3_000)
    up = execute(node, "dlg_list")["Dialogs"][0]
    assert up["state"] == 4
    (row,) = rows(switch, "dialog")
    assert (row["state"], row["start_time"]) == (4, (NOW + 3_000) // 1000)
    assert row["timeout"] == row["start_time"] + 14_400 == up["timeout"]
    assert str(row["dlg_id"]) == up["db_id"]
    assert rows(switch, "acc") == []
    move(traffic, time, 10_000)
    assert rows(switch, "dialog") == []
    (written,) = rows(switch, "acc")
    assert (written["ms_duration"], written["duration"], written["setuptime"]) == (
        10_250,
        11,
        3,
    )
    assert (written["to_tag"], written["charge_id"]) == ("uasec3d3a20", "")
    assert execute(node, "dlg_list")["Dialogs"][0]["state"] == 5
    move(traffic, time, 6_000)
    assert execute(node, "dlg_list") == {"Dialogs": []}


def test_times_are_stored_as_opensips_stores_them_in_sqlite(traffic, switch, time):
    traffic.begin(call())
    move(traffic, time, 20_000)
    with reading(switch) as connection:
        (stored,) = connection.exec_driver_sql("SELECT time FROM acc").all()
    assert stored == ("2026-11-22 23:56:43",)


def test_a_failed_call_is_written_when_it_fails(traffic, switch, time):
    traffic.begin(call(code=486, end_ms=NOW + 3_000))
    move(traffic, time, 2_000)
    assert rows(switch, "acc") == []
    move(traffic, time, 1_500)
    for name in ("acc", "missed_calls"):
        assert [row["sip_code"] for row in rows(switch, name)] == ["486"]
    assert rows(switch, "dialog") == []


def test_a_failed_gateway_is_written_at_once_and_the_call_goes_on(traffic, switch, time):
    traffic.begin(call(gateway="gw2", failed=(Attempt("gw1", "carB", NOW + 200, "t"),)))
    move(traffic, time, 1_000)
    assert [row["gateway"] for row in rows(switch, "missed_calls")] == ["gw1"]
    assert rows(switch, "acc") == []
    move(traffic, time, 20_000)
    assert [row["gateway"] for row in rows(switch, "acc")] == ["gw2"]
    assert len(rows(switch, "missed_calls")) == 1


@pytest.mark.parametrize("by", ["key", "callid"])
def test_dlg_end_dlg_ends_the_call_and_leaves_its_cdr(traffic, node, switch, time, by):
    live = traffic.begin(call(end_ms=NOW + 3_600_000))
    move(traffic, time, 8_500)
    name = live.key if by == "key" else live.call.callid
    assert execute(node, "dlg_end_dlg", [name]) == "OK"
    move(traffic, time, 10)
    (written,) = rows(switch, "acc")
    assert (written["ms_duration"], written["sip_code"]) == (5_500, "200")
    assert rows(switch, "dialog") == []
    assert execute(node, "dlg_end_dlg", [name]) == "OK"
    move(traffic, time, 10_000)
    assert len(rows(switch, "acc")) == 1
    with pytest.raises(MiFailure, match="Requested Dialog not found"):
        execute(node, "dlg_end_dlg", [name])


def test_ending_a_ringing_call_cancels_it(traffic, node, switch, time):
    live = traffic.begin(call())
    move(traffic, time, 1_000)
    execute(node, "dlg_end_dlg", {"dialog_id": live.key})
    move(traffic, time, 30_000)
    assert [row["sip_code"] for row in rows(switch, "acc")] == ["487"]
    assert [row["sip_code"] for row in rows(switch, "missed_calls")] == ["487"]


def test_a_stop_hangs_up_and_writes_every_call_once(traffic, switch, time):
    traffic.begin(call(end_ms=NOW + 3_600_000))
    traffic.begin(call(callid="other@lab", final_ms=NOW + 60_000, end_ms=NOW + 90_000))
    move(traffic, time, 5_000)
    traffic.stop()
    assert {row["callid"]: row["sip_code"] for row in rows(switch, "acc")} == {
        "abcf78d88382@lab": "200",
        "other@lab": "487",
    }
    assert rows(switch, "dialog") == []


def test_rows_wait_for_a_database_that_refuses_them(traffic, switch, time):
    traffic.begin(call())
    with writing(switch) as connection:
        connection.exec_driver_sql("ALTER TABLE acc RENAME TO elsewhere")
    move(traffic, time, 20_000)
    with writing(switch) as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO acc")
    assert rows(switch, "acc") == []
    move(traffic, time, 100)
    assert len(rows(switch, "acc")) == 1


def test_pages_of_dlg_list_are_the_recorded_shape(traffic, node, time):
    for number in range(5):
        traffic.begin(call(callid=f"{number}@lab", end_ms=NOW + 900_000))
    move(traffic, time, 4_000)
    page = execute(node, "dlg_list", {"index": "1", "counter": 2})
    assert (page["count"], [d["callid"] for d in page["Dialogs"]]) == (
        5,
        ["1@lab", "2@lab"],
    )
    assert execute(node, "dlg_list", {"index": 9, "counter": 2}) == {
        "count": 5,
        "Dialogs": [],
    }


def test_dialog_row_and_dlg_list_have_the_recorded_shape(node):
    stage = recorded.dialogs()["db_mode_1"]["confirmed"]
    (wanted,) = stage["dialog_table"]
    listed = stage["dlg_list"]["Dialogs"][0]
    key, h_id = (int(part[::-1], 16) for part in listed["ID"].split("."))
    live = LiveCall(
        call(setup_ms=1_795_391_808_000, final_ms=1_795_391_808_300), key, h_id, state=4
    )
    row = dialog_row(live)
    assert set(row) == set(wanted)
    other = {
        "callee_contact",
        "caller_contact",
        "caller_sock",
        "callee_sock",
        "timeout",
        "to_uri",
    }
    assert {k: v for k, v in row.items() if k not in other} == {
        k: v for k, v in wanted.items() if k not in other
    }
    shown = node.dialogs.shown(live)
    assert (shown["ID"], shown["db_id"]) == (listed["ID"], listed["db_id"])
    assert list(shown) == list(listed)
    assert list(shown["CALLEES"][0]) == list(listed["CALLEES"][0])
    same = ("state", "timestart", "datestart", "callid", "from_uri", "caller_tag")
    assert [shown[name] for name in same] == [listed[name] for name in same]


def test_the_living_switch_makes_calls_all_day(switch, node, time):
    traffic = Traffic(switch, cast(), node.dialogs)
    traffic.start()
    assert node.dialogs.count(4) == len(rows(switch, "dialog")) > 0
    for _ in range(600):
        move(traffic, time, 1_000)
    acc, live = rows(switch, "acc"), node.dialogs
    assert len(acc) > 20
    assert len(rows(switch, "dialog")) == live.count(4)
    accounts = {who.account for who in cast().subscribers} | {t.name for t in cast().trunks}
    assert {row["account"] for row in acc} <= accounts
    poor = {who.account for who in cast().subscribers if who.poor}
    assert not poor & {row["account"] for row in acc}
    assert len(execute(node, "ul_dump", {"brief": 1})["Domains"][0]["AORs"]) > 500
    contact = execute(node, "ul_dump")["Domains"][0]["AORs"][0]["Contacts"][0]
    assert contact["Expires"] > 0
    traffic.stop()
    assert rows(switch, "dialog") == []
    assert len({row["callid"] for row in rows(switch, "acc")}) == len(rows(switch, "acc"))
