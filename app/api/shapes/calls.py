"""Calls as they travel."""

from __future__ import annotations

from app.api.operations import Param
from app.api.schema import Shape, choice, maybe, moment, money, several, text, whole

CALL = Shape(
    "Call",
    {
        "id": text(20),
        "call_id": text(),
        "caller": text(64),
        "callee": text(64),
        "dialled": text(128),
        "domain": text(128),
        "account": text(128),
        "gateway": text(64),
        "carrier": text(64),
        "routed": text(64, description="The number as it was sent to the gateway."),
        "asserted": text(64, description="Of P-Asserted-Identity."),
        "routing_number": text(32, description="Of a ported number."),
        "trunk": text(64, description="The customer's trunk."),
        "src_ip": text(45),
        "user_agent": text(),
        "setup_at": moment(),
        "answered_at": maybe(moment()),
        "ended_at": moment(),
        "duration_ms": whole(),
        "sip_code": whole(),
        "sip_reason": text(128),
        "pdd_ms": maybe(whole(0, description="Milliseconds from the INVITE to ringing.")),
        "hangup": choice("", "caller", "callee", "switch", "timeout"),
        "cause": maybe(whole(0, 127, description="Of Q.850.")),
        "attempts": whole(0, description="Gateways tried; 0 where nobody knows."),
        "status": choice("answered", "failed"),
        "destination": text(80),
        "price": maybe(money()),
        "cost": maybe(money()),
        "currency": maybe(text(3)),
        "unpriced_reason": maybe(text(32)),
        "source": whole(),
        "acc_ids": several(text(40)),
        "charge_id": maybe(text(64)),
        "flags": whole(),
    },
    {
        "id": "4711",
        "call_id": "a84b4c76e66710@192.0.2.1",
        "caller": "493012345",
        "callee": "442071234567",
        "dialled": "00442071234567",
        "domain": "voice.example.net",
        "account": "alice@voice.example.net",
        "gateway": "gw1",
        "carrier": "blue",
        "routed": "442071234567",
        "asserted": "493012345",
        "routing_number": "",
        "trunk": "",
        "src_ip": "192.0.2.10",
        "user_agent": "phone/1.0",
        "setup_at": "2026-11-23T12:00:00.000Z",
        "answered_at": "2026-11-23T12:00:04.120Z",
        "ended_at": "2026-11-23T12:01:09.620Z",
        "duration_ms": 65500,
        "sip_code": 200,
        "sip_reason": "OK",
        "pdd_ms": 840,
        "hangup": "caller",
        "cause": 16,
        "attempts": 1,
        "status": "answered",
        "destination": "United Kingdom",
        "price": "0.0262",
        "cost": None,
        "currency": "EUR",
        "unpriced_reason": None,
        "source": 1,
        "acc_ids": ["acc:12"],
        "charge_id": None,
        "flags": 0,
    },
)
STEP = {"type": "object", "properties": {"label": text(), "calculation": text(), "amount": text()}}
PRICE = Shape(
    "Price",
    {
        "destination": text(),
        "prefix": text(),
        "tariff": text(),
        "steps": several(STEP),
        "total": text(),
        "currency": text(3),
        "note": text(2000),
        "flags": several(text(500)),
    },
    {
        "destination": "United Kingdom",
        "prefix": "44",
        "tariff": "Retail",
        "steps": [{"label": "Duration", "calculation": "65.5 s → 66 s", "amount": ""}],
        "total": "0.0262",
        "currency": "EUR",
        "note": "",
        "flags": [],
    },
)
ROWS = Shape(
    "SwitchRows",
    {
        "rows": several(
            {
                "type": "object",
                "properties": {
                    "table": text(64),
                    "id": whole(),
                    "values": {"type": ["object", "null"]},
                },
            }
        )
    },
    {"rows": [{"table": "acc", "id": 12, "values": {"method": "INVITE"}}]},
)
_STEP = {
    "type": "object",
    "properties": {
        "n": whole(1),
        "gateway": text(64),
        "carrier": text(64),
        "at": moment(),
        "sip_code": whole(),
        "sip_reason": text(128),
        "first_ms": maybe(whole(0)),
        "final_ms": maybe(whole(0)),
        "cause": maybe(whole(0, 127)),
    },
}
ATTEMPTS = Shape(
    "Attempts",
    {"attempts": several(_STEP)},
    {
        "attempts": [
            {
                "n": 1,
                "gateway": "gw1",
                "carrier": "blue",
                "at": "2026-11-23T12:00:04.120Z",
                "sip_code": 200,
                "sip_reason": "OK",
                "first_ms": 840,
                "final_ms": None,
                "cause": 16,
            }
        ]
    },
)
_STAR = "A whole number, or its beginning with a star: 4930*."
FILTERS = (
    Param("since", moment(), "Set up at or after."),
    Param("until", moment(), "Set up before."),
    Param("caller", text(64, 1), _STAR),
    Param("callee", text(64, 1), _STAR),
    Param("call_id", text(255, 1), "The whole Call-ID."),
    Param("domain", text(128, 1), "The whole domain."),
    Param("account", text(128, 1), "The whole account code."),
    Param("status", choice("answered", "failed", "unpriced"), "Answered, failed or unpriced."),
    Param("sip_class", whole(1, 6), "The first digit of the SIP code."),
)
