"""Deliveries against receivers that are quick, slow, wrong, gone; by one worker and by two."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.core import clock, outbox
from app.core.database import Databases, reading, writing
from app.core.settings import Settings
from app.identity.tables import audit
from app.webhooks import claims, endpoints, log, sending
from app.webhooks.deliverer import AT_ONCE_EACH, Deliverer
from tests.webhooks.receiver import Receiver, receiving, status
from tests.webhooks.scene import deliver, deliveries, listen, make_due, say


def test_all_arrive_once_and_are_noted(
    panel_db: Databases, settings: Settings, receiver: Receiver, deliverer: Deliverer
) -> None:
    listen(panel_db, settings, receiver.url)
    assert say(panel_db, count=30) == 30
    deliver(deliverer, lambda: not deliveries(panel_db, state="waiting"))
    rows = deliveries(panel_db, state="sent")
    assert [(row.tries, row.last_status, row.last_problem) for row in rows] == [(1, 204, "")] * 30
    assert all(row.sent_at >= row.created_at for row in rows)
    assert sorted(one.headers["webhook-id"] for one in receiver.got) == sorted(
        row.message_id for row in rows
    )
    assert {one.body.decode() for one in receiver.got} == {row.body for row in rows}
    assert receiver.got[0].headers["content-type"] == "application/json"
    assert receiver.got[0].path == "/hook"


def test_two_workers_never_send_the_same_at_the_same_time(
    panel_db: Databases, settings: Settings, receiver: Receiver
) -> None:
    listen(panel_db, settings, receiver.url)
    say(panel_db, count=120)
    workers = [Deliverer(panel_db, settings) for _ in range(2)]
    stop = threading.Event()

    def work(worker: Deliverer) -> None:
        while not stop.is_set():
            worker.turn()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    while deliveries(panel_db, state="waiting") and time.monotonic() < end:
        time.sleep(0.05)
    stop.set()
    for thread, worker in zip(threads, workers, strict=True):
        thread.join(15)
        worker.leave()
    ids = [one.headers["webhook-id"] for one in receiver.got]
    assert (len(ids), len(set(ids))) == (120, 120)
    assert {row.tries for row in deliveries(panel_db, state="sent")} == {1}


def test_what_fails_is_tried_again_ever_later_and_is_dead_in_the_end(
    dbs: Databases, settings: Settings, receiver: Receiver, deliverer: Deliverer
) -> None:
    listen(dbs, settings, receiver.url)
    receiver.answer = status(500)
    say(dbs)
    for number, usual in enumerate(claims.PAUSES_MS, 1):
        deliver(deliverer, lambda n=number: len(receiver.got) == n)
        deliver(deliverer, lambda n=number: deliveries(dbs)[0].last_status == 500)
        (row,) = deliveries(dbs)
        assert (row.state, row.tries, row.last_problem) == ("waiting", number, "It answered 500.")
        pause = row.next_at - clock.now_ms()
        assert usual - 3_000 <= pause <= usual * 1.2, (number, pause)
        with writing(dbs.panel) as connection:
            connection.execute(outbox.delivery.update().values(next_at=0, last_status=None))
    deliver(deliverer, lambda: bool(deliveries(dbs, state="dead")))
    assert len(receiver.got) == 1 + len(claims.PAUSES_MS)
    assert len({one.headers["webhook-id"] for one in receiver.got}) == 1
    make_due(dbs)
    assert deliverer.turn() == 0


def test_gone_switches_the_endpoint_off(
    dbs: Databases, settings: Settings, receiver: Receiver, deliverer: Deliverer
) -> None:
    number, _ = listen(dbs, settings, receiver.url)
    say(dbs, count=2)
    receiver.answer = status(410)
    deliver(deliverer, lambda: bool(deliveries(dbs, state="dead")))
    with reading(dbs.panel) as connection:
        row = endpoints.get(connection, number, None)
        noted = connection.scalars(select(audit.c.action)).all()
    assert (row["active"], bool(row["gone_at"])) == (False, True)
    assert noted.count("webhook.gone") == 1
    assert say(dbs) == 0, "nothing is written for an endpoint that is off"


def test_a_redirect_is_not_followed(
    dbs: Databases, settings: Settings, receiver: Receiver, deliverer: Deliverer
) -> None:
    with receiving() as elsewhere:
        receiver.answer = status(307, Location=elsewhere.url)
        listen(dbs, settings, receiver.url)
        say(dbs)
        deliver(deliverer, lambda: deliveries(dbs)[0].last_status == 307)
        assert elsewhere.got == []
    assert "redirects are not followed" in deliveries(dbs)[0].last_problem


def _drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: each of them in time, the whole never."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(200):
        handler.wfile.write(b"a")
        handler.wfile.flush()
        time.sleep(0.05)


def test_a_slow_receiver_holds_up_itself_alone(
    dbs: Databases,
    settings: Settings,
    receiver: Receiver,
    deliverer: Deliverer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "TOTAL_S", 2.0)
    receiver.answer = _drip
    slow, _ = listen(dbs, settings, receiver.url)
    say(dbs, count=20)
    with receiving() as quick:
        other, _ = listen(dbs, settings, quick.url, "call.priced")
        say(dbs, "call.priced", count=40)
        begun = time.monotonic()
        deliver(deliverer, lambda: len(quick.got) == 40)
        assert time.monotonic() - begun < 2.0
    assert len(receiver.got) <= AT_ONCE_EACH
    deliver(deliverer, lambda: any(row.last_problem for row in deliveries(dbs)))
    failed = [row for row in deliveries(dbs) if row.last_problem]
    assert {row.last_problem for row in failed} == {"It took longer than the time there is."}
    assert 2.0 <= time.monotonic() - begun < 5.0


def _huge(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    piece = b"x" * 65_536
    for _ in range(10_000):
        handler.wfile.write(piece)


def test_a_huge_answer_is_not_read(
    dbs: Databases, settings: Settings, receiver: Receiver, deliverer: Deliverer
) -> None:
    receiver.answer = _huge
    listen(dbs, settings, receiver.url)
    say(dbs)
    begun = time.monotonic()
    deliver(deliverer, lambda: bool(deliveries(dbs, state="sent")))
    assert time.monotonic() - begun < 5.0


def test_an_endless_head_is_refused(
    dbs: Databases, settings: Settings, receiver: Receiver, deliverer: Deliverer
) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            handler.wfile.write(b"X-%d: a\r\n" % number)

    receiver.answer = endless
    listen(dbs, settings, receiver.url)
    say(dbs)
    deliver(deliverer, lambda: bool(deliveries(dbs)[0].last_problem))
    assert deliveries(dbs)[0].state == "waiting"


def _certificate(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=receiver", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return key, certificate


def test_tls_is_verified(dbs: Databases, settings: Settings, tmp_path: Path) -> None:
    key, certificate = _certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    stranger = Deliverer(dbs, settings)
    friend = Deliverer(dbs, settings, trust=ssl.create_default_context(cafile=str(certificate)))
    with receiving(server) as receiver:
        listen(dbs, settings, receiver.url)
        say(dbs)
        deliver(stranger, lambda: bool(deliveries(dbs)[0].last_problem))
        assert deliveries(dbs)[0].last_problem.startswith("The certificate is not trusted")
        assert receiver.got == []
        make_due(dbs)
        deliver(friend, lambda: bool(deliveries(dbs, state="sent")))
        assert len(receiver.got) == 1
        with writing(dbs.panel) as connection:
            named = receiver.url.replace("127.0.0.1", "localhost")
            connection.execute(update(outbox.endpoint).values(url=named))
        say(dbs)
        deliver(friend, lambda: bool(deliveries(dbs)[-1].last_problem))
        assert "certificate" in deliveries(dbs)[-1].last_problem
        assert len(receiver.got) == 1
    stranger.leave()
    friend.leave()


def test_nobody_there_is_a_failure_like_others(
    dbs: Databases, settings: Settings, deliverer: Deliverer
) -> None:
    listen(dbs, settings, "http://127.0.0.1:1/")
    say(dbs)
    deliver(deliverer, lambda: bool(deliveries(dbs)[0].last_problem))
    (row,) = deliveries(dbs)
    assert (row.state, row.last_status) == ("waiting", None)
    assert row.last_problem == "No answer: Connection refused."


def test_a_tenants_endpoint_does_not_reach_what_is_inside(
    dbs: Databases, settings: Settings, receiver: Receiver, deliverer: Deliverer
) -> None:
    with writing(dbs.panel) as connection:
        values = {"tenant_id": 7, "url": receiver.url, "events": "call.ended", "secret": "x"}
        values |= {"secret": _sealed(settings), "active": True, "created_at": 1}
        connection.execute(outbox.endpoint.insert(), values)
    say(dbs, tenant_id=7)
    deliver(deliverer, lambda: bool(deliveries(dbs)[0].last_problem))
    assert receiver.got == []
    assert "not on the public internet" in deliveries(dbs)[0].last_problem
    allowed = Deliverer(dbs, replace(settings, webhook_networks=(ip_network("127.0.0.0/8"),)))
    make_due(dbs)
    deliver(allowed, lambda: len(receiver.got) == 1)
    allowed.leave()


def _sealed(settings: Settings) -> str:
    from app.core import sealing
    from app.webhooks import signature

    return sealing.seal(settings.secret_key, endpoints.PURPOSE, signature.new_secret())


KILLED = """
import os, signal, sys
from app import create_app
from app.core.database import writing
from app.core import outbox
from app.webhooks import claims
app = create_app()
panel = app.extensions["databases"].panel
if sys.argv[1] == "uncommitted":
    with writing(panel) as connection:
        outbox.write(connection, "call.ended", [1], lambda n: 1, lambda n: {"n": n})
        os.kill(os.getpid(), signal.SIGKILL)
with writing(panel) as connection:
    outbox.write(connection, "call.ended", [1], lambda n: 1, lambda n: {"n": n})
claims.claim(panel, 16, 4, {})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_between_writing_and_sending_it_arrives_all_the_same(
    panel_db: Databases,
    settings: Settings,
    test_env: dict[str, str],
    receiver: Receiver,
    deliverer: Deliverer,
) -> None:
    listen(panel_db, settings, receiver.url)
    for what in ("uncommitted", "claimed"):
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, what],
            env=os.environ | test_env,
            cwd=Path(__file__).parents[2],
            capture_output=True,
        )
        assert ended.returncode == -9, ended.stderr
    (row,) = deliveries(panel_db)
    assert (row.state, row.tries) == ("waiting", 1)
    assert deliverer.turn() == 0, "its lease has not ended"
    assert 0 < row.next_at - clock.now_ms() <= claims.LEASE_MS
    make_due(panel_db)
    deliver(deliverer, lambda: bool(deliveries(panel_db, state="sent")))
    assert len(receiver.got) == 1


def test_a_late_note_does_not_undo_what_the_next_worker_did(
    panel_db: Databases, settings: Settings, receiver: Receiver, deliverer: Deliverer
) -> None:
    listen(panel_db, settings, receiver.url)
    say(panel_db)
    (late,) = claims.claim(panel_db.panel, 16, 4, {})
    make_due(panel_db)
    deliver(deliverer, lambda: bool(deliveries(panel_db, state="sent")))
    with writing(panel_db.panel) as connection:
        claims.note(connection, late, sending.Sent(None, "It took too long."))
    (row,) = deliveries(panel_db)
    assert (row.state, row.tries, row.last_problem) == ("sent", 2, "")


def test_what_is_older_than_thirty_days_is_swept(
    panel_db: Databases, settings: Settings, receiver: Receiver
) -> None:
    number, _ = listen(panel_db, settings, receiver.url)
    say(panel_db, count=3)
    old = deliveries(panel_db)[0].id
    with writing(panel_db.panel) as connection:
        connection.execute(
            update(outbox.delivery)
            .where(outbox.delivery.c.id == old)
            .values(created_at=clock.now_ms() - log.KEPT_MS - 1)
        )
    assert log.sweep(panel_db.panel) == 1
    assert old not in [row.id for row in deliveries(panel_db)]
    with writing(panel_db.panel) as connection:
        connection.execute(outbox.endpoint.delete())
    assert log.sweep(panel_db.panel) == 2


def test_the_worker_delivers_and_ends_in_good_order(
    dbs: Databases, settings: Settings, test_env: dict[str, str], receiver: Receiver
) -> None:
    listen(dbs, settings, receiver.url)
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        env=os.environ | test_env,
        cwd=Path(__file__).parents[2],
    )
    try:
        say(dbs, count=3)
        end = time.monotonic() + 60
        while len(deliveries(dbs, state="sent")) < 3 and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
    assert len(receiver.got) == 3
