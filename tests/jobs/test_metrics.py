"""Metrics: from a real gunicorn with several workers, for whom they are, with nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.cdr.tables import unpriced
from app.charging.tables import session as charging_session
from app.core import clock
from app.core.database import Databases, make_engine, writing
from app.jobs import gauges, heartbeat, metrics, queue, tally
from app.mediation.tables import reading_position, source, suspense
from app.opensips.tables import create_opensips_tables, reflect
from app.provisioning.tables import push
from tests.services import gunicorn, ports

DOC = Path(__file__).parents[2] / "docs" / "metrics.md"
TOKEN = "a-long-random-word-of-a-collector-0123456789"
NOW = clock.now_ms()


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Name and the labels' values → value."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in families(text).values()
        for sample in family.samples
    }


def families(text: str) -> dict[str, Metric]:
    """The metrics of a scrape by the name under which a collector knows them."""
    found = {}
    for family in text_string_to_metric_families(text):
        found[f"{family.name}_total" if family.type == "counter" else family.name] = family
    return found


def populate(dbs: Databases) -> None:
    """One of each: a call in suspense, one without price, a job, a push, a session, a gap."""
    create_opensips_tables(dbs.switch)
    acc = reflect(dbs.switch, "acc")
    with writing(dbs.switch) as connection:
        for number in (1, 2, 3):
            row = {"callid": f"call-{number}", "method": "INVITE", "time": clock.to_datetime(NOW)}
            row |= {"from_tag": "", "to_tag": "", "sip_code": "200", "sip_reason": "OK"}
            row["time"] = row["time"].replace(tzinfo=None)
            connection.execute(acc.insert().values(row | {"setuptime": 0}))
    place = {"source_id": 1, "table_name": "acc", "settled_id": 1, "high_id": 1}
    with writing(dbs.panel) as connection:
        connection.execute(
            source.insert().values(
                id=1, name="s", zone="UTC", created_at=NOW, looked_at=NOW, waiting=4
            )
        )  # fmt: skip
        connection.execute(
            reading_position.insert(),
            [
                place | {"part": "live", "gaps": f"[[1, 1, {NOW - 9_000}]]",
                         "updated_at": NOW - 5_000, "until_id": None},
                place | {"part": "backlog", "gaps": "[]", "updated_at": NOW, "until_id": 8},
            ],
        )  # fmt: skip
        connection.execute(
            suspense.insert().values(
                source_id=1, epoch=1, table_name="acc", acc_id=1, call_id="s3cret-call@host",
                seen_at=NOW, reason="no_bye", row="{}",
            )
        )  # fmt: skip
        connection.execute(
            unpriced.insert().values(
                cdr_id=1, setup_at=NOW, reason="no_account", try_at=NOW, account="", since=NOW
            )
        )
        queue.put(connection, "backlog", "Something long", {})
        connection.execute(
            push.insert().values(change_set_id=1, node_id=1, state="failed", next_at=NOW)
        )
        connection.execute(
            charging_session.insert().values(
                charge_id="c1", call_id="s3cret-call@host", account_id=1,
                account="ada@secret.example", destination="4930123456", state="started",
                setup_at=NOW, seen_at=NOW,
            )
        )  # fmt: skip
        heartbeat.beat(connection, "worker:host:1")


def test_the_databases_say_how_things_stand(
    app: Flask, client: FlaskClient, both_dbs: Databases
) -> None:
    populate(both_dbs)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    found = samples(answer.text)
    wanted: dict[tuple[str, tuple[str, ...]], float] = {
        ("companion_database_up", ("panel",)): 1,
        ("companion_database_up", ("switch",)): 1,
        ("companion_pipeline_lag_rows", ("acc",)): 2,
        ("companion_pipeline_backlog_rows", ("acc",)): 7,
        ("companion_suspense_entries", ("no_bye",)): 1,
        ("companion_unpriced_calls", ()): 1,
        ("companion_source_up", ("s",)): 1,
        ("companion_source_waiting_rows", ("s",)): 4,
        ("companion_jobs", ("waiting",)): 1,
        ("companion_jobs", ("running",)): 0,
        ("companion_pushes_waiting", ("failed",)): 1,
        ("companion_pushes_waiting", ("waiting",)): 0,
        ("companion_charging_sessions", ("started",)): 1,
    }
    assert {key: found.get(key) for key in wanted} == wanted
    assert 5 <= found["companion_pipeline_stalled_seconds", ("acc",)] < 7_200
    assert 9 <= found["companion_pipeline_gap_age_seconds", ("acc",)] < 7_200
    assert 0 <= found["companion_heartbeat_age_seconds", ("worker",)] < 600
    assert not re.search("s3cret|secret.example|4930123456|:host:", answer.text)


def test_who_may_scrape(app: Flask, client: FlaskClient) -> None:
    def ask(address: str, **headers: str) -> int:
        return client.get(
            "/metrics", environ_base={"REMOTE_ADDR": address}, headers=headers
        ).status_code

    assert ask("127.0.0.1") == ask("::1") == 200
    assert ask("192.0.2.1") == ask("") == 403
    assert ask("192.0.2.1", Authorization="Bearer ") == 403
    # a proxy in front that the settings do not know: its own address says nothing
    assert ask("127.0.0.1", **{"X-Forwarded-For": "192.0.2.1"}) == 403
    object.__setattr__(app.extensions["settings"], "metrics_token", TOKEN)
    assert ask("192.0.2.1", Authorization=f"Bearer {TOKEN}") == 200
    assert ask("192.0.2.1", Authorization=f"bearer {TOKEN}") == 200
    for wrong in (TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer", "Bearer \xe4", ""):
        assert ask("192.0.2.1", Authorization=wrong) == 403, wrong


def test_addresses_and_odd_methods_make_no_labels(client: FlaskClient) -> None:
    client.get("/nowhere/4930123456")
    client.open("/login", method="BREW4930123456")
    text = client.get("/metrics").text
    assert "4930123456" not in text
    found = samples(text)
    assert found["companion_http_requests_total", ("none", "GET", "404")] >= 1
    assert any(labels[1:2] == ("other",) for _, labels in found)


def test_a_database_that_is_away_or_hangs_is_no_error(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # accepts connections and never says a word
        port = silent.getsockname()[1]
        for address in (port, ports.free_port()):
            away = make_engine(f"postgresql+psycopg://u:p@127.0.0.1:{address}/x")
            app.extensions["databases"] = Databases(away, away)
            app.extensions["gauges"] = gauges.Gauges(lambda: app.extensions["databases"])
            monkeypatch.setattr(gauges, "PATIENCE_S", 0.5)
            began = time.monotonic()
            answer = client.get("/metrics")
            assert time.monotonic() - began < 3
            assert answer.status_code == 200
            found = samples(answer.text)
            assert found["companion_database_up", ("panel",)] == 0
            assert not any(name == "companion_jobs" for name, _ in found)
    away.dispose()


def test_a_scrape_while_another_hangs_does_not_pile_up(app: Flask) -> None:
    asked = gauges.Gauges(lambda: app.extensions["databases"])
    asked._busy.acquire()
    found = {sample.name: sample.value for one in asked.collect() for sample in one.samples}
    assert found["companion_database_up"] == 0


def test_counts_of_dead_workers_stay_and_their_files_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prometheus_client.mmap_dict import MmapedDict, mmap_key

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    key = mmap_key("companion_x", "companion_x_total", ["a"], ["b"], "What.")
    gone = []
    for count in (2.0, 3.0):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        gone.append(pid)
        file = MmapedDict(str(tmp_path / f"counter_{pid}.db"))
        file.write_value(key, count, 0.0)
        file.close()
    for _ in range(2):
        _, text = tally.exposition()
        assert samples(text.decode())["companion_x_total", ("b",)] == 5
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["counter_dead.db"]


@pytest.fixture(params=[True, False], ids=["preload", "alone"])
def web(
    request: pytest.FixtureRequest, dbs: Databases, test_env: dict[str, str], tmp_path: Path
) -> Iterator[Callable[[str], requests.Response]]:
    """gunicorn with three workers, on a port."""
    populate(dbs)
    port = ports.free_port()
    options = ["--workers", "3", *(["--preload"] if request.param else [])]
    with gunicorn.on_port(port, test_env, log=tmp_path / "web.log", options=options):
        # a connection for each: any worker may get it
        yield lambda path: requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)


def test_all_workers_count_together_and_the_doc_lists_what_they_tell(
    web: Callable[[str], requests.Response], test_env: dict[str, str]
) -> None:
    folder = Path(test_env["PANEL_DATA_DIR"]) / "metrics"

    def logins() -> float:
        found = samples(web("/metrics").text)
        return found.get(("companion_http_requests_total", ("identity.login", "GET", "200")), 0)

    def workers() -> set[int]:
        return {int(re.findall(r"\d+", file.name)[0]) for file in folder.glob("counter_*[0-9].db")}

    for _ in range(60):
        assert web("/login").status_code == 200
        time.sleep(0.005)
    assert logins() == 60
    seen = workers()
    assert len(seen) >= 2, "one worker answered everything"
    os.kill(seen.pop(), signal.SIGKILL)
    for _ in range(20):
        try:
            web("/login")
        except requests.ConnectionError:
            pass  # it was with the one that died
    assert 60 < logins() <= 80
    scraped = families(web("/metrics").text)
    rows = re.findall(r"^\| `(companion_\w+)` \| (\w+) \| .+? \| (.*?) \| .+ \|$",
                      DOC.read_text(encoding="utf-8"), re.MULTILINE)  # fmt: skip
    assert {name: kind for name, kind, _ in rows} == {
        name: family.type for name, family in scraped.items()
    }
    assert len(rows) == len(scraped)
    for name, _, text in rows:
        listed = set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", text)))
        told = {key for sample in scraped[name].samples for key in sample.labels} - {"le"}
        assert listed == told, name


def test_the_view_asks_no_database_who_asks(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(gauges.Gauges, "collect", lambda _: [])
    monkeypatch.setattr("app.identity.web._load", never)
    monkeypatch.setattr("app.identity.web.reading", never)
    with client.session_transaction() as session:
        session["_user_id"] = "x"
    assert client.get("/metrics").status_code == 200
    assert metrics.blueprint.name == "metrics"
