"""Ninety days in small: deterministic, in order, with all stories, priced by our master data."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.cli import demo, demo_masterdata
from app.core import clock
from app.core.database import Databases, metadata, reading, writing
from app.core.errors import Conflict
from app.core.settings import load
from app.ledger.tables import account, entry, posting
from app.opensips.simulator import history, story
from app.opensips.simulator.cast import cast
from app.opensips.simulator.destinations import BELOW_COST, DESTINATIONS, UNPRICED
from app.opensips.simulator.rows import wall
from app.opensips.simulator.seed import check_empty, seed
from app.opensips.simulator.tables import TABLES
from app.rating import reference, store

NOW = 1_795_391_800_000
ZONE = "Europe/Berlin"


@pytest.fixture(scope="module")
def month():
    return history.calls(cast(), ZONE, NOW, days=25)


def test_the_same_seed_and_end_give_the_same_history():
    first, second = (history.calls(cast(), ZONE, NOW, days=2) for _ in range(2))
    assert first == second
    assert len(first) > 2_000


def test_rows_come_in_the_order_of_writing_and_none_from_the_future(month):
    days = list(history.rows(month, ZONE, NOW))
    instants = [row[0] for day in days for row in day]
    assert instants == sorted(instants)
    assert instants[-1] < NOW
    assert len(instants) == len({(at, t, r["callid"], r["method"]) for d in days for at, t, r in d})


def test_days_are_busier_than_nights_and_weekdays_than_weekends(month):
    by_hour = [0] * 24
    by_day = [0] * 7
    for call in month:
        local = wall(call.setup_ms, ZONE)
        by_hour[local.hour] += 1
        by_day[local.weekday()] += 1
    assert by_hour[16] > 4 * by_hour[4]
    assert by_day[1] > 1.3 * by_day[6]


def test_the_night_of_fraud_is_one_customer_between_two_and_four(month):
    victim = cast().victim.account
    bad = [call for call in month if call.agent == "friendly-scanner"]
    assert len(bad) == 460
    assert {call.account for call in bad} == {victim}
    assert {wall(call.setup_ms, ZONE).hour for call in bad} == {2, 3}
    assert any(call.callee.startswith("0053") for call in bad)


def test_every_story_is_told(month):
    disputed = [call for call in month if call.by_dialog and call.talk_ms > 4 * clock.HOUR]
    assert [call.account for call in disputed] == [cast().disputing.account]
    assert sum(call.callee.startswith(f"+{BELOW_COST}") for call in month) > 500
    assert any("<script>" in call.agent for call in month)
    assert sum(bool(call.failed) for call in month) > 500
    legacy = [row for day in history.rows(month, ZONE, NOW) for row in day]
    methods = [row["method"] for _, _, row in legacy if row["created"].year == 1970]
    assert methods.count("INVITE") - methods.count("BYE") == 2 + 1  # and the dead clock's row
    assert [row["callid"] for _, _, row in story.accidents(ZONE, NOW)].count("") == 1
    folded = [call.callid.lower() for call in month]
    assert len(folded) - len(set(folded)) == 1


@pytest.fixture
def panel(switch):
    for name in ("identity", "rating"):
        __import__(f"app.{name}.tables")
    metadata.create_all(switch)
    return switch


def _seed(engine, days=2):
    calls = history.calls(cast(), ZONE, NOW, days=days)
    with writing(engine) as connection:
        demo_masterdata.create(connection, cast(), calls, NOW)
    return calls, seed(engine, cast(), calls, ZONE, NOW)


def test_seeding_fills_the_switch_once(panel):
    _, done = _seed(panel)
    with reading(panel) as connection:

        def count(name):
            return connection.scalar(select(func.count()).select_from(TABLES[name]))

        assert (count("domain"), count("subscriber"), count("address")) == (
            20,
            1000,
            200,
        )
        assert (count("dr_carriers"), count("dr_rules")) == (40, len(DESTINATIONS))
        assert 20 <= count("dialplan") <= 30
        assert (count("acc"), count("missed_calls")) == (done.acc, done.missed_calls)
        assert done.acc > 2_000
    with pytest.raises(Conflict, match="holds calls already"):
        check_empty(panel)


def test_master_data_prices_all_but_one_destination(panel):
    calls, _ = _seed(panel)
    with reading(panel) as connection:
        book = store.load_book(connection)
        ids = {row.code: row.id for row in connection.execute(select(account))}
    for who in (
        cast().subscribers[0].account,
        cast().trunks[0].name,
        cast().trunks[3].name,
    ):
        for destination in DESTINATIONS:
            found = book.match(ids[who], destination.prefix + "2345678", NOW)
            assert (found is None) == (destination.prefix == UNPRICED), destination
        old, new = (book.match(ids[who], "4915123", NOW - days * clock.DAY) for days in (80, 1))
        assert old.version_id != new.version_id
    cheap = book.match(ids["trunk-0047"], f"{BELOW_COST}123", NOW)
    market = next(d.market for d in DESTINATIONS if d.prefix == BELOW_COST)
    assert cheap.rate.price * 10_000 < market / 5
    assert {call.account for call in calls} <= set(ids)


def test_nobody_is_below_nothing_and_a_few_nearly(panel):
    calls, _ = _seed(panel)
    with reading(panel) as connection:
        book = store.load_book(connection)
        prepaid = connection.execute(select(account).where(account.c.mode == "prepaid")).all()
        booked = connection.scalar(select(func.sum(entry.c.amount)))
        postings = connection.scalar(select(func.count()).select_from(posting))
    left = {row.code: row.balance for row in prepaid}
    ids = {row.code: row.id for row in prepaid}
    for call in calls:
        if call.answered and call.account in left:
            number = demo_masterdata.to_e164(call.callee, demo_masterdata.PLAN)
            found = number and book.match(ids[call.account], number, call.final_ms)
            if found:
                left[call.account] -= reference.price(found, call.talk_ms).units
    assert 300 < len(left) == postings
    assert booked == 0
    assert min(left.values()) >= 0
    assert 3 <= sum(value < 10**9 for value in left.values()) <= 20


def _cli(panel, tmp_path, **env):
    app = Flask("demo")
    secret = {"PANEL_SECRET_KEY": "x" * 32, "PANEL_DATA_DIR": str(tmp_path)}
    app.extensions["settings"] = load(secret | env)
    app.extensions["databases"] = Databases(panel, panel)
    app.cli.add_command(demo.command)
    return app.test_cli_runner().invoke(args=["demo"])


def test_the_command_refuses_where_there_is_no_demo(panel, tmp_path):
    result = _cli(panel, tmp_path, PANEL_DEMO="0")
    assert result.exit_code == 1
    assert "PANEL_DEMO" in result.output
    with_node = {"PANEL_DEMO": "1", "PANEL_NODES": "a=http://127.0.0.1:1/mi"}
    assert _cli(panel, tmp_path, **with_node).exit_code == 1
    check_empty(panel)


def test_the_command_seeds_and_then_refuses(panel, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "DAYS", 2)
    monkeypatch.setattr(history.calls, "__defaults__", (2,))
    first = _cli(panel, tmp_path, PANEL_DEMO="1")
    assert first.exit_code == 0, first.output
    assert "rows in acc" in first.output
    second = _cli(panel, tmp_path, PANEL_DEMO="1")
    assert second.exit_code == 1
    assert "holds calls already" in second.output
