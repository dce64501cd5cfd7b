"""Accounts of a conformance case, in CGRateS's words, as balances of this room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.rating.balance import GENERIC, MONEY, Account, Balance
from app.rating.cgrates.fields import instant, names, number, ticks
from app.rating.cgrates.plan import ANY, TariffPlan
from app.rating.tariff.timing import Timing

_FREE = "*zero"
_KINDS = {"*monetary": MONEY, "*voice": "time", "*generic": GENERIC}


def kind(name: str) -> str:
    """Our word for a type of balance or of request: money, time, generic, data, sms, mms."""
    return _KINDS.get(name, name.lstrip("*")) if name else "time"


def account(described: Mapping[str, Any], plan: TariffPlan) -> Account:
    """The account with its balances; values of units are nanoseconds or plain numbers."""
    strategies = dict(plan.groups)
    return Account(
        str(described.get("id", "")),
        tuple(_balance(item, plan) for item in described.get("balances") or ()),
        bool(described.get("allow_negative")),
        bool(described.get("disabled")),
        strategies,
    )


def _balance(item: Mapping[str, Any], plan: TariffPlan) -> Balance:
    what = kind(str(item.get("type", "*monetary")))
    subject = str(item.get("rating_subject") or "").strip()
    step = None  # then it goes by what is used: a second, or one unit
    if subject.startswith(_FREE):
        subject, step = "", ticks(subject[len(_FREE) :]) or None
    elif subject == ANY and what != MONEY:
        subject = ""
    value = item.get("value")
    expiries = ("expiry", "expiry_time", "expires_at", "expiration_date")
    expiry = next((item[name] for name in expiries if item.get(name)), "")
    groups = names(item.get("shared_group") or item.get("shared_groups"))
    return Balance(
        str(item.get("id") or item.get("uuid") or ""),
        what,
        number(value) if what == MONEY or _plain(value) else number(ticks(value)),
        number(item.get("weight")),
        {name.lstrip("!"): not name.startswith("!") for name in names(item.get("destination_ids"))},
        frozenset(names(item.get("categories"))),
        subject,
        step,
        instant(str(expiry)) or None,
        tuple(_times(item, plan)),
        groups[0] if groups else "",
        str(item.get("owner") or ""),
        bool(item.get("blocker")),
        bool(item.get("disabled")),
        {name: number(factor) for name, factor in (item.get("factors") or {}).items()},
    )


def _plain(value: object) -> bool:
    return not isinstance(value, str) or value.replace(".", "", 1).lstrip("-").isdigit()


def _times(item: Mapping[str, Any], plan: TariffPlan) -> list[Timing]:
    wanted = names(item.get("timing_ids") or item.get("timings"))
    return [plan.timings[name] for name in wanted if name in plan.timings]
