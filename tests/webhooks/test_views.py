"""The screens of webhooks: making, changing, testing, looking, sending again; each his own."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.core import outbox, sealing
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity import operators, tenants
from app.identity.tables import audit
from app.webhooks import endpoints
from app.webhooks.deliverer import Deliverer
from tests.identity.people import Browser, sign_in
from tests.webhooks.receiver import Receiver, status
from tests.webhooks.scene import deliver, deliveries, listen, say

PUBLIC = "https://hooks.example.net/panel"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    monkeypatch.setattr(
        operators, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )


def send(client: Browser, address: str, **values: str):  # type: ignore[no-untyped-def]
    return client.post(address, data={"csrf_token": client.csrf, **values})


def actions(dbs: Databases) -> list[str]:
    with reading(dbs.panel) as connection:
        query = select(audit.c.action).where(audit.c.action.startswith("webhook."))
        return list(connection.scalars(query.order_by(audit.c.id)))


def test_made_changed_tested_switched_deleted(
    app: Flask,
    databases: Databases,
    settings: Settings,
    receiver: Receiver,
    deliverer: Deliverer,
) -> None:
    client = sign_in(app, "admin")
    assert "No webhook" in client.get("/webhooks").text
    answer = send(client, "/webhooks/new", url=receiver.url, tenant="1", call_ended="y")
    made = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.text)
    assert made is not None
    with reading(databases.panel) as connection:
        row = endpoints.get(connection, 1, None)
    assert sealing.unseal(settings.secret_key, endpoints.PURPOSE, row["secret"]) == made[0]
    assert made[0] not in row["secret"]
    assert (row["events"], row["url"], row["active"]) == ("call.ended", receiver.url, True)
    for address in ("/webhooks", "/webhooks/1", "/webhooks?format=csv"):
        assert made[0] not in client.get(address).text
    assert receiver.url in client.get("/webhooks").text

    answer = send(client, "/webhooks/1", url=receiver.url + "?a=b", push_failed="y", call_priced="")
    assert answer.status_code == 303
    with reading(databases.panel) as connection:
        row = endpoints.get(connection, 1, None)
    assert (row["events"], row["url"]) == ("push.failed", receiver.url + "?a=b")

    assert send(client, "/webhooks/1/test").status_code == 303
    deliver(deliverer, lambda: len(receiver.got) == 1)
    assert receiver.got[0].path == "/hook?a=b"
    deliver(deliverer, lambda: bool(deliveries(databases, state="sent")))
    assert "A test" in client.get("/webhooks/1/deliveries").text

    send(client, "/webhooks/1/state/off")
    assert say(databases, "push.failed") == 0
    assert "Switch on" in client.get("/webhooks/1").text
    assert send(client, "/webhooks/1/test").status_code == 409
    send(client, "/webhooks/1/state/on")
    assert say(databases, "push.failed") == 1

    again = re.search(r"whsec_[A-Za-z0-9+/=]+", send(client, "/webhooks/1/secret").text)
    assert again is not None and again[0] != made[0]

    assert "Delete this webhook?" in client.get("/webhooks/1/delete").text
    assert send(client, "/webhooks/1/delete").status_code == 303
    assert client.get("/webhooks/1").status_code == 404
    assert deliveries(databases) == []
    assert actions(databases) == [
        f"webhook.{word}" for word in "create change test off on secret delete".split()
    ]
    with reading(databases.panel) as connection:
        noted = " ".join(map(str, connection.execute(select(audit)).all()))
    assert "whsec_" not in noted


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "Enter an address."),
        ("ftp://hooks.example.net/", "This is no address"),
        ("https://", "This is no address"),
        ("https://hooks.example.net:99999/", "This is no address"),
        ("https://hooks.example.net/ü", "This is no address"),
        ("https://hooks.example.net/a b", "This is no address"),
        ("https://ann:secret@hooks.example.net/", "holds a user or password"),
        ("http://hooks.example.net/", "Webhooks go over https"),
        ("http://93.184.216.34/", "Webhooks go over https"),
        ("https://169.254.169.254/latest", "not on the public internet"),
        ("https://[fd00:ec2::254]/", "not on the public internet"),
        ("https://10.1.2.3/", "not on the public internet"),
    ],
)
def test_what_cannot_be_an_address_is_refused(app: Flask, url: str, sentence: str) -> None:
    client = sign_in(app, "admin")
    answer = send(client, "/webhooks/new", url=url, tenant="1", call_ended="y")
    assert (answer.status_code, sentence in answer.text) == (400, True), answer.text


def test_nothing_to_hear_of_is_refused(app: Flask) -> None:
    answer = send(sign_in(app, "admin"), "/webhooks/new", url=PUBLIC, tenant="1")
    assert answer.status_code == 400
    assert "Choose what the receiver hears of." in answer.text


def test_deliveries_are_shown_narrowed_and_sent_again(
    app: Flask,
    databases: Databases,
    settings: Settings,
    receiver: Receiver,
    deliverer: Deliverer,
) -> None:
    number, _ = listen(databases, settings, receiver.url)
    receiver.answer = status(500)
    say(databases, count=3)
    with writing(databases.panel) as connection:
        connection.execute(update(outbox.delivery).values(tries=9))
    deliver(deliverer, lambda: len(deliveries(databases, state="dead")) == 3)
    receiver.answer = status(200)
    say(databases, "call.priced")
    deliver(deliverer, lambda: len(deliveries(databases, state="sent")) == 1)
    receiver.got.clear()
    client = sign_in(app, "admin")
    page = client.get(f"/webhooks/{number}/deliveries?state=dead").text
    assert page.count("A call ended") == 3 and "A call got its price" not in page
    assert "Send all dead ones again" in page
    one, *rest = deliveries(databases, state="dead")
    shown = client.get(f"/webhooks/{number}/deliveries/{one.id}").text
    assert one.message_id in shown and "It answered 500." in shown and "&#34;number&#34;" in shown
    send(client, f"/webhooks/{number}/deliveries/{one.id}/replay")
    deliver(deliverer, lambda: len(receiver.got) == 1)
    assert receiver.got[0].headers["webhook-id"] == one.message_id
    twice = send(client, f"/webhooks/{number}/deliveries/{rest[0].id}/replay")
    assert twice.status_code == 303
    assert send(client, f"/webhooks/{number}/deliveries/{rest[0].id}/replay").status_code == 409
    send(client, f"/webhooks/{number}/deliveries/replay-dead")
    deliver(deliverer, lambda: len(deliveries(databases, state="sent")) == 4)
    assert {got.headers["webhook-id"] for got in receiver.got} == {
        row.message_id for row in (one, *rest)
    }
    assert "Send all dead ones again" not in client.get(f"/webhooks/{number}/deliveries").text
    assert client.get(f"/webhooks/{number}/deliveries?state=lost").status_code == 200


def test_a_reseller_has_his_own_and_no_others(
    app: Flask, databases: Databases, settings: Settings
) -> None:
    with writing(databases.panel) as connection:
        north = tenants.create(connection, name="North", parent_id=None)
        shop = tenants.create(connection, name="Shop", parent_id=north)
        south = tenants.create(connection, name="South", parent_id=None)
    house, _ = listen(databases, settings, PUBLIC + "/house")
    theirs, _ = listen(databases, settings, PUBLIC + "/south", tenant_id=south)
    say(databases, tenant_id=south)
    stranger = next(row.id for row in deliveries(databases, endpoint_id=theirs))
    rita = sign_in(app, "reseller", tenant_id=north)
    assert "No webhook" in rita.get("/webhooks").text
    for number in (house, theirs):
        base = f"/webhooks/{number}"
        for address in ("", "/delete", "/deliveries", f"/deliveries/{stranger}"):
            assert rita.get(base + address).status_code == 404, address
        for address in (
            "",
            "/state/off",
            "/delete",
            "/secret",
            "/test",
            f"/deliveries/{stranger}/replay",
            "/deliveries/replay-dead",
        ):
            assert send(rita, base + address, url=PUBLIC).status_code == 404, address
    refused = send(rita, "/webhooks/new", url=PUBLIC, tenant=str(south), call_ended="y")
    assert refused.status_code == 400
    for tenant_id in (north, shop):
        made = send(rita, "/webhooks/new", url=PUBLIC, tenant=str(tenant_id), call_ended="y")
        assert made.status_code == 200 and "whsec_" in made.text
    inside = send(rita, "/webhooks/new", url="http://127.0.0.1/", tenant=str(north), call_ended="y")
    assert inside.status_code == 400 and "not on the public internet" in inside.text
    sneaky = send(rita, "/webhooks/new", url=PUBLIC, tenant=str(north), gateway_down="y")
    assert sneaky.status_code == 400
    assert "gateway" not in rita.get("/webhooks/new").text.split("<form", 1)[1].lower()
    assert say(databases, tenant_id=north) == 2, "the house's and the reseller's"
    with reading(databases.panel) as connection:
        mine = connection.scalars(
            select(outbox.endpoint.c.id).where(outbox.endpoint.c.tenant_id == north)
        ).one()
    (one,) = deliveries(databases, endpoint_id=mine)
    assert rita.get(f"/webhooks/{mine}/deliveries/{one.id}").status_code == 200
    mixed = rita.get(f"/webhooks/{mine}/deliveries/{stranger}")
    assert mixed.status_code == 404, "another's delivery under one's own webhook"


def test_the_command_lists_and_sends_again(
    app: Flask, databases: Databases, settings: Settings
) -> None:
    number, _ = listen(databases, settings, PUBLIC, "call.ended", "balance.low")
    say(databases, count=2)
    with writing(databases.panel) as connection:
        connection.execute(update(outbox.delivery).values(state="dead", tries=10))
    runner = app.test_cli_runner()
    line = runner.invoke(args=["webhook", "list"]).output
    assert line == (
        f"{number}\ttenant 1\ton\t{PUBLIC}\tcall.ended,balance.low\t0 waiting, 0 sent, 2 dead\n"
    )
    first = deliveries(databases)[0].id
    one = runner.invoke(args=["webhook", "replay", str(number), "--delivery", str(first)])
    assert one.output == "1 to be sent again\n"
    assert runner.invoke(args=["webhook", "replay", str(number)]).output == "1 to be sent again\n"
    assert {(row.state, row.tries) for row in deliveries(databases)} == {("waiting", 0)}
    missing = runner.invoke(args=["webhook", "replay", "999"])
    assert missing.exit_code == 1 and "There is no such webhook." in missing.output
