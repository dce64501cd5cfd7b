"""A panel with a little of everything that the API can be asked for, for two tenants."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from app.core import clock
from app.core.database import Databases, reading, writing
from app.core.outbox import delivery
from app.identity.tables import audit, operator
from app.jobs import progress
from app.mediation import numbers, payer_rules, replay_job, source_rules, sources
from app.mediation.call import Trouble
from app.mediation.tables import open_call, source, suspense
from app.opensips.tables import create_opensips_tables, reflect
from tests.api.conftest import Program, program
from tests.architecture.test_matrix import populate
from tests.identity.people import make
from tests.provisioning.scene import changing, put, submit, with_nodes

NOW = clock.now_ms()


@dataclass(frozen=True, slots=True)
class World:
    """``ids`` are the house's, by the names in the paths; ``mine`` and ``theirs`` two tenants'."""

    app: Flask
    dbs: Databases
    admin: Program
    reseller: Program
    ids: dict[str, Any]
    mine: dict[str, Any]
    theirs: dict[str, Any]


def build(app: Flask, dbs: Databases) -> World:
    """Seeds everything; needs the fixtures ``app`` and ``both_dbs``."""
    create_opensips_tables(dbs.switch)
    mine, theirs = populate(dbs, 2), populate(dbs, 3)
    if dbs.panel.dialect.name == "postgresql":
        # Their numbers were given, not taken: the next one is 4.
        with writing(dbs.panel) as connection:
            connection.execute(text("SELECT setval(pg_get_serial_sequence('tenant', 'id'), 3)"))
    admin = program(app, "admin", "boss")
    reseller = program(app, "reseller", "seller", 2)
    for login, tenant_id in (("mine-noc", 2), ("mark003x-noc", 3), ("house-noc", 1)):
        make(app, login, "noc", tenant_id)
    ids = {
        "cdr_id": mine["cdr_id"],
        "account_id": mine["account_id"],
        "subscriber_id": mine["subscriber_id"],
        "tenant_id": 2,
        "mark": "0123456789abcdef",
        **_switch(app, dbs),
        **_waiting(dbs),
    }
    with reading(dbs.panel) as connection:
        names = {row.login: row.id for row in connection.execute(select(operator))}
    ids["operator_id"] = names["house-noc"]
    made = admin.ask("POST", "/tariffs", {"name": "Retail", "currency": "EUR"}).json
    ids["tariff_id"] = made["id"]
    rates = [{"prefix": "49", "destination": "Germany", "price": "0.012"}]
    version = {"valid_from": "2026-01-01T00:00:00Z", "rates": rates}
    path = f"/tariffs/{made['id']}/versions"
    ids["version_id"] = admin.ask("POST", path, version).json["id"]
    with writing(dbs.panel) as connection:
        code = "u@mark002x.example"
        ids["payer_id"] = payer_rules.add(connection, way="address", pattern="192.0.2.7", code=code)
        numbers.add(connection, [numbers.NewNumber("4930555", code)])
        seen = {"name": "opensips", "zone": "UTC", "created_at": NOW, "looked_at": NOW}
        connection.execute(source.insert().values(**seen, versions="acc:7", waiting=3))
        first = sources.named(connection, "opensips")
        ids["source_id"] = first["id"]
        rule = {"side": "callee", "prefix": "9"}
        ids["number_rule_id"] = source_rules.add(connection, first, rule)
    ids["number_id"] = 1
    hook = {"url": "https://crm.example.net/hook", "events": ["call.ended"]}
    ids["webhook_id"] = admin.ask("POST", "/webhooks", hook).json["webhook_id"]
    admin.ask("POST", f"/webhooks/{ids['webhook_id']}/test")
    with reading(dbs.panel) as connection:
        ids["delivery_id"] = connection.scalar(select(delivery.c.id))
    extra = admin.ask(
        "POST", "/me/tokens", {"name": "spare", "scopes": ["home.read"], "days": 1}
    ).json
    ids["token_id"] = extra["id"]
    ids["entry_id"] = ids["suspense_id"]
    with reading(dbs.panel) as connection:
        ids["audit_id"] = connection.scalar(select(audit.c.id).order_by(audit.c.id).limit(1))
    mine |= {"operator_id": names["mine-noc"], "tenant_id": 2}
    theirs |= {"operator_id": names["mark003x-noc"], "tenant_id": 3}
    return World(app, dbs, admin, reseller, ids, mine, theirs)


def _switch(app: Flask, dbs: Databases) -> dict[str, Any]:
    settings = with_nodes(app.extensions["settings"], edge="http://127.0.0.1:1/mi")
    app.extensions["settings"] = settings
    kept = put(dbs, dpid=9, match_exp="^0800", repl_exp="", attrs="free", subst_exp="")
    submit(dbs, settings, changing(kept, pr=7, attrs="freephone"))
    with writing(dbs.switch) as connection:
        gateways = reflect(connection, "dr_gateways")
        connection.execute(
            gateways.insert().values(
                gwid="gw1", type=1, address="192.0.2.20", strip=0, state=0, description="blue"
            )
        )
    with reading(dbs.switch) as connection:
        gateway_id = connection.scalar(select(gateways.c.id))
    return {"rule_id": kept["id"], "set_id": 1, "gateway_id": gateway_id}


def _waiting(dbs: Databases) -> dict[str, Any]:
    row = {"source_id": 1, "epoch": 1, "table_name": "acc", "call_id": "w@host", "at": NOW}
    row |= {"seen_at": NOW}
    with writing(dbs.panel) as connection:
        for number in range(1, 4):
            reason = {"reason": str(Trouble.NO_BYE), "detail": "", "row": _acc(number)}
            connection.execute(suspense.insert().values(**row, **reason, acc_id=number))
        connection.execute(open_call.insert().values(**row, row=_acc(9), acc_id=9))
        job_id = replay_job.start(connection, reason=str(Trouble.NO_BYE), ids=(), operator_id=1)
        progress.start(connection, "import", "Rates", 10)
    with reading(dbs.panel) as connection:
        entry = connection.scalar(select(suspense.c.id).order_by(suspense.c.id).limit(1))
    return {"suspense_id": entry, "job_id": job_id}


def _acc(number: int) -> str:
    """A row of ``acc`` as it is kept: an answered INVITE."""
    values = {"id": number, "method": "INVITE", "callid": f"w{number}@host", "from_tag": "a"}
    values |= {"to_tag": "b", "sip_code": "200", "sip_reason": "OK", "duration": 0, "setuptime": 0}
    return json.dumps(values | {"time": "2026-01-01 10:00:00", "created": None})
