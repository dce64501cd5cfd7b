"""Several switches into one panel: each by its own clock and rules, one away stops no other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app import comparison, lanes
from app.cdr import raw
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core import clock
from app.core.database import Databases, make_engine, reading, writing
from app.core.errors import DatabaseUnavailable
from app.core.settings import Settings
from app.core.source_settings import SourceSetting
from app.mediation import suspense
from app.mediation.source import ensure_sources, load_sources
from app.mediation.tables import number_rule, source
from app.pipeline import Pipeline
from app.rounds import Runner
from tests.conftest import Lender
from tests.pipeline import recorded
from tests.pipeline.test_nothing_lost import scenario, violations
from tests.services import schemas

Where = tuple[Databases, Settings]


def several(dbs: Databases, settings: Settings, **urls: str) -> Where:
    """The databases and settings of an installation with more sources."""
    others = {name: make_engine(url) for name, url in urls.items()}
    named = tuple(SourceSetting(name, url) for name, url in urls.items())
    return replace(dbs, others=others), replace(settings, sources=named)


@pytest.fixture
def two(dbs: Databases, settings: Settings, lender: Lender, tmp_path: Path) -> Iterator[Where]:
    """The first source and Berlin, both on SQLite; Berlin's clock is in its own zone."""
    where = tmp_path / "berlin"
    where.mkdir()
    url = lender.files.lend("switch", schemas.make_stock, where)
    made = several(dbs, settings, berlin=url)
    change(made, "berlin", zone="Europe/Berlin")
    yield made
    made[0].others["berlin"].dispose()


def change(where: Where, name: str, **values: Any) -> None:
    """Changes a source as its screen does."""
    with writing(where[0].panel) as connection:
        ensure_sources(connection, where[1])
        connection.execute(source.update().where(source.c.name == name).values(values))


def calls(dbs: Databases) -> list[dict[str, Any]]:
    """All calls with the name of their source, in the order of being stored."""
    with reading(dbs.panel) as connection:
        names = {row.id: row.name for row in connection.execute(select(source))}
        found = [{**cdr, "source": names[cdr["source_id"]]} for cdr in walk(connection, Filters())]
    return sorted(found, key=lambda cdr: cdr["id"])


def stored(dbs: Databases) -> set[tuple[str, str]]:
    """(source, rows) of all calls."""
    return {(cdr["source"], cdr["acc_ids"]) for cdr in calls(dbs)}


def state(dbs: Databases, name: str) -> Any:
    """What the screens are told of a source."""
    with reading(dbs.panel) as connection:
        return connection.execute(select(source).where(source.c.name == name)).one()


def test_each_source_is_read_by_its_own_clock_and_stands_on_its_calls(
    two: Where, shared_dir: Path
) -> None:
    dbs, settings = two
    at = {"time": "2026-11-20 12:00:00", "created": "2026-11-20 11:59:50"}
    # One call over both switches, with the same id in either table.
    row = scenario(shared_dir, 0, id=7, **at)
    recorded.load(dbs, [row])
    recorded.load(dbs.of_source("berlin"), [row])
    runner = Runner(dbs, settings)
    runner.to_the_end(lambda _rows: None)
    one, other = sorted(calls(dbs), key=lambda cdr: str(cdr["source"]), reverse=True)
    assert (one["source"], other["source"]) == ("opensips", "berlin")
    assert one["acc_ids"] == other["acc_ids"] == "acc:7"
    assert one["setup_at"] - other["setup_at"] == clock.HOUR
    assert violations(dbs, settings) == []
    assert state(dbs, "berlin").versions == "acc:7 missed_calls:5"
    assert (state(dbs, "berlin").waiting, state(dbs, "berlin").problem) == (0, "")
    # A row that nothing was made of is told with its source.
    recorded.load(dbs.of_source("berlin"), [scenario(shared_dir, 0, id=6, callid="late", **at)])
    assert [text for text in violations(dbs, settings) if "acc:6 of berlin" in text]
    pipeline = next(one for one in runner.pipelines if one.source.name == "berlin")
    (stretch,) = comparison.stretches(pipeline, days=4000)
    assert comparison.compare(pipeline, stretch)[:2] == (2, 1)
    assert violations(dbs, settings) == []


def test_the_rows_of_a_call_come_from_its_own_source(two: Where, shared_dir: Path) -> None:
    dbs, settings = two
    recorded.load(dbs, [scenario(shared_dir, 0, id=1, callid="same", sip_reason="here")])
    there = scenario(shared_dir, 0, id=1, callid="same", sip_reason="there")
    recorded.load(dbs.of_source("berlin"), [there])
    Runner(dbs, settings).round()
    shown = {}
    for cdr in calls(dbs):
        (row,) = raw.rows(dbs, cdr)
        assert row.values is not None
        shown[cdr["source"]] = row.values["sip_reason"]
    assert shown == {"opensips": "here", "berlin": "there"}
    # A source that no setting names is asked nothing, least of all the first one's database.
    with pytest.raises(DatabaseUnavailable, match="berlin"):
        raw.rows(replace(dbs, others={}), calls(dbs)[-1])


def test_a_source_that_is_away_stops_no_other_and_is_read_when_it_is_back(
    two: Where, shared_dir: Path, tmp_path: Path
) -> None:
    dbs, settings = two
    recorded.load(dbs, [scenario(shared_dir, 0, id=1, callid="a")])
    recorded.load(dbs.of_source("berlin"), [scenario(shared_dir, 0, id=1, callid="b")])
    file, gone = tmp_path / "berlin" / "switch.db", tmp_path / "berlin" / "gone.db"
    runner = Runner(dbs, settings)
    dbs.others["berlin"].dispose()
    file.rename(gone)
    file.mkdir()  # SQLite opens no folder
    runner.round()
    assert stored(dbs) == {("opensips", "acc:1")}
    assert "does not answer" in state(dbs, "berlin").problem
    assert state(dbs, "opensips").problem == ""
    assert list(runner.problems) == ["berlin"]
    recorded.load(dbs, [scenario(shared_dir, 0, id=2, callid="c")])
    runner.round()
    assert stored(dbs) == {("opensips", "acc:1"), ("opensips", "acc:2")}
    file.rmdir()
    gone.rename(file)
    deadline = time.monotonic() + 20
    while len(stored(dbs)) < 3 and time.monotonic() < deadline:
        runner.round()
        time.sleep(0.1)
    assert ("berlin", "acc:1") in stored(dbs)
    runner.to_the_end(lambda _rows: None)
    assert state(dbs, "berlin").problem == ""


def test_where_none_can_be_read_that_is_raised(
    dbs: Databases, settings: Settings, tmp_path: Path
) -> None:
    nowhere = f"sqlite:///{tmp_path}"
    away, named = several(dbs, settings, berlin=nowhere)
    switch = make_engine(nowhere)
    with pytest.raises(DatabaseUnavailable):
        Runner(replace(away, switch=switch), named).round()
    assert "does not answer" in state(dbs, "opensips").problem


def test_a_changed_mapping_zone_and_rule_are_taken_up_by_a_running_worker(
    two: Where, shared_dir: Path
) -> None:
    dbs, settings = two
    runner = Runner(dbs, settings)

    def read(number: int, **values: Any) -> dict[str, Any]:
        row = scenario(shared_dir, 0, id=number, callid=f"c{number}", **values)
        recorded.load(dbs.of_source("berlin"), [row])
        runner.round()
        return calls(dbs)[-1]

    at = {"time": "2026-11-20 12:00:00", "created": "2026-11-20 12:00:00"}
    first = read(1, callee="030555", src_ip="192.0.2.9", **at)
    assert (first["callee"], first["account"]) == ("4930555", "alice@lab.local")
    change(two, "berlin", columns='{"account": "src_ip", "src_ip": ""}', zone="UTC", country="43")
    second = read(2, callee="030555", src_ip="192.0.2.9", **at)
    assert (second["callee"], second["account"], second["src_ip"]) == ("4330555", "192.0.2.9", "")
    assert second["setup_at"] - first["setup_at"] == clock.HOUR
    with writing(dbs.panel) as connection:
        (berlin,) = [one for one in load_sources(connection) if one.name == "berlin"]
        rule = {"source_id": berlin.id, "place": 1, "side": "callee", "prefix": "77"}
        connection.execute(number_rule.insert(), {**rule, "add": "+", "created_at": 0})
    assert read(3, callee="7741555", **at)["callee"] == "41555"
    # The first source has no such rule.
    recorded.load(dbs, [scenario(shared_dir, 0, id=9, callee="7741555", callid="first", **at)])
    runner.round()
    assert calls(dbs)[-1]["callee"] == "7741555"


def test_suspense_is_replayed_by_the_rules_of_its_source(two: Where, shared_dir: Path) -> None:
    dbs, settings = two
    change(two, "berlin", zone="Pacific/Pago_Pago")  # eleven hours behind UTC
    soon = clock.wall_clock(clock.now_ms(), "Europe/Berlin") - timedelta(minutes=5)
    wall = soon.isoformat(" ", "seconds")
    row = scenario(shared_dir, 0, id=1, time=wall, created=wall)
    recorded.load(dbs.of_source("berlin"), [row])
    runner = Runner(dbs, settings)
    runner.round()
    with reading(dbs.panel) as connection:
        ids = suspense.ids_of(connection, "in_future")
    assert len(ids) == 1
    assert lanes.replay(dbs, settings, ids) == (0, 1)
    change(two, "berlin", zone="Europe/Berlin")
    assert lanes.replay(dbs, settings, ids) == (1, 0)
    assert stored(dbs) == {("berlin", "acc:1")}
    assert violations(dbs, settings) == []


def test_three_kinds_of_database_into_one_panel(
    settings: Settings, lender: Lender, shared_dir: Path
) -> None:
    first = lender.databases(lender.url("sqlite", "both"))
    dbs, settings = several(
        first,
        settings,
        berlin=lender.url("mariadb", "switch"),
        paris=lender.url("postgresql", "switch"),
    )
    try:
        whole = recorded.scenarios(shared_dir)
        for name in ("opensips", "berlin", "paris"):
            recorded.load(dbs.of_source(name), whole)
        runner = Runner(dbs, settings)
        runner.to_the_end(lambda _rows: None)
        assert violations(dbs, settings) == []
        by_source: dict[str, set[tuple[Any, ...]]] = {}
        for cdr in calls(dbs):
            told = tuple(cdr[name] for name in ("acc_ids", "setup_at", "duration_ms", "callee"))
            by_source.setdefault(cdr["source"], set()).add(told)
        assert by_source["opensips"] == by_source["berlin"] == by_source["paris"]
        assert len(by_source["paris"]) > 30
    finally:
        for engine in dbs.others.values():
            engine.dispose()


def test_a_pipeline_without_a_name_is_the_first_sources(two: Where) -> None:
    dbs, settings = two
    with writing(dbs.panel) as connection:
        # Charging may have made its own before anything was read.
        connection.execute(source.delete())
        new = {"id": 1, "name": "charging", "zone": "UTC", "created_at": 0}
        connection.execute(source.insert(), new)
    assert Pipeline(dbs, settings).source.name == "opensips"
    with reading(dbs.panel) as connection:
        assert [one.name for one in load_sources(connection)] == ["opensips", "berlin"]
