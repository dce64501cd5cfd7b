"""A panel with a little of everything on its screens: calls, prices, suspense, rules, changes.

One seeded application serves all that look at every screen: tests, screenshots, Lighthouse.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import func, select, update
from werkzeug.serving import make_server

from app import create_app
from app.cdr import events
from app.cdr.tables import answered, attempt
from app.cli import demo_masterdata
from app.core import clock, outbox
from app.core.database import Databases, reading, writing
from app.core.settings import Settings, load
from app.identity import audit, operators, tenants
from app.jobs import heartbeat, progress, queue
from app.jobs.kinds import Bite
from app.jobs.tables import job
from app.ledger.tables import account
from app.mediation import numbers, payer_rules, replay_job, source_rules, sources
from app.mediation.call import Trouble
from app.mediation.tables import number_rule, own_number, payer_rule, source, suspense
from app.opensips.simulator import history
from app.opensips.simulator.cast import cast
from app.opensips.simulator.seed import seed
from app.provisioning.tables import change_set
from app.rounds import Runner
from app.webhooks import endpoints
from tests.cdr import calls
from tests.identity.people import PASSWORD, make, token_of
from tests.provisioning.scene import changing, put, submit, with_nodes
from tests.services import schemas

LOGIN = "ann"
ZONE = "Europe/Berlin"
CALLS = 450
ENV = {
    "PANEL_SECRET_KEY": "only-for-tests-0123456789abcdef0123456789",
    "PANEL_INSECURE_COOKIES": "1",
    "PANEL_DEMO": "1",
    "PANEL_COUNTRY": "49",
    "PANEL_TRUNK_PREFIX": "0",
    "PANEL_SOURCE_ZONE": ZONE,
    "PANEL_SMTP_HOST": "mail.example.net",
    "PANEL_SMTP_FROM": "panel@example.net",
}


@dataclass(frozen=True, slots=True)
class Seeded:
    """The application, its databases, and the settings that another process needs for them."""

    app: Flask
    dbs: Databases
    env: dict[str, str]

    def close(self) -> None:
        """Lets the databases go."""
        self.dbs.panel.dispose()
        self.dbs.switch.dispose()


def build(folder: Path) -> Seeded:
    """Makes the databases and fills them; a few seconds."""
    url = f"sqlite:///{folder / 'panel.db'}"
    env = ENV | {"PANEL_DATA_DIR": str(folder), "PANEL_DATABASE_URL": url}
    app = create_app(load(env))
    dbs: Databases = app.extensions["databases"]
    schemas.make_both(dbs.panel)
    operator_id = make(app, LOGIN)
    with writing(dbs.panel) as connection:
        operators.set_zone(connection, operator_id, ZONE)
    with app.app_context():
        _calls(app, dbs)
        _rules(app, dbs)
        _jobs(dbs)
        _people(dbs)
        _webhooks(dbs, app.extensions["settings"])
        _payers(dbs)
        _unpaid(dbs)
        _sources(dbs)
    return Seeded(app, dbs, env)


def _calls(app: Flask, dbs: Databases) -> None:
    now = clock.now_ms()
    found = sorted(history.calls(cast(), ZONE, now, days=2), key=lambda call: call.end_ms)[-CALLS:]
    with writing(dbs.panel) as connection:
        demo_masterdata.create(connection, cast(), found, now)
    seed(dbs.switch, cast(), found, ZONE, now)
    runner = Runner(dbs, app.extensions["settings"])
    runner.to_the_end(lambda rows: None)


def _rules(app: Flask, dbs: Databases) -> None:
    settings = with_nodes(app.extensions["settings"], edge="http://127.0.0.1:1/mi")
    app.extensions["settings"] = settings
    kept = put(dbs, dpid=9, match_exp="^0800", repl_exp="", attrs="free", subst_exp="")
    submit(dbs, settings, changing(kept, pr=7, attrs="freephone"))


def _people(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        north = tenants.create(
            connection, name="Nordlicht Resale", parent_id=1, domains=["nordlicht.example"]
        )
        tenants.create(connection, name="Fischmarkt 7", parent_id=north)
        for login, role, tenant_id in (("nora", "noc", 1), ("rita", "reseller", north)):
            operators.create(
                connection, login=login, password=PASSWORD, role=role, tenant_id=tenant_id
            )
        audit.record(
            connection,
            action="operator.change",
            object="operator:2",
            actor=LOGIN,
            before={"login": "nora", "role": "support", "active": True},
            after={"login": "nora", "role": "noc", "active": True},
        )


def _webhooks(dbs: Databases, settings: Settings) -> None:
    with writing(dbs.panel) as connection:
        newest = (
            connection.execute(select(answered).order_by(answered.c.id.desc()).limit(6))
            .mappings()
            .all()
        )
        for url, tenant_id in (
            ("https://shop.nordlicht.example/hooks/calls", 2),
            ("https://erp.example.net/panel/events?site=hamburg", 1),
        ):
            number, _secret = endpoints.create(
                connection,
                settings,
                tenant_id=tenant_id,
                url=url,
                events=endpoints.events_for(tenant_id),
                sees=None,
            )
        events.ended(connection, newest)
        table = outbox.delivery
        ids = connection.scalars(select(table.c.id).where(table.c.endpoint_id == number)).all()
        for key in ids[:4]:
            done = {"state": "sent", "tries": 1, "last_status": 204, "sent_at": clock.now_ms()}
            connection.execute(update(table).where(table.c.id == key).values(done))
        dead = {"state": "dead", "tries": 10, "last_status": 502}
        dead |= {"last_problem": "It answered 502."}
        connection.execute(update(table).where(table.c.id == ids[4]).values(dead))


def _payers(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        query = select(account.c.code).where(account.c.mode != "system").order_by(account.c.id)
        code = str(connection.scalar(query.limit(1)))
        payer_rules.add(connection, way="address", pattern="192.0.2.0/24", code=code)
        numbers.add(connection, [numbers.NewNumber("4930123456", code, rental="1.50")])


def _unpaid(dbs: Databases) -> None:
    """A call of a customer's trunk that no rule knows yet, over its second gateway."""
    at = clock.now_ms() - 3 * clock.HOUR
    first = {"caller": "4940333444", "callee": "33612345678", "account": "", "gateway": "gw-16-1"}
    first |= {"src_ip": "198.51.100.7", "domain": "198.51.100.7", "unpriced_reason": "no_account"}
    first |= {"attempts": 2, "pdd_ms": 2_260, "first_ms": 1_480, "final_ms": 4_210}
    (number,) = calls.put(dbs, calls.call(setup_at=at, call_id="trunk@lab", acc_ids="", **first))
    tried = {"cdr_id": number, "setup_at": at, "n": 1, "at": at + 780, "sip_code": 503}
    tried |= {"gateway": "gw-39-3", "carrier": "carrier-39", "sip_reason": "Service Unavailable"}
    with writing(dbs.panel) as connection:
        connection.execute(attempt.insert(), tried | {"final_ms": 780, "cause": 34})


def _sources(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        first = sources.named(connection, "opensips")
        for domain, prefix, plus in (("", "9", ""), ("wien.example", "0", "+43"), ("", "77", "+")):
            rule = {"side": "callee", "domain": domain, "prefix": prefix, "add": plus}
            source_rules.add(connection, first, rule)


def _jobs(dbs: Databases) -> None:
    with writing(dbs.panel) as connection:
        heartbeat.beat(connection, "worker")
        ended = progress.start(connection, "backlog", "Reading the calls of before", total=4_000)
        progress.advance(connection, ended, 4_000)
        progress.finish(connection, ended)
        away = {"message": "The switch's table is away.", "remedy": "See the switch's database."}
        replay_job.start(connection, ids=range(1, 31))
        broken = queue.take(connection)
        assert broken is not None
        queue.end(connection, broken, "failed", {"problem": away})
        replay_job.start(connection, reason=Trouble.IN_FUTURE)
        connection.execute(update(job).where(job.c.state == progress.WAITING).values(total=1_200))
        going = queue.take(connection)
        assert going is not None
        queue.move(connection, going, Bite(480, {"after": 480}, {"used": 471, "still": 9}))


def first_ids(seeded: Seeded) -> dict[str, int]:
    """Keys for the addresses of deep pages, by the name of what they show."""
    from app.cdr.tables import answered, failed
    from app.core.outbox import delivery, endpoint
    from app.identity.tables import audit as log
    from app.identity.tables import operator, tenant
    from app.ledger.tables import entry
    from app.opensips.tables import reflect
    from app.rating.tables import tariff_version

    with reading(seeded.dbs.panel) as connection:
        found = {
            "call": connection.scalar(
                select(func.max(answered.c.id)).where(answered.c.sell_amount > 0)
            ),
            "unpaid": connection.scalar(
                select(answered.c.id).where(answered.c.call_id == "trunk@lab")
            ),
            "failed": connection.scalar(select(func.max(failed.c.id))),
            "suspense": connection.scalar(select(func.min(suspense.c.id))),
            "account": connection.scalar(select(func.min(entry.c.account_id))),
            "job": connection.scalar(select(func.max(job.c.id))),
            "change": connection.scalar(select(func.max(change_set.c.id))),
            "operator": connection.scalar(select(func.min(operator.c.id))),
            "tenant": connection.scalar(select(func.max(tenant.c.id))),
            "webhook": connection.scalar(select(func.max(endpoint.c.id))),
            "delivery": connection.scalar(
                select(func.max(delivery.c.id)).where(delivery.c.state == "dead")
            ),
            "tariff": connection.scalar(select(func.min(tariff_version.c.tariff_id))),
            "version": connection.scalar(select(func.min(tariff_version.c.id))),
            "audit": connection.scalar(select(func.max(log.c.id))),
            "payer_rule": connection.scalar(select(func.min(payer_rule.c.id))),
            "source": connection.scalar(select(func.min(source.c.id))),
            "number_rule": connection.scalar(select(func.min(number_rule.c.id))),
            "own_number": connection.scalar(select(func.min(own_number.c.id))),
            # the made-up row of the page of pieces
            "one": 1,
        }
    with reading(seeded.dbs.switch) as connection:
        for name, table in (
            ("rule", "dialplan"),
            ("subscriber", "subscriber"),
            ("gateway", "dr_gateways"),
        ):
            found[name] = connection.scalar(select(func.max(reflect(connection, table).c.id)))
    missing = [name for name, key in found.items() if key is None]
    assert not missing, missing
    return {name: int(key) for name, key in found.items()}


def sign_in(page: Page) -> None:
    """Through the real page, whatever is shown now."""
    page.goto("/login")
    page.get_by_label("Login").fill(LOGIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def enter(app: Flask, address: str) -> list[dict[str, str]]:
    """Signs in without a browser; the cookies to give one."""
    client = app.test_client()
    values = {"csrf_token": token_of(client), "login": LOGIN, "password": PASSWORD}
    answer = client.post("/login", data=values)
    assert answer.status_code == 303, answer.text
    return [
        {"name": name, "value": cookie.value, "url": address}
        for name, cookie in ((key[2], cookie) for key, cookie in client._cookies.items())
    ]


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a port of this machine, until the block ends."""

    def whole(environ: Any, start_response: Any) -> list[bytes]:
        # A browser that leaves in the middle of a file must not leave the file open here.
        answer = app(environ, start_response)
        try:
            return list(answer)
        finally:
            getattr(answer, "close", bool)()

    server = make_server("127.0.0.1", 0, whole, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
