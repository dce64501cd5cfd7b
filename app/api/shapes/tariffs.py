"""Tariffs as they travel."""

from __future__ import annotations

from app.api.schema import Schema, Shape, choice, maybe, moment, several, text, whole
from app.billing import tariffs
from app.core.database import LARGEST_ID

_DECIMAL: Schema = {"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,20})?$", "maxLength": 40}
TARIFF = Shape(
    "Tariff",
    {
        "id": whole(1, LARGEST_ID),
        "tenant_id": whole(1),
        "name": text(80),
        "currency": text(3),
        "places": whole(0, 9),
        "rounding": choice(*tariffs.ROUNDINGS),
        "versions": whole(),
        "accounts": whole(),
        "created_at": moment(),
    },
    {
        "id": 3,
        "tenant_id": 1,
        "name": "Retail",
        "currency": "EUR",
        "places": 4,
        "rounding": "half",
        "versions": 2,
        "accounts": 120,
        "created_at": "2026-01-01T00:00:00Z",
    },
)
NEW = Shape(
    "NewTariff",
    {
        "name": text(80, 1),
        "currency": text(3, 3, pattern="^[A-Z]{3}$"),
        "places": whole(0, 9),
        "rounding": choice(*tariffs.ROUNDINGS),
        "tenant_id": whole(1, LARGEST_ID),
    },
    {"name": "Wholesale", "currency": "EUR", "places": 4},
    frozenset({"places", "rounding", "tenant_id"}),
    inbound=True,
)
VERSION = Shape(
    "TariffVersion",
    {"id": whole(1, LARGEST_ID), "valid_from": moment(), "rates": whole(), "created_at": moment()},
    {
        "id": 8,
        "valid_from": "2026-12-01T00:00:00Z",
        "rates": 2,
        "created_at": "2026-11-23T12:00:00Z",
    },
)
_SECONDS: Schema = whole(1, 86_400_000)
_RATE: dict[str, Schema] = {
    "prefix": text(17, 1, pattern="^[0-9]+$"),
    "destination": text(80),
    "price": _DECIMAL,
    "connect_fee": _DECIMAL,
    "initial_ms": _SECONDS,
    "increment_ms": _SECONDS,
}
RATE = Shape(
    "Rate",
    {**_RATE, "unit_ms": _SECONDS},
    {
        "prefix": "4915",
        "destination": "Germany mobile",
        "price": "0.089",
        "connect_fee": "0",
        "initial_ms": 60_000,
        "increment_ms": 1_000,
        "unit_ms": 60_000,
    },
)
NEW_VERSION = Shape(
    "NewTariffVersion",
    {
        "valid_from": moment(),
        "rates": several(
            {
                "type": "object",
                "properties": _RATE,
                "required": ["prefix", "destination", "price"],
                "additionalProperties": False,
            },
            tariffs.MOST_RATES,
            1,
        ),
    },
    {
        "valid_from": "2026-12-01T00:00:00Z",
        "rates": [{"prefix": "49", "destination": "Germany", "price": "0.012"}],
    },
    inbound=True,
)
GIVEN = Shape(
    "AccountTariff",
    {"tariff_id": maybe(whole(1)), "name": maybe(text(80)), "valid_from": maybe(moment())},
    {"tariff_id": 3, "name": "Retail", "valid_from": None},
)
GIVE = Shape(
    "GiveTariff",
    {"tariff_id": whole(1, LARGEST_ID), "valid_from": moment()},
    {"tariff_id": 1, "valid_from": "2026-12-01T00:00:00Z"},
    frozenset({"valid_from"}),
    inbound=True,
)
