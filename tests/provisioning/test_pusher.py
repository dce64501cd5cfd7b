"""Pushes against nodes that answer, are down, hang, lie: everything arrives or says why not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.provisioning import nodes, pusher, reconcile
from app.provisioning.tables import node as node_table
from app.provisioning.tables import push
from app.provisioning.tools import dialplan_proof
from tests.opensips.fake_mi import FakeNode, free_port
from tests.provisioning.scene import (
    adding,
    change_behind_our_back,
    changing,
    deleting,
    loader,
    look,
    only_draft,
    put,
    stored,
    submit,
    with_nodes,
)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A clock that moves when it is told to."""
    moment = [1_800_000_000_000]
    monkeypatch.setattr(clock, "now_ms", lambda: moment[0])
    return moment


@pytest.fixture
def node(dbs: Databases) -> Iterator[FakeNode]:
    with FakeNode(loader(dbs)) as running:
        yield running


@pytest.fixture
def one(settings: Settings, node: FakeNode) -> Settings:
    return with_nodes(settings, edge=node.url)


def test_added_changed_disabled_deleted_each_verified(
    dbs: Databases, one: Settings, node: FakeNode
) -> None:
    put(dbs, pr=50, match_exp="^0", subst_exp="", repl_exp="national", attrs="")
    found = submit(dbs, one, adding(dbs))
    assert pusher.run_due(dbs, one) == 1
    (arrived,) = look(dbs, found.id).pushes
    assert (arrived.state, arrived.level) == ("verified", "sampled"), arrived
    assert arrived.evidence["probes"][0]["got"]["output"].startswith("+")
    assert "2 of 2 rules loaded" in arrived.evidence["note"]

    row = stored(dbs)[-1]
    for edit in (
        changing(row, repl_exp=r"\1"),
        changing(row | {"repl_exp": r"\1"}, disabled=1),
        changing(row | {"repl_exp": r"\1", "disabled": 1}, disabled=0),
        deleting(row | {"repl_exp": r"\1"}),
    ):
        found = submit(dbs, one, edit)
        pusher.run_due(dbs, one)
        (arrived,) = look(dbs, found.id).pushes
        assert (arrived.state, arrived.level) == ("verified", "sampled"), (edit, arrived)
    assert pusher.run_due(dbs, one) == 0
    assert look(dbs, found.id).settled
    with reading(dbs.panel) as connection:
        (known,) = nodes.in_use(connection)
    assert known.state == "up" and "3.6.8" in known.version


def test_new_names_of_4(dbs: Databases, settings: Settings) -> None:
    with FakeNode(loader(dbs), new_names=True) as newer:
        used = with_nodes(settings, edge=newer.url)
        found = submit(dbs, used, adding(dbs))
        pusher.run_due(dbs, used)
        assert look(dbs, found.id).pushes[0].state == "verified"
        assert "dialplan:reload" in newer.calls and "dp_reload" not in newer.calls


def test_a_node_that_is_down_gets_it_when_it_returns(
    dbs: Databases, settings: Settings, now: list[int]
) -> None:
    node = FakeNode(loader(dbs))
    node.port = free_port()
    used = with_nodes(settings, edge=node.url)
    found = submit(dbs, used, adding(dbs))
    pauses = []
    for _ in range(9):
        pusher.run_due(dbs, used)
        (waiting,) = look(dbs, found.id).pushes
        assert waiting.state == "waiting" and "Connection refused" in waiting.problem
        pauses.append((waiting.next_at - now[0]) // 1000)
        assert pusher.run_due(dbs, used) == 0, "not before its time"
        now[0] = waiting.next_at
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    with reading(dbs.panel) as connection:
        assert nodes.in_use(connection)[0].state == "down"
    with node:
        pusher.run_due(dbs, used)
        (arrived,) = look(dbs, found.id).pushes
    assert (arrived.state, arrived.problem, arrived.attempts) == ("verified", "", 10)


def test_three_nodes_one_down_one_hanging_one_half(
    dbs: Databases, settings: Settings, now: list[int]
) -> None:
    with FakeNode(loader(dbs)) as good, FakeNode(loader(dbs)) as slow, FakeNode(loader(dbs)) as odd:
        slow.mode, odd.mode = "hang", "half"
        down = FakeNode(loader(dbs))
        down.port = free_port()
        used = with_nodes(settings, a=good.url, b=slow.url, c=odd.url, d=down.url)
        found = submit(dbs, used, adding(dbs))
        started = time.monotonic()
        assert pusher.run_due(dbs, used) == 4
        assert time.monotonic() - started < used.mi_timeout + 3
        states = {push.node: push for push in look(dbs, found.id).pushes}
        assert {name: one.state for name, one in states.items()} == {
            "a": "verified",
            "b": "waiting",
            "c": "waiting",
            "d": "waiting",
        }
        assert "did not answer within" in states["b"].problem
        assert "broke the connection" in states["c"].problem
        assert "refused" in states["d"].problem
        slow.mode = odd.mode = "ok"
        with down:
            now[0] += 60_000
            pusher.run_due(dbs, used)
            assert {push.state for push in look(dbs, found.id).pushes} == {"verified"}
        assert good.calls.count("dp_reload") == 1, "who has it is left alone"


def test_a_refused_reload_fails_and_is_retried(
    dbs: Databases, one: Settings, node: FakeNode, now: list[int]
) -> None:
    node.mode = "refuse_reload"
    found = submit(dbs, one, adding(dbs))
    pusher.run_due(dbs, one)
    (failed,) = look(dbs, found.id).pushes
    assert failed.state == "failed" and "refused to reload dialplan" in failed.problem
    node.mode = "ok"
    now[0] = failed.next_at
    pusher.run_due(dbs, one)
    assert look(dbs, found.id).pushes[0].state == "verified"


def test_a_missing_module_is_named(dbs: Databases, one: Settings, node: FakeNode) -> None:
    node.which = [name for name in node.which if not name.startswith("dp_")]
    found = submit(dbs, one, adding(dbs))
    pusher.run_due(dbs, one)
    (failed,) = look(dbs, found.id).pushes
    assert failed.state == "failed"
    assert "dp_reload" in failed.problem and "module" in failed.problem


def test_a_node_that_reads_another_database(dbs: Databases, one: Settings, node: FakeNode) -> None:
    node.load = list
    found = submit(dbs, one, adding(dbs))
    pusher.run_due(dbs, one)
    (failed,) = look(dbs, found.id).pushes
    assert failed.state == "failed" and failed.level == ""
    assert "loaded 0 rules, the table has 1" in failed.problem


def test_a_different_answer_is_a_failure_with_both_sides(
    dbs: Databases, one: Settings, node: FakeNode
) -> None:
    node.load = lambda: [row | {"repl_exp": "wrong"} for row in stored(dbs)]
    found = submit(dbs, one, adding(dbs))
    pusher.run_due(dbs, one)
    (failed,) = look(dbs, found.id).pushes
    assert failed.state == "failed"
    assert "answers “wrong”" in failed.problem and "the table says “+" in failed.problem


def test_without_the_status_report_translations_still_prove(
    dbs: Databases, one: Settings, node: FakeNode
) -> None:
    node.which = [name for name in node.which if name != "sr_list_reports"]
    found = submit(dbs, one, adding(dbs))
    pusher.run_due(dbs, one)
    (arrived,) = look(dbs, found.id).pushes
    assert (arrived.state, arrived.level) == ("verified", "sampled")


@pytest.mark.parametrize(
    "values",
    [
        {"match_exp": r"^(\d{4})\1$"},
        {"timerec": "20200101T000000|20200101T000001"},
    ],
)
def test_what_no_question_can_show_is_only_reloaded(
    dbs: Databases, one: Settings, values: dict[str, str]
) -> None:
    found = submit(dbs, one, adding(dbs, **values))
    pusher.run_due(dbs, one)
    (arrived,) = look(dbs, found.id).pushes
    assert (arrived.state, arrived.level) == ("verified", "reloaded")


def test_a_rule_behind_another_is_only_reloaded(dbs: Databases, one: Settings) -> None:
    put(dbs, pr=0, match_exp="^", subst_exp="", repl_exp="all")
    found = submit(dbs, one, adding(dbs))
    pusher.run_due(dbs, one)
    assert look(dbs, found.id).pushes[0].level == "reloaded"


def test_a_rule_that_the_switch_skips_is_no_success(dbs: Databases, one: Settings) -> None:
    """OpenSIPS answers OK to a reload that left the row out."""
    row = put(dbs)
    found = submit(dbs, one, changing(row, match_exp="^00[1-9"))
    pusher.run_due(dbs, one)
    (failed,) = look(dbs, found.id).pushes
    assert failed.state == "failed" and "leaves rule" in failed.problem


def test_a_dead_workers_claim_comes_back(
    dbs: Databases, one: Settings, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = submit(dbs, one, adding(dbs))
    assert pusher._claim(dbs, one)
    assert pusher.run_due(dbs, one) == 0, "claimed by the process that died"
    now[0] += 60_000
    assert pusher.run_due(dbs, one) == 1
    assert look(dbs, found.id).pushes[0].state == "verified"


def test_a_late_result_does_not_overwrite_a_newer_claim(
    dbs: Databases, one: Settings, now: list[int]
) -> None:
    found = submit(dbs, one, adding(dbs))
    (claim,) = pusher._claim(dbs, one)
    now[0] += 60_000
    pusher.run_due(dbs, one)
    late: pusher.Future[object] = pusher.Future()
    late.set_result(("", "down", [pusher.Outcome(found.id, "failed", "late")]))
    pusher._settle(dbs, claim, late)  # type: ignore[arg-type]
    assert look(dbs, found.id).pushes[0].state == "verified"


def test_several_workers_share_the_work(both_dbs: Databases, settings: Settings) -> None:
    with FakeNode(loader(both_dbs)) as a, FakeNode(loader(both_dbs)) as b:
        used = replace(with_nodes(settings, a=a.url, b=b.url), mi_timeout=5.0)
        ids = [
            only_draft(both_dbs, adding(both_dbs, dpid=dpid, match_exp=f"^00{dpid}[1-9]+$"))
            for dpid in range(1, 7)
        ]
        errors: list[Exception] = []

        def work() -> None:
            try:
                while any(not look(both_dbs, i).settled for i in ids):
                    pusher.run_due(both_dbs, used)
            except Exception as exc:
                errors.append(exc)

        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert errors == []
        for set_id in ids:
            assert [p.state for p in look(both_dbs, set_id).pushes] == ["verified", "verified"]
        assert len(stored(both_dbs)) == 6


def test_many_changes_need_few_reloads(
    dbs: Databases, one: Settings, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialplan_proof, "MOST_ROWS", 15)
    used = replace(one, mi_timeout=10.0)
    ids = [
        submit(dbs, used, adding(dbs, dpid=3, pr=n, match_exp=f"^00{n:03d}")).id for n in range(40)
    ]
    rounds = 0
    while pusher.run_due(dbs, used):
        rounds += 1
        assert rounds < 10
    assert node.calls.count("dp_reload") <= 4
    assert {look(dbs, i).pushes[0].level for i in ids} == {"sampled"}


def test_try_now(dbs: Databases, settings: Settings, now: list[int]) -> None:
    used = with_nodes(settings, edge=f"http://127.0.0.1:{free_port()}/mi")
    found = submit(dbs, used, adding(dbs))
    pusher.run_due(dbs, used)
    assert pusher.run_due(dbs, used) == 0
    assert pusher.try_now(dbs, found.id) == 1
    assert pusher.run_due(dbs, used) == 1


def test_a_node_that_is_taken_out_is_no_longer_waited_for(
    dbs: Databases, settings: Settings
) -> None:
    used = with_nodes(
        settings, edge=f"http://127.0.0.1:{free_port()}/mi", old="http://127.0.0.1:1/mi"
    )
    found = submit(dbs, used, adding(dbs))
    with writing(dbs.panel) as connection:
        nodes.sync(connection, with_nodes(settings, new="http://127.0.0.1:1/mi"))
    assert pusher.run_due(dbs, settings) == 0
    assert look(dbs, found.id).settled
    with reading(dbs.panel) as connection:
        assert [one.name for one in nodes.in_use(connection)] == ["new"]
    with writing(dbs.panel) as connection:
        nodes.sync(connection, used)
        states = {row.name: row.state for row in connection.execute(select(node_table))}
    assert states == {"edge": "unknown", "old": "unknown", "new": "retired"}


def test_the_demo_has_one_node(settings: Settings) -> None:
    (demo,) = nodes.wanted(replace(settings, demo=True, nodes=()))
    assert (demo.name, demo.mi_url) == ("demo", "http://127.0.0.1:8888/mi")
    assert nodes.wanted(replace(settings, demo=False, nodes=())) == ()


def test_pauses() -> None:
    assert [pusher.pause_ms(n) for n in (0, 1, 2, 3, 6, 7, 500)] == [
        1000,
        1000,
        2000,
        4000,
        32_000,
        60_000,
        60_000,
    ]


class TestInvariant6:
    """What ``flask verify`` says of pushes and nodes."""

    def check(self, dbs: Databases, settings: Settings, offline: bool = False) -> dict[str, int]:
        return {
            finding.invariant: len(finding.violations)
            for finding in reconcile.check(dbs, settings, offline)
        }

    def test_clean(self, dbs: Databases, one: Settings) -> None:
        submit(dbs, one, adding(dbs))
        pusher.run_due(dbs, one)
        assert self.check(dbs, one) == {
            "6 verified pushes have a level": 0,
            "6 written changes are pushed": 0,
            "6 node edge dialplan sampled": 0,
        }

    def test_a_proof_without_a_level(self, dbs: Databases, one: Settings) -> None:
        submit(dbs, one, adding(dbs))
        pusher.run_due(dbs, one)
        with writing(dbs.panel) as connection:
            connection.execute(update(push).values(level=""))
        assert self.check(dbs, one, offline=True)["6 verified pushes have a level"] == 1

    def test_drift_is_a_violation(self, dbs: Databases, one: Settings, node: FakeNode) -> None:
        submit(dbs, one, adding(dbs))
        pusher.run_due(dbs, one)
        change_behind_our_back(dbs, stored(dbs)[0]["id"], repl_exp=r"00\1")
        assert self.check(dbs, one)["6 node edge dialplan drifted"] == 1
        assert node.calls.count("dp_reload") == 1, "looking changes nothing"

    def test_a_node_that_does_not_answer_is_unknown(
        self, dbs: Databases, one: Settings, node: FakeNode
    ) -> None:
        submit(dbs, one, adding(dbs))
        pusher.run_due(dbs, one)
        node.mode = "hang"
        assert self.check(dbs, one)["6 node edge unknown"] == 0

    def test_a_written_change_that_no_node_was_told(self, dbs: Databases, one: Settings) -> None:
        submit(dbs, one, adding(dbs))
        pusher.run_due(dbs, one)
        with writing(dbs.panel) as connection:
            connection.execute(update(node_table).values(created_at=0))
            connection.execute(push.delete())
        assert self.check(dbs, one, offline=True)["6 written changes are pushed"] == 1
