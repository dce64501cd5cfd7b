"""Dialogs that end without a row of acc, and dialogs that outlive their row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import NodeSetting, Settings
from app.identity.tables import audit
from app.mediation import vanished
from app.mediation.source import ensure_source
from app.mediation.tables import dialog_seen
from app.opensips.tables import reflect
from tests.identity.people import Browser
from tests.opensips.fake_mi import FakeNode, recorded_dialogs
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import scenario


def _dialog(dbs: Databases, number: int, started: int) -> None:
    """A dialog as the switch writes it at the ACK (db_mode 1)."""
    with writing(dbs.switch) as connection:
        table = reflect(connection, "dialog")
        row: dict[str, Any] = {
            column.name: "" if column.type.python_type is str else 0
            for column in table.c
            if not column.nullable
        }
        row |= {"dlg_id": 10_475_943_827_815 + number, "callid": f"d{number}@lab", "state": 4}
        row |= {"from_tag": f"f{number}", "to_tag": "t", "start_time": started // 1000}
        row |= {"from_uri": "sip:alice@lab.local", "to_uri": "sip:0012125550111@lab.local"}
        connection.execute(table.insert(), row)


def _ended(dbs: Databases, number: int) -> None:
    with writing(dbs.switch) as connection:
        table = reflect(connection, "dialog")
        connection.execute(table.delete().where(table.c.callid == f"d{number}@lab"))


def _states(dbs: Databases) -> dict[str, str]:
    with reading(dbs.panel) as connection:
        query = select(dialog_seen.c.call_id, dialog_seen.c.state)
        return {call_id: state for call_id, state in connection.execute(query)}


def test_a_call_without_its_row_is_told_and_one_with_it_is_forgotten(
    both_dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    settings = replace(settings, settling_ms=-1)
    with writing(both_dbs.panel) as connection:
        ensure_source(connection, settings)
    begun = clock.now_ms() - clock.HOUR
    for number in (1, 2, 3):
        _dialog(both_dbs, number, begun)
    assert vanished.watch(both_dbs, settings) == 3
    wall = clock.wall_clock(begun, "UTC").isoformat(" ")
    at = {"time": wall, "created": wall, "ms_duration": 1000}
    recorded.load(
        both_dbs,
        [scenario(shared_dir, 0, id=n, callid=f"d{n}@lab", from_tag=f"f{n}", **at) for n in (2, 3)],
    )
    _ended(both_dbs, 1)
    _ended(both_dbs, 2)
    assert vanished.watch(both_dbs, settings) == 1
    assert _states(both_dbs) == {"d1@lab": "vanished", "d3@lab": "lasting"}
    # Its row came late after all; the other one's dialog is over.
    late = scenario(shared_dir, 0, id=9, callid="d1@lab", from_tag="f1", **at)
    recorded.load(both_dbs, [late])
    _ended(both_dbs, 3)
    vanished.watch(both_dbs, settings)
    assert _states(both_dbs) == {}


def test_it_is_shown_and_acknowledged(
    dbs: Databases, settings: Settings, admin_client: Browser
) -> None:
    settings = replace(settings, settling_ms=-1)
    with writing(dbs.panel) as connection:
        ensure_source(connection, settings)
    _dialog(dbs, 1, clock.now_ms() - clock.HOUR)
    vanished.watch(dbs, settings)
    _ended(dbs, 1)
    vanished.watch(dbs, settings)
    assert "1 call vanished" in admin_client.get("/suspense").text
    page = admin_client.get("/vanished").text
    assert "Ended without a row" in page
    assert "d1@lab" in page
    with reading(dbs.panel) as connection:
        (row_id,) = connection.scalars(select(dialog_seen.c.id))
    form = {"ids": row_id, "csrf_token": admin_client.csrf}
    assert admin_client.post("/vanished/acknowledge", data=form).status_code == 303
    assert "d1@lab" not in admin_client.get("/vanished").text
    with reading(dbs.panel) as connection:
        noted = select(func.count()).where(audit.c.action == "vanished.acknowledged")
        assert connection.scalar(noted) == 1


def test_without_a_table_of_dialogs_nothing_is_said(dbs: Databases, settings: Settings) -> None:
    with writing(dbs.panel) as connection:
        ensure_source(connection, settings)
    with writing(dbs.switch) as connection:
        reflect(connection, "dialog").drop(connection)
    assert vanished.watch_due(dbs, settings) == 0


def test_a_node_that_holds_its_dialogs_in_memory_is_asked(
    dbs: Databases, settings: Settings, shared_dir: Path
) -> None:
    recorded_ones = recorded_dialogs()
    up = [row for row in recorded_ones if row["state"] in (3, 4)]
    assert len(up) >= 3 and len(up) < len(recorded_ones)  # ringing ones do not count
    with FakeNode() as node, FakeNode(new_names=True) as copy:
        nodes = (NodeSetting("a", node.url), NodeSetting("b", copy.url))
        settings = replace(settings, settling_ms=-1, nodes=nodes, mi_timeout=1.0)
        with writing(dbs.panel) as connection:
            ensure_source(connection, settings)
        # More than a page of them; the other node of the cluster holds copies of some.
        many = [{**up[0], "db_id": str(n), "callid": f"{n}@lab"} for n in range(1, 61)]
        node.dialogs = [*recorded_ones, *many]
        copy.dialogs = [{**up[0], "db_id": "77"}]
        assert vanished.watch(dbs, settings) == len(up) + 60
        assert node.calls.count("dlg_list") == 2 and "dialog:list" in copy.calls
        first, second, third = (row["callid"] for row in up[:3])
        # Who does not answer, or not whole, makes nobody vanish.
        for mode in ("hang", "half", "html", "endless_500"):
            node.mode = mode
            vanished.watch(dbs, settings)
            assert set(_states(dbs).values()) == {"live"}, mode
        node.mode = "ok"
        # One ended with its row, one without, one is held by the copy alone.
        ended = {"callid": second, "from_tag": up[1]["caller_tag"]}
        recorded.load(dbs, [scenario(shared_dir, 0, id=1, **ended)])
        node.dialogs = [row for row in node.dialogs if row["callid"] not in (first, second, third)]
        vanished.watch(dbs, settings)
        states = _states(dbs)
        assert second not in states and states[third] == "vanished" and states[first] == "live"
        assert sum(state == "vanished" for state in states.values()) == 1
        # A node that the settings no longer name is not waited for; what was told stays, and
        # what the copy holds is noted as the copy's.
        for _ in range(2):
            vanished.watch(dbs, replace(settings, nodes=nodes[1:]))
        assert set(_states(dbs)) == {first, third}


def test_a_node_whose_dialogs_are_in_the_table_need_not_list_them(
    dbs: Databases, settings: Settings
) -> None:
    begun = clock.now_ms() - clock.HOUR
    with FakeNode() as node:
        settings = replace(settings, nodes=(NodeSetting("a", node.url),), mi_timeout=1.0)
        with writing(dbs.panel) as connection:
            ensure_source(connection, settings)
        _dialog(dbs, 1, begun)
        shown = {**recorded_dialogs()[0], "state": 4, "callid": "d1@lab", "caller_tag": "f1"}
        node.dialogs = [shown, *recorded_dialogs() * 20]
        assert vanished.watch(dbs, settings) == 1
        assert node.calls.count("dlg_list") == 1
    assert _states(dbs) == {"d1@lab": "live"}
