"""Sessions: what is granted and held, and that no order of messages leaves them wrong."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations

import pytest
from sqlalchemy import select, update

from app.charging import session as service
from app.charging.event import CallEvent, Refused, Step
from app.charging.settle import SettledCall, close_for_cdrs
from app.charging.tables import session as table
from app.core import clock
from app.core.database import reading, writing
from app.identity.tables import tenant_domain
from app.ledger import account, hold
from app.ledger import tables as ledger
from app.rating import store as rates
from tests.charging.conftest import ALICE, Lab

T = 1_795_393_464_000
SECOND_PRICE = 10**6  # 0.06 a minute
CALL = CallEvent(Step.AUTHORISE, "call@host", ALICE, "0012125550106", "lab.local", setup_at=T)
AUTHORISE = CALL
START = replace(CALL, step=Step.START, answered_at=T + 5000)
STOP = replace(
    CALL, step=Step.STOP, destination="", setup_at=T, answered_at=T + 5000, usage_ms=60_000
)
CDR = replace(STOP, step=Step.CDR, destination="0012125550106", cause="Downstream BYE")
UNANSWERED = replace(CALL, step=Step.CDR, usage_ms=0, cause="Cancelled")


def _say(lab: Lab, *events: CallEvent, guard_ms: int = 1000) -> list[int]:
    """Handles events, each in a transaction; returns the grants in seconds."""
    grants = []
    policy = replace(service.Policy.of(lab.settings), guard_ms=guard_ms)
    for event in events:
        with writing(lab.dbs.panel) as c:
            book = rates.load_book(c)
            grants.append(service.handle(c, book, policy, event).granted_ms // 1000)
    return grants


def _sessions(lab: Lab) -> list[tuple[str, str, str, int | None]]:
    """(state of the session, of its hold, tag, amount held)."""
    joined = table.outerjoin(ledger.hold, ledger.hold.c.id == table.c.hold_id)
    columns = (table.c.state, ledger.hold.c.state, table.c.tag, ledger.hold.c.amount)
    with reading(lab.dbs.panel) as c:
        rows = c.execute(select(*columns).select_from(joined).order_by(table.c.id))
        return [(row[0], row[1] or "", row[2], row[3]) for row in rows]


def _set_money(lab: Lab, units: int) -> None:
    with writing(lab.dbs.panel) as c:
        c.execute(update(ledger.account).values(balance=units))


def test_a_call_from_authorise_to_cdr(lab: Lab) -> None:
    assert _say(lab, AUTHORISE) == [10_800]
    assert lab.account().held == 0
    assert _say(lab, START) == [10_800]
    assert lab.account().held == 10_801 * SECOND_PRICE
    _say(lab, STOP)
    assert _sessions(lab) == [("stopped", "stopped", "", 60 * SECOND_PRICE)]
    _say(lab, CDR)
    assert _sessions(lab) == [("stopped", "stopped", "", 60 * SECOND_PRICE)]
    assert lab.account().balance == 10**12
    lab.check()


def test_the_grant_is_what_is_affordable_less_the_guard(lab: Lab) -> None:
    _set_money(lab, 100 * SECOND_PRICE)
    assert _say(lab, AUTHORISE, START) == [99, 99]
    # The guard is held too: an overrun by it is paid for.
    assert lab.account().held == 100 * SECOND_PRICE
    other = replace(AUTHORISE, call_id="other")
    assert _say(lab, other, replace(START, call_id="other")) == [0, 0]
    assert _sessions(lab)[1] == ("started", "", "", None)


def test_credit_counts_and_debt_does_not_go(lab: Lab) -> None:
    with writing(lab.dbs.panel) as c:
        c.execute(update(ledger.account).values(balance=-50 * SECOND_PRICE, credit_limit=10**8))
    assert _say(lab, AUTHORISE) == [49]
    _set_money(lab, -(10**8))
    assert _say(lab, replace(AUTHORISE, call_id="x")) == [0]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"account": "mallory@lab.local"}, "ACCOUNT_NOT_FOUND"),
        ({"account": "Alice@lab.local"}, "ACCOUNT_NOT_FOUND"),
        ({"destination": "004930123456"}, "NO_RATE"),
        ({"destination": "bob"}, "NO_RATE"),
        ({"destination": ""}, "NO_RATE"),
    ],
)
def test_unknown_accounts_and_destinations_are_refused(
    lab: Lab, wrong: dict[str, str], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        _say(lab, replace(AUTHORISE, **wrong))  # type: ignore[arg-type]
    assert refused.value.reason == reason
    assert _sessions(lab) == []


def _each(lab: Lab, runs: Iterable[tuple[CallEvent, ...]]) -> int:
    """Plays each run for a call of its own; returns how many there were."""
    number = 0
    for number, events in enumerate(runs, 1):
        _say(lab, *(replace(one, call_id=f"call{number}") for one in events))
    return number


def test_any_order_leaves_one_stopped_session(lab: Lab) -> None:
    count = _each(lab, (order * 2 for order in permutations([AUTHORISE, START, STOP, CDR])))
    assert count == 24
    assert _sessions(lab) == [("stopped", "stopped", "", 60 * SECOND_PRICE)] * count
    assert lab.account().held == 60 * SECOND_PRICE * count
    lab.check()


def test_any_lost_message_leaves_one_stopped_session(lab: Lab) -> None:
    whole = (AUTHORISE, START, STOP, CDR)
    count = _each(lab, (tuple(one for one in whole if one is not lost) for lost in whole))
    assert _sessions(lab) == [("stopped", "stopped", "", 60 * SECOND_PRICE)] * count
    lab.check()


def test_a_stop_alone_is_kept_and_the_cdr_tells_what_it_holds(lab: Lab) -> None:
    _say(lab, STOP)
    assert _sessions(lab) == [("stopped", "", "", None)]  # no destination, no price
    _say(lab, CDR)
    assert _sessions(lab) == [("stopped", "stopped", "", 60 * SECOND_PRICE)]


@pytest.mark.parametrize("times", [1, 2])
def test_a_call_nobody_answered_holds_nothing(lab: Lab, times: int) -> None:
    _say(lab, AUTHORISE, *[UNANSWERED] * times)
    assert _sessions(lab) == [("closed", "", "", None)]
    _say(lab, AUTHORISE)
    assert _sessions(lab) == [("closed", "", "", None)]


def test_an_answer_after_a_failed_attempt_opens_the_session_again(lab: Lab) -> None:
    _say(lab, AUTHORISE, UNANSWERED)
    assert _say(lab, START) == [10_800]
    assert _sessions(lab) == [("started", "open", "", 10_801 * SECOND_PRICE)]
    _say(lab, UNANSWERED)  # late: the call runs
    assert _sessions(lab) == [("started", "open", "", 10_801 * SECOND_PRICE)]


def test_a_call_id_used_again_a_minute_later_is_another_call(lab: Lab) -> None:
    def later(event: CallEvent) -> CallEvent:
        moved = {
            name: getattr(event, name) + 60_000
            for name in ("setup_at", "answered_at")
            if getattr(event, name) is not None
        }
        return replace(event, **moved)

    first, second = [AUTHORISE, START, STOP, CDR], []
    second = [later(one) for one in first]
    _say(lab, *first[:3], *second[:2], first[3], second[2], second[3])
    assert _sessions(lab) == [("stopped", "stopped", "", 60 * SECOND_PRICE)] * 2
    assert lab.account().held == 120 * SECOND_PRICE
    lab.check()


def test_two_runs_of_one_call_hold_apart(lab: Lab) -> None:
    def run(event: CallEvent, tag: str) -> CallEvent:
        return replace(event, call_id=f"call@host|{tag}", head="call@host", tag=tag)

    events = [run(START, "a"), run(START, "b"), run(STOP, "a"), run(STOP, "b")]
    _say(lab, AUTHORISE, *events, *events, CDR)
    assert _sessions(lab) == [
        ("stopped", "stopped", "a", 60 * SECOND_PRICE),
        ("stopped", "stopped", "b", 60 * SECOND_PRICE),
    ]
    lab.check()


def test_a_bar_in_a_call_id_is_not_a_run(lab: Lab) -> None:
    call_id = "call|x@host"
    started = replace(START, call_id=call_id, head="call", tag="x@host")
    stopped = replace(STOP, call_id=call_id, head="call", tag="x@host")
    _say(lab, replace(AUTHORISE, call_id=call_id), started, stopped, replace(CDR, call_id=call_id))
    assert _sessions(lab) == [("stopped", "stopped", "", 60 * SECOND_PRICE)]


def test_the_charge_id_is_the_session(lab: Lab) -> None:
    named = [replace(one, charge_id="c-1") for one in (AUTHORISE, START, STOP, CDR)]
    _say(lab, named[0], named[1], replace(named[2], call_id="other"), named[3])
    assert len(_sessions(lab)) == 1
    with reading(lab.dbs.panel) as c:
        assert c.scalar(select(table.c.charge_id)) == "c-1"


def test_a_charge_id_of_another_account_is_not_shared(lab: Lab) -> None:
    with writing(lab.dbs.panel) as c:
        bob = account.create(c, code="bob", currency="EUR", mode="postpaid", credit_limit=10**10)
        rates.assign(c, bob, 1)
    _say(lab, replace(START, charge_id="c-1"), replace(START, charge_id="c-1", account="bob"))
    assert [row[:2] for row in _sessions(lab)] == [("started", "open")] * 2


def test_the_tenant_is_that_of_the_domain(lab: Lab) -> None:
    with writing(lab.dbs.panel) as c:
        c.execute(tenant_domain.insert().values(domain="lab.local", tenant_id=2))
        theirs = account.create(c, tenant_id=2, code=ALICE, currency="EUR", credit_limit=10**9)
        rates.assign(c, theirs, 1)
    assert _say(lab, AUTHORISE) == [999]
    with reading(lab.dbs.panel) as c:
        assert c.scalar(select(table.c.tenant_id)) == 2


def test_twenty_starts_at_once_hold_no_more_than_there_is(lab: Lab) -> None:
    _set_money(lab, 10_801 * SECOND_PRICE * 3 + 50 * SECOND_PRICE)
    policy = service.Policy.of(lab.settings)
    with reading(lab.dbs.panel) as c:
        book = rates.load_book(c)

    def start(number: int) -> int:
        with writing(lab.dbs.panel) as c:
            event = replace(START, call_id=f"c{number}")
            return service.handle(c, book, policy, event).granted_ms // 1000

    with ThreadPoolExecutor(20) as pool:
        granted = sorted(pool.map(start, range(20)))
    assert granted == [0] * 16 + [49] + [10_800] * 3
    assert lab.account().available == 0


def test_the_same_start_twenty_times_at_once_is_one(lab: Lab) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: _say(lab, AUTHORISE, START), range(20)))
    assert _sessions(lab) == [("started", "open", "", 10_801 * SECOND_PRICE)]
    lab.check()


SETTLED = SettledCall(None, "acc", "call@host", ALICE, T + 6_500, 77, T + 300, 61 * SECOND_PRICE)


def _settle(lab: Lab, *calls: SettledCall) -> tuple[int, list[SettledCall]]:
    with writing(lab.dbs.panel) as c:
        done = close_for_cdrs(c, calls)
    return done.closed, done.doubtful


def test_the_cdr_closes_the_hold(lab: Lab) -> None:
    _say(lab, AUTHORISE, START, STOP)
    assert _settle(lab, SETTLED) == (1, [])
    assert _settle(lab, SETTLED) == (0, [])
    with reading(lab.dbs.panel) as c:
        done = hold.get(c, 1)
        assert c.execute(select(table.c.cdr_id, table.c.cdr_setup_at)).one() == (77, T + 300)
    assert (done.settled, done.released, done.overrun) == (61 * SECOND_PRICE, 0, SECOND_PRICE)
    assert lab.account().held == 0
    # What comes after the row changes nothing.
    _say(lab, START, STOP, CDR, UNANSWERED)
    assert lab.account().held == 0
    assert len(_sessions(lab)) == 1
    lab.check()


def test_another_calls_cdr_leaves_the_hold(lab: Lab) -> None:
    _say(lab, AUTHORISE, START)
    others = [
        replace(SETTLED, call_id="CALL@host"),
        replace(SETTLED, account="bob"),
        replace(SETTLED, answered_at=T + 5000 + 2001),
        replace(SETTLED, answered_at=T + 5000 - 2001),
        replace(SETTLED, answered_at=None, charged_units=0),
        replace(SETTLED, charge_id="unknown", account=""),
    ]
    assert _settle(lab, *others) == (0, [])
    assert lab.account().held == 10_801 * SECOND_PRICE


def test_two_sessions_that_fit_are_left_alone(lab: Lab) -> None:
    other = replace(START, answered_at=T + 7000, setup_at=T + 1000)
    _say(lab, START, other)
    assert _settle(lab, SETTLED) == (0, [SETTLED])
    assert lab.account().held == 2 * 10_801 * SECOND_PRICE


def test_the_charge_id_decides_between_two(lab: Lab) -> None:
    other = replace(START, answered_at=T + 7000, setup_at=T + 1000, charge_id="two")
    _say(lab, START, other)
    assert _settle(lab, replace(SETTLED, charge_id="two")) == (1, [])
    assert [row[0] for row in _sessions(lab)] == ["started", "closed"]


def test_a_failed_attempt_does_not_end_the_running_call(lab: Lab) -> None:
    _say(lab, replace(START, charge_id="c-1"))
    failed = replace(SETTLED, charge_id="c-1", answered_at=None, charged_units=0)
    assert _settle(lab, failed) == (0, [])
    assert lab.account().held > 0


def test_a_failed_cdr_closes_an_authorised_session(lab: Lab) -> None:
    _say(lab, AUTHORISE)
    assert _settle(lab, replace(SETTLED, answered_at=None, charged_units=0)) == (1, [])
    assert _sessions(lab) == [("closed", "", "", None)]


def test_a_row_whose_start_was_lost_closes_the_session(lab: Lab) -> None:
    _say(lab, AUTHORISE)
    assert _settle(lab, SETTLED) == (1, [])


def test_settling_costs_one_query_while_nothing_runs(lab: Lab, statements: list[str]) -> None:
    statements.clear()
    assert _settle(lab, *[SETTLED] * 500) == (0, [])
    assert len([one for one in statements if "charging_session" in one]) == 1


def test_a_batch_of_calls_is_settled_in_few_statements(lab: Lab, statements: list[str]) -> None:
    calls = [replace(START, call_id=f"c{n}") for n in range(40)]
    _set_money(lab, 10**14)
    _say(lab, *calls)
    statements.clear()
    assert _settle(lab, *(replace(SETTLED, call_id=one.call_id) for one in calls))[0] == 40
    assert len([one for one in statements if one.lstrip().startswith("SELECT")]) < 10
    assert lab.account().held == 0


def test_times_that_the_switch_leaves_out_are_now(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: T + 5000)
    _say(lab, replace(AUTHORISE, setup_at=None), replace(START, setup_at=None, answered_at=None))
    monkeypatch.setattr(clock, "now_ms", lambda: T + 65_000)
    _say(lab, replace(STOP, setup_at=None, answered_at=None, usage_ms=None))
    assert _sessions(lab) == [("stopped", "stopped", "", 60 * SECOND_PRICE)]
