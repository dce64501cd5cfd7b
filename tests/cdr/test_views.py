"""The call records' screens: filters, paging, one call, and hostile text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import clock, money
from app.core.database import Databases, writing
from app.identity import operators
from app.ledger import account
from app.mediation.call import Flag
from app.mediation.source import ensure_source
from app.opensips import tables
from app.rating import store as rating
from tests.cdr.calls import call, failed, put
from tests.identity.people import Browser, sign_in


@pytest.fixture
def seer(app: Flask) -> Browser:
    return sign_in(app, "readonly")


def _shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'id="(?:row-calls|call)-(\d+)"', page)]


def test_newest_first_answered_and_failed_together(databases: Databases, seer: Browser) -> None:
    now = clock.now_ms()
    ids = put(
        databases,
        call(setup_at=now - 3 * clock.MINUTE),
        failed(setup_at=now - clock.MINUTE),
        call(setup_at=now - 2 * clock.MINUTE),
    )
    page = seer.get("/cdr")
    assert _shown(page.text) == [ids[1], ids[2], ids[0]]
    assert "Busy Here" in page.text and "1:00" in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("caller=493012345678", [0, 1]),
        ("caller=%2B49+30+123-45678", [0, 1]),
        ("caller=4930*", [0, 1]),
        ("caller=bob", [2]),
        ("callee=44*", [2]),
        ("call_id=Abc", [1]),
        ("call_id=abc", [2]),
        ("sip_class=4", [1]),
        ("domain=other.example", [2]),
        ("status=answered", [0, 2]),
        ("status=failed", [1]),
        ("caller=bob&status=failed", []),
        ("caller=%27+OR+1%3D1+--", []),
        ("range=15m", [0]),
    ],
)
def test_filters(databases: Databases, seer: Browser, query: str, found: list[int]) -> None:
    now = clock.now_ms()
    ids = put(
        databases,
        call(setup_at=now - clock.MINUTE),
        failed(setup_at=now - clock.HOUR, call_id="Abc"),
        call(
            setup_at=now - 2 * clock.HOUR,
            call_id="abc",
            caller="bob",
            callee="44207",
            domain="other.example",
        ),
    )
    page = seer.get(f"/cdr?{query}")
    assert page.status_code == 200
    assert _shown(page.text) == [ids[n] for n in found]
    if not found:
        assert "No calls here" in page.text


def test_the_range_is_in_the_viewers_zone(databases: Databases, app: Flask) -> None:
    client = sign_in(app, "readonly", "ann")
    with writing(databases.panel) as connection:
        operators.set_zone(connection, 1, "Asia/Tokyo")
    at = clock.from_datetime(datetime(2026, 7, 1, 15, 30, tzinfo=UTC))
    ids = put(databases, call(setup_at=at))
    inside = client.get("/cdr?since=2026-07-02T00:00&until=2026-07-02T01:00").text
    assert _shown(inside) == ids
    assert "00:30:00" in inside and 'title="2026-07-01 15:30:00 UTC"' in inside
    assert _shown(client.get("/cdr?since=2026-07-01T15:00&until=2026-07-01T16:00").text) == []


def test_paging_walks_all_calls_once_in_both_directions(
    databases: Databases, seer: Browser
) -> None:
    now = clock.now_ms()
    ids = put(databases, *(call(setup_at=now - n * clock.SECOND) for n in range(120)))
    first = seer.get("/cdr").text
    seen, page = _shown(first), first
    for _ in range(2):
        older = re.search(r'rel="next" href="([^"]+)"', page)
        assert older is not None
        page = seer.get(older.group(1).replace("&amp;", "&")).text
        seen += _shown(page)
    assert seen == ids
    assert 'rel="next"' not in page
    newer = re.search(r'rel="prev" href="([^"]+)"', page)
    assert newer is not None
    assert _shown(seer.get(newer.group(1).replace("&amp;", "&")).text) == ids[50:100]


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=2026-02-30T00:00",
        "since=2026-07-02T00:00&until=2026-07-01T00:00",
        "since=0001-01-01T00:00",
        "until=9999-12-31T23:59",
        "sip_class=9",
        "sip_class=x",
        "status=maybe",
        "range=1y",
        "caller=" + "9" * 10_000,
        "caller=%00",
        "after=nonsense",
        "after=!!!!",
        "before=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5LjE",
    ],
)
def test_what_cannot_be_asked_is_one_sentence(seer: Browser, query: str) -> None:
    answer = seer.get(f"/cdr?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text or "NUL character" in answer.text
    assert "SELECT" not in answer.text and "Traceback" not in answer.text


@pytest.mark.parametrize("query", ["caller=%ff", "call_id=%0d%0a", "domain=%F0%9F%98%80", "after="])
def test_odd_bytes_find_nothing_and_break_nothing(seer: Browser, query: str) -> None:
    assert seer.get(f"/cdr?{query}").status_code == 200


def test_on_every_database(both_dbs: Databases, app: Flask) -> None:
    client = sign_in(app, "readonly")
    now = clock.now_ms()
    ids = put(
        both_dbs,
        call(setup_at=now - clock.MINUTE, call_id="Abc"),
        failed(setup_at=now - clock.HOUR, call_id="abc"),
    )
    assert _shown(client.get("/cdr").text) == ids
    assert _shown(client.get("/cdr?call_id=abc&caller=4930*").text) == ids[1:]
    assert client.get(f"/cdr/{ids[1]}").status_code == 200
    home = client.get("/")
    assert home.status_code == 200 and _shown(home.text) == ids


def test_the_list_is_sent_again_only_when_it_changed(databases: Databases, seer: Browser) -> None:
    put(databases, call())
    page = seer.get("/cdr").text
    address = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', page)
    assert address is not None
    again = address.group(1).replace("&amp;", "&")
    inside = {"HX-Request": "true"}
    assert seer.get(again, headers=inside).status_code == 204
    put(databases, call(setup_at=clock.now_ms()))
    answer = seer.get(again, headers=inside)
    assert answer.status_code == 200
    assert len(_shown(answer.text)) == 2 and "<html" not in answer.text


def test_one_call_in_the_drawer_and_as_a_page(databases: Databases, seer: Browser) -> None:
    (number,) = put(databases, call(flags=int(Flag.WHOLE_SECONDS | Flag.AMBIGUOUS_HOUR)))
    page = seer.get(f"/cdr/{number}")
    drawer = seer.get(f"/cdr/{number}", headers={"HX-Request": "true"})
    for answer in (page, drawer):
        assert "Answered after 0:05" in answer.text
        assert "known to the second only" in answer.text
        assert "occurs twice" in answer.text
        assert "had no tariff" in answer.text
    assert "<html" in page.text and "<html" not in drawer.text


def test_why_this_price_shows_each_step(databases: Databases, seer: Browser) -> None:
    with writing(databases.panel) as connection:
        who = account.create(connection, code="alice", currency="EUR")
        tariff = rating.create_tariff(connection, name="Retail", currency="EUR", rounding_places=4)
        rates = [rating.NewRate("336", "France Mobile", "0.12", connect_fee="0.05")]
        version = rating.add_version(connection, tariff, 0, rates)
    amount = money.to_units(Decimal("0.17"), "EUR")
    (number,) = put(
        databases,
        call(
            unpriced_reason=None,
            destination="France Mobile",
            sell_account_id=who,
            sell_amount=amount,
            sell_tax=0,
            sell_currency="EUR",
            sell_version_id=version,
            sell_batch_id=1,
            price=amount,
        ),
    )
    page = seer.get(f"/cdr/{number}").text
    why = page[page.index("Why this price") : page.index("Parties and path")]
    for words in ("Retail", "France Mobile", "<code>336</code>", "Connect fee", "0.05", "0.12"):
        assert words in why
    assert "0.17 EUR" in why


def test_the_switchs_own_rows_are_shown_as_they_are(
    databases: Databases, app: Flask, seer: Browser
) -> None:
    with writing(databases.panel) as connection:
        ensure_source(connection, app.extensions["settings"])
    with writing(databases.switch) as connection:
        acc = tables.reflect(connection, "acc")
        row = {
            "id": 7,
            "method": "INVITE",
            "from_tag": "a",
            "to_tag": "b",
            "callid": "call-1@example.com",
            "sip_code": "200",
            "sip_reason": "OK",
            "time": clock.wall_clock(1_782_900_000_000, "UTC"),
            "duration": 60,
            "ms_duration": 60_001,
            "setuptime": 5,
        }
        connection.execute(acc.insert(), {k: v for k, v in row.items() if k in acc.c})
    (number,) = put(databases, call(acc_ids="acc:7 missed_calls:9"))
    page = seer.get(f"/cdr/{number}").text
    assert "60001" in page
    assert "Not there any more" in page


def test_a_switch_that_is_away_does_not_hide_the_call(databases: Databases, seer: Browser) -> None:
    (number,) = put(databases, call())
    with writing(databases.switch) as connection:
        connection.execute(text("DROP TABLE acc"))
    answer = seer.get(f"/cdr/{number}")
    assert answer.status_code == 200
    assert "493012345678" in answer.text


def test_text_from_the_network_is_inert(databases: Databases, seer: Browser) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    (number,) = put(
        databases,
        failed(caller=evil, callee="\u202e<b>", sip_reason=evil, user_agent=evil, call_id=evil),
    )
    for address in ("/cdr", f"/cdr/{number}", "/", f"/cdr?caller={evil}"):
        page = seer.get(address).text
        assert "<script>alert" not in page and "<img src=x" not in page


@pytest.mark.parametrize("address", ["/cdr/999999", "/cdr/99999999999999999999999"])
def test_a_call_that_is_not_there(seer: Browser, address: str) -> None:
    answer = seer.get(address)
    assert answer.status_code == 404
    assert "There is no" in answer.text or "There is nothing at this address" in answer.text
