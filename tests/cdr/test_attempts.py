"""Gateways tried, delays and ends of calls: on the call's page, in the API, in figures."""

from __future__ import annotations

from flask import Flask

from app.cdr import by_gateway, store
from app.core import clock
from app.core.database import Databases, reading, writing
from app.identity import tenants
from tests.cdr.calls import call, failed, put
from tests.identity.people import sign_in

KNOWN = {"attempts": 2, "pdd_ms": 1840, "hangup": "callee", "cause": 16, "routed": "9933612345678"}


def _try(cdr_id: int, setup_at: int, **changed: object) -> dict[str, object]:
    return {
        "cdr_id": cdr_id, "setup_at": setup_at, "n": 1, "tenant_id": 1, "gateway": "gw-0",
        "carrier": "c-0", "at": setup_at + 400, "sip_code": 503, "sip_reason": "Full",
        "first_ms": None, "final_ms": 390, "cause": 34,
    } | changed  # fmt: skip


def test_a_call_tells_its_attempts_to_the_house_alone(app: Flask, databases: Databases) -> None:
    setup = clock.now_ms() - clock.HOUR
    with writing(databases.panel) as connection:
        tenant = tenants.create(connection, name="other", parent_id=1)
    taken, silent = put(
        databases,
        call(setup_at=setup, tenant_id=tenant, first_ms=740, final_ms=6123, **KNOWN),
        call(setup_at=setup, tenant_id=tenant, call_id="old"),
    )
    with writing(databases.panel) as connection:
        store.insert(connection, [], [_try(taken, setup, tenant_id=tenant)])
    house = sign_in(app, "readonly")
    shown = house.get(f"/cdr/{taken}").text
    for text in ("gw-0", "gw-1", "34, no circuit free", "16, ended normally", "the callee"):
        assert text in shown, text
    assert "1,840" in shown and "9933612345678" in shown
    last = shown.partition("gw-1")[2].partition("</tr>")[0]
    assert ">740<" in last and ">6,123<" in last and "1,840" not in last
    assert "acc-attempt-columns" not in shown
    assert "acc-attempt-columns" in house.get(f"/cdr/{silent}").text
    theirs = sign_in(app, "readonly", "theirs", tenant).get(f"/cdr/{taken}").text
    assert "the callee" in theirs and "ended normally" in theirs
    for text in ("gw-0", "gw-1", "9933612345678", "no circuit free"):
        assert text not in theirs, text


def test_figures_of_a_gateway_count_attempts(databases: Databases) -> None:
    now = clock.now_ms()
    setup = now - clock.HOUR
    ids = put(
        databases,
        call(setup_at=setup, gateway="gw-0", attempts=1, pdd_ms=1000),
        call(setup_at=setup, gateway="gw-1", attempts=2, pdd_ms=9000),
        call(setup_at=setup, gateway="gw-2", attempts=2, pdd_ms=9000, first_ms=600),
        failed(setup_at=setup, gateway="gw-0", attempts=1, pdd_ms=2000),
        failed(setup_at=setup, gateway="gw-0", sip_code=503, sip_class=5),
        call(setup_at=now - 2 * clock.DAY, gateway="gw-0"),
    )
    with writing(databases.panel) as connection:
        store.insert(connection, [], [_try(ids[1], setup)])
    with reading(databases.panel) as connection:
        first = by_gateway.of(connection, "gw-0", now - clock.DAY, now)
        second = by_gateway.of(connection, "gw-1", now - clock.DAY, now)
        third = by_gateway.of(connection, "gw-2", now - clock.DAY, now)
        none = by_gateway.of(connection, "gw-9", now - clock.DAY, now)
    assert (first.attempts, first.answered, first.effective, first.pdd_ms) == (4, 1, 2, 1500)
    assert (first.asr_permille, first.ner_permille, first.capped) == (250, 500, False)
    assert (second.attempts, second.answered, second.pdd_ms) == (1, 1, None)
    assert third.pdd_ms == 600
    assert (none.attempts, none.asr_permille, none.ner_permille) == (0, None, None)
