"""The whole panel beside a real OpenSIPS: calls by sipp appear priced, an edit re-routes the next.

Runs when ``PANEL_TEST_OPENSIPS`` names an OpenSIPS 3.6 binary, like ``test_real_switch``.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app import create_app, invariants
from app.cdr.filters import Filters
from app.cdr.search import walk
from app.core import schema
from app.core.database import connect, reading, writing
from app.core.settings import Settings, load
from app.identity import operators
from app.ledger import account
from app.provisioning import changeset, pusher
from app.rating import store
from app.rounds import Runner
from tests.identity.people import token_of
from tests.integration.lab import Lab, private_mariadb, running_lab
from tests.integration.sipp import sipp_calls

BINARY = os.environ.get("PANEL_TEST_OPENSIPS", "")
pytestmark = pytest.mark.skipif(not BINARY, reason="PANEL_TEST_OPENSIPS names no OpenSIPS binary")
PASSWORD = "a long enough password 17"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with private_mariadb(Path(BINARY), tmp_path_factory.mktemp("mariadb")) as made:
        yield made


@pytest.fixture(scope="module")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(Path(BINARY), engine, tmp_path_factory.mktemp("switch")) as made:
        yield made


@pytest.fixture(scope="module")
def panel(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Our tables beside OpenSIPS's, a priced trunk and an operator."""
    settings = load(
        {
            "PANEL_DATABASE_URL": lab.engine.url.render_as_string(hide_password=False),
            "PANEL_NODES": f"sip1={lab.switch.mi_url}",
            "PANEL_DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "PANEL_SECRET_KEY": "only-for-tests-0123456789abcdef0123456789",
            "PANEL_INSECURE_COOKIES": "1",
            "PANEL_SETTLING_SECONDS": "2",
        }
    )
    dbs = connect(settings)
    schema.upgrade(dbs.panel)
    with writing(dbs.panel) as connection:
        trunk = account.create(connection, code="trunk-one", currency="EUR", mode="postpaid")
        tariff = store.create_tariff(connection, name="Trunks", currency="EUR")
        rates = [store.NewRate(digit, f"Zone {digit}", "0.06") for digit in "123456789"]
        store.add_version(connection, tariff, 0, rates)
        store.assign(connection, trunk, tariff)
        operators.create(connection, login="noc", password=PASSWORD, role="admin")
    dbs.panel.dispose()
    return settings


def test_calls_that_were_made_appear_priced(lab: Lab, panel: Settings) -> None:
    made = {
        "answered": sipp_calls(
            lab.switch.sip_port, lab.workdir, number="0012125550100",
            local_port=lab.trunk_port, count=20, hold_ms=1200,
        ),
        "busy": sipp_calls(
            lab.switch.sip_port, lab.workdir, number="2001",
            local_port=lab.trunk_port, count=5, expect=486,
        ),
        "given up": sipp_calls(
            lab.switch.sip_port, lab.workdir, number="5001",
            local_port=lab.trunk_port, count=5, expect="cancel",
        ),
        "failed over": sipp_calls(
            lab.switch.sip_port, lab.workdir, number="4001",
            local_port=lab.trunk_port, count=5, hold_ms=400,
        ),
    }  # fmt: skip
    for name, count in (("answered", 20), ("busy", 5), ("given up", 5), ("failed over", 5)):
        assert made[name].ok, made[name].output
        lab.wait_rows("acc", made[name].prefix, count)
    dbs = connect(panel)
    Runner(dbs, panel).to_the_end(lambda _rows: None)
    with reading(dbs.panel) as connection:
        cdrs = list(walk(connection, Filters()))
    assert len(cdrs) == 35
    for name, batch in made.items():
        mine = [cdr for cdr in cdrs if cdr["call_id"].startswith(f"{batch.prefix}-")]
        answered = name in ("answered", "failed over")
        assert len(mine) == (20 if name == "answered" else 5)
        assert {cdr["sip_code"] for cdr in mine} == {{"busy": 486, "given up": 487}.get(name, 200)}
        for cdr in mine:
            seconds = -(-cdr["duration_ms"] // 1000)
            assert cdr["price"] == (Fraction(6 * seconds, 6000) * 10**9 if answered else None)
            tables = sorted(part.partition(":")[0] for part in cdr["acc_ids"].split())
            assert tables == (["acc"] if name == "answered" else ["acc", "missed_calls"])
            assert cdr["charge_id"]
    broken = [finding for finding in invariants.check(dbs, panel) if finding.violations]
    assert broken == []
    dbs.panel.dispose()


def test_a_dialplan_edit_on_the_screen_routes_the_next_call_anew(lab: Lab, panel: Settings) -> None:
    app = create_app(panel)
    client = app.test_client()
    sign_in = {"csrf_token": token_of(client), "login": "noc", "password": PASSWORD}
    assert client.post("/login", data=sign_in).status_code in (302, 303)
    before = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="777",
        local_port=lab.trunk_port, expect=404,
    )  # fmt: skip
    assert before.ok, before.output
    answer = client.post(
        "/dialplan/new", data=_rule(client), headers={"Referer": "http://localhost/"}
    )
    assert answer.status_code in (302, 303), answer.text
    set_id = int(answer.headers["Location"].rpartition("/")[2].partition("?")[0])
    dbs = app.extensions["databases"]
    until = time.monotonic() + 10
    while time.monotonic() < until:
        pusher.run_due(dbs, panel)
        with reading(dbs.panel) as connection:
            pushed = changeset.get(connection, set_id).pushes
        if {push.state for push in pushed} == {"verified"}:
            break
        time.sleep(0.1)
    assert [(push.state, push.level) for push in pushed] == [("verified", "sampled")]
    after = sipp_calls(
        lab.switch.sip_port, lab.workdir, number="777", local_port=lab.trunk_port, hold_ms=300
    )
    assert after.ok, after.output
    assert lab.gateways["answer"].numbers()[-1] == "12125550177"
    dbs.panel.dispose()


def _rule(client: FlaskClient) -> dict[str, str]:
    """A filled form: 777 becomes a number that is answered."""
    page = client.get("/dialplan/new?dpid=1").text
    values = {}
    for name in ("csrf_token", "reference", "seen"):
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
        assert found, page
        values[name] = found.group(1)
    return values | {
        "dpid": "1",
        "pr": "0",
        "match_op": "1",
        "match_exp": "^777$",
        "match_flags": "0",
        "subst_exp": "^777$",
        "repl_exp": "12125550177",
        "comment": "service number",
    }
