"""The list of calls: columns to choose, its file, other clocks, what waits for a price."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from app.cdr import search, store
from app.cdr.filters import Filters
from app.cdr.listing import COLUMNS
from app.cdr.search import Cursor
from app.cdr.tables import answered
from app.core import clock
from app.core.database import Databases, reading, writing
from app.identity import operators
from app.shell import listing_view
from tests.cdr.calls import call, failed, put
from tests.identity.people import Browser, sign_in


@pytest.fixture
def seer(app: Flask) -> Browser:
    return sign_in(app, "readonly")


def _shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'id="row-calls-(\d+)"', page)]


def _file(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_every_column_of_a_call_can_be_shown(databases: Databases) -> None:
    plain = {"tenant_id", "epoch", "sip_class", "flags"}
    charges = re.compile(r"(sell|buy)_|cost")
    known = {column.name for column in COLUMNS}
    wanted = {name for name in answered.c.keys() if not charges.match(name)}
    assert wanted - plain <= known


def test_chosen_columns_are_shown_and_in_the_file(databases: Databases, app: Flask) -> None:
    client = sign_in(app, "readonly")
    put(databases, call(call_id="=cmd()|x", user_agent="phone 7"))
    assert "phone 7" not in client.get("/cdr").text
    chosen = {"columns": ["call_id", "user_agent", "duration_ms"], "csrf_token": client.csrf}
    answer = client.post("/preferences/list/calls", data=chosen | {"next": "/cdr"})
    assert answer.status_code == 303
    assert "phone 7" in client.get("/cdr").text
    rows = _file(client.get("/cdr?format=csv").text)
    assert rows[0] == ["Time", "Length", "Call-ID", "User agent"]
    assert rows[1][1:] == ["60.000", "'=cmd()|x", "phone 7"]


def test_the_file_holds_what_is_filtered_on_the_asked_clock(
    databases: Databases, seer: Browser
) -> None:
    at = clock.from_datetime(datetime(2026, 7, 1, 15, 30, tzinfo=UTC))
    put(databases, call(setup_at=at), failed(setup_at=at + 1000, caller="bob"))
    ends = "since=2026-07-01T00:00&until=2026-07-03T00:00&zone=Asia/Tokyo"
    answer = seer.get(f"/cdr?{ends}&status=answered&format=csv")
    assert answer.mimetype == "text/csv"
    rows = _file(answer.text)
    assert len(rows) == 2
    assert rows[1][0] == "2026-07-02T00:30:00.000+09:00"
    assert rows[1][1:3] == ["493012345678", "33612345678"]
    assert "00:30:00" in seer.get(f"/cdr?{ends}").text


def test_a_long_file_walks_all_pages_and_says_where_it_ends(
    databases: Databases, seer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now_ms()
    ids = put(databases, *(call(setup_at=now - n * clock.SECOND) for n in range(1, 31)))
    assert len(_file(seer.get("/cdr?format=csv").text)) == len(ids) + 1
    monkeypatch.setattr(listing_view, "MOST", 20)
    rows = _file(seer.get("/cdr?format=csv").text)
    assert len(rows) == 1 + 20 + 1 and "ends here, after 20 rows" in rows[-1][0]


def test_calls_that_wait_for_a_price(both_dbs: Databases) -> None:
    now = clock.now_ms()
    ids = put(
        both_dbs,
        *(call(setup_at=now - n * clock.DAY, call_id=f"c{n}") for n in range(1, 8)),
        call(setup_at=now - clock.HOUR, unpriced_reason=None),
        failed(setup_at=now - 2 * clock.HOUR),
        call(setup_at=now - 3 * clock.HOUR, caller="bob", tenant_id=7),
    )
    waiting = [ids[9], *ids[:7]]
    with reading(both_dbs.panel) as connection:

        def found(**narrowed: object) -> list[int]:
            filters = Filters(status="unpriced", **narrowed)  # type: ignore[arg-type]
            return [row["id"] for row in search.walk(connection, filters, chunk=3)]

        assert found() == waiting
        assert found(tenants=(7,)) == [ids[9]]
        assert found(caller="bob") == [ids[9]]
        assert found(call_id="c3") == [ids[2]]
        assert found(since=now - 2 * clock.DAY - 1) == [ids[9], *ids[:2]]
        assert found(sip_class=4) == []
        page = search.search(connection, Filters(status="unpriced"), limit=3)
        assert [row["id"] for row in page.rows] == waiting[:3]
        last = page.rows[-1]
        onward = search.search(
            connection,
            Filters(status="unpriced"),
            after=Cursor(last["setup_at"], last["id"]),
            limit=3,
        )
        assert [row["id"] for row in onward.rows] == waiting[3:6]
        first = onward.rows[0]
        back = search.search(
            connection,
            Filters(status="unpriced"),
            before=Cursor(first["setup_at"], first["id"]),
            limit=3,
        )
        assert [row["id"] for row in back.rows] == waiting[:3]


def test_the_overview_leads_to_what_waits_for_a_price(databases: Databases, seer: Browser) -> None:
    ids = put(databases, call(), call(unpriced_reason=None))
    home = seer.get("/").text
    link = re.search(r'href="([^"]*status=unpriced[^"]*)"', home)
    assert link is not None
    assert _shown(seer.get(link.group(1).replace("&amp;", "&")).text) == ids[:1]


def test_a_priced_call_waits_no_more(databases: Databases, seer: Browser) -> None:
    (number,) = put(databases, call())
    with writing(databases.panel) as connection:
        cdr = store.get(connection, number)
        assert cdr is not None
        charge = {
            "cdr_id": number,
            "cdr_setup_at": cdr["setup_at"],
            "tenant_id": 1,
            "destination": "x",
            "account_id": 1,
            "amount": 1,
            "tax": 0,
            "currency": "EUR",
            "version_id": 1,
            "batch_id": 1,
            "price": 1,
            "callee": cdr["callee"],
            "trunk": "",
            "direction": "out",
        }
        store.set_first_charges(connection, [charge])
    assert _shown(seer.get("/cdr?status=unpriced").text) == []


@pytest.mark.parametrize(
    ("asked", "short"),
    [
        ("caller=bob&callee=&status=", "caller=bob"),
        ("range=24h", ""),
        ("range=7d&since=2026-07-01T00:00&zone=UTC", "since=2026-07-01T00:00&zone=UTC"),
        ("zone=tokyo&range=24h", "zone=Asia/Tokyo"),
    ],
)
def test_what_a_form_without_script_sends_becomes_a_short_address(
    seer: Browser, asked: str, short: str
) -> None:
    answer = seer.get(f"/cdr?{asked}")
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer.location).query) == parse_qs(short)
    assert seer.get(answer.location).status_code == 200


def test_a_wrong_filter_is_named_at_its_field_and_kept(seer: Browser) -> None:
    answer = seer.get("/cdr?since=tomorrow&caller=*&sip_class=9")
    assert answer.status_code == 400
    for name, typed in (("since", "tomorrow"), ("caller", "*")):
        field = re.search(rf'<input[^>]*name="{name}"[^>]*>', answer.text)
        assert field is not None and f'value="{typed}"' in field.group()
        assert 'aria-invalid="true"' in field.group()
        assert f'id="filter-{name}-error"' in answer.text
    assert '<option value="9" selected>9</option>' in answer.text
    assert "no choice here" in answer.text


def test_a_range_that_has_ended_is_not_asked_for_again(databases: Databases, seer: Browser) -> None:
    put(databases, call())
    assert 'hx-trigger="every 2s"' in seer.get("/cdr?range=any").text
    assert 'hx-trigger="every 2s"' not in seer.get("/cdr?range=yesterday").text


def test_links_of_a_renewed_list_do_not_carry_the_stamp(
    databases: Databases, seer: Browser
) -> None:
    now = clock.now_ms()
    put(databases, *(call(setup_at=now - n * clock.SECOND) for n in range(60)))
    again = seer.get("/cdr?stamp=old", headers={"HX-Request": "true"}).text
    following = re.search(r'rel="next" href="([^"]+)"', again)
    assert following is not None and "stamp" not in following.group(1)


def test_the_zones_of_the_field(app: Flask, databases: Databases) -> None:
    client = sign_in(app, "readonly", "ann")
    with writing(databases.panel) as connection:
        operators.set_zone(connection, 1, "Europe/Berlin")
    assert '<option value="Asia/Tokyo">' in client.get("/zones").text
    put(databases, call())
    page = client.get("/cdr?zone=UTC").text
    assert "times in UTC" in page and "Last 24 hours" in page
    assert 'data-own="Europe/Berlin"' in page
