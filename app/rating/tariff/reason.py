"""Why a call has no price."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a call has no price (yet)."""

    NO_ACCOUNT = "no_account"
    NO_TARIFF = "no_tariff"
    NO_RATE = "no_rate"
    NOT_A_NUMBER = "not_a_number"
    CURRENCY = "currency"
    WAITING = "waiting"
    ENGINE_DOWN = "engine_down"
    ENGINE_REFUSED = "engine_refused"
