"""The demo carrier's master data on our side: accounts, tariffs, who has which, top-ups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random

from sqlalchemy import Connection, select

from app.core import clock, money
from app.core.numbering import NumberPlan, to_e164
from app.identity.tables import tenant_domain
from app.ledger import account, posting
from app.opensips.simulator.call import Call
from app.opensips.simulator.cast import ALL_DOMAINS, SEED, Cast
from app.opensips.simulator.destinations import (
    BELOW_COST,
    DESTINATIONS,
    OWN_BLOCK,
    UNPRICED,
    Destination,
)
from app.rating import reference, store
from app.rating.store import NewRate
from app.rating.tariff import Match

TENANT = 1
# How the demo's subscribers dial; make run gives the source the same plan.
PLAN = NumberPlan(country="49", trunk="0")
_EUR = money.scale("EUR")
_DOLLARS = Decimal("1.09")
_CENT = Decimal("0.0001")
# Free of charge, and on no list of markets.
_FREE = (("110", "Emergency"), ("112", "Emergency"), (OWN_BLOCK, "Own network"))


def create(connection: Connection, cast: Cast, calls: Sequence[Call], now_ms: int) -> bool:
    """Makes it all, once, in the caller's transaction; False when it is there already."""
    if account.find(connection, TENANT, cast.subscribers[0].account):
        return False
    _domains(connection)
    retail = _tariff(connection, "Retail EUR", "EUR", now_ms, _retail_rates)
    wholesale = _tariff(connection, "Wholesale EUR", "EUR", now_ms, _wholesale_rates)
    dollars = _tariff(connection, "Wholesale USD", "USD", now_ms, _dollar_rates)
    prepaid: dict[str, int] = {}
    for who in cast.subscribers:
        account_id = account.create(
            connection,
            tenant_id=TENANT,
            code=who.account,
            name=f"{who.username} ({who.number})",
            mode="prepaid" if who.prepaid else "postpaid",
            currency="EUR",
            credit_limit=0 if who.prepaid else 500 * _EUR,
        )
        store.assign(connection, account_id, retail)
        if who.prepaid:
            prepaid[who.account] = account_id
    for trunk in cast.trunks:
        currency = "USD" if trunk.dollars else "EUR"
        account_id = account.create(
            connection,
            tenant_id=TENANT,
            code=trunk.name,
            name=f"Trunk {trunk.address}",
            mode="postpaid",
            currency=currency,
            credit_limit=25_000 * money.scale(currency),
        )
        store.assign(connection, account_id, dollars if trunk.dollars else wholesale)
    _top_ups(connection, cast, prepaid, _spent(connection, cast, calls, prepaid), now_ms)
    return True


def _domains(connection: Connection) -> None:
    known = set(connection.scalars(select(tenant_domain.c.domain)))
    rows = [
        {"domain": domain, "tenant_id": TENANT} for domain in ALL_DOMAINS if domain not in known
    ]
    if rows:
        connection.execute(tenant_domain.insert(), rows)


def _tariff(connection: Connection, name: str, currency: str, now_ms: int, rates: _Rates) -> int:
    """A tariff with two price lists: an old one, and the one of sixty days ago."""
    tariff_id = store.create_tariff(connection, tenant_id=TENANT, name=name, currency=currency)
    today = clock.day_start(now_ms)
    for days, is_new in ((400, False), (60, True)):
        store.add_version(connection, tariff_id, today - days * clock.DAY, rates(is_new))
    return tariff_id


class _Rates:
    """How a tariff makes its price list of the market's; a new list differs from the old one."""

    def __init__(self, factor: str, margin: str, *, per_second: bool, dollars: bool) -> None:
        self.factor, self.margin = Decimal(factor), Decimal(margin)
        self.per_second, self.dollars = per_second, dollars

    def __call__(self, is_new: bool) -> Iterator[NewRate]:
        for prefix, name in _FREE:
            yield NewRate(prefix, name, "0")
        for destination in DESTINATIONS:
            if destination.prefix != UNPRICED:
                yield self._rate(destination, is_new)

    def _rate(self, where: Destination, is_new: bool) -> NewRate:
        price = where.market * _CENT * self.factor + (self.margin if where.market else 0)
        if is_new:
            # Some dearer, some cheaper, most as before: by the prefix, so that it stays put.
            price *= Decimal((100, 100, 104, 93, 100, 110, 97)[int(where.prefix) % 7]) / 100
        if is_new and self.per_second and where.prefix == BELOW_COST:
            price /= 20  # somebody slipped by a digit
        if self.dollars:
            price *= _DOLLARS
        fee = "0.05" if not self.per_second and where.market >= 900 else "0"
        return NewRate(
            where.prefix,
            where.name,
            str(price.quantize(_CENT)),
            connect_fee=fee,
            initial_ms=1_000 if self.per_second else 60_000,
            increment_ms=1_000,
        )


_retail_rates = _Rates("1.9", "0.0110", per_second=False, dollars=False)
_wholesale_rates = _Rates("1.14", "0.0006", per_second=True, dollars=False)
_dollar_rates = _Rates("1.12", "0.0005", per_second=True, dollars=True)


def _spent(
    connection: Connection, cast: Cast, calls: Sequence[Call], accounts: dict[str, int]
) -> dict[str, int]:
    """What the prepaid customers' calls will cost, in ledger units: to the last one for those
    with little money, for the others rather too much, since a price in steps takes its time."""
    poor = {who.account for who in cast.subscribers if who.poor}
    book = store.load_book(connection)
    spent: dict[str, int] = defaultdict(int)
    bounds: dict[tuple[int, str], tuple[int, int]] = {}
    for call in calls:
        account_id = accounts.get(call.account)
        number = to_e164(call.callee, PLAN) if account_id and call.answered else None
        if account_id is None or number is None:
            continue
        match = book.match(account_id, number, call.final_ms)
        if match is None:
            continue
        if call.account in poor:
            spent[call.account] += reference.price(match, call.talk_ms).units
            continue
        key = (match.version_id, match.prefix)
        if key not in bounds:
            bounds[key] = _bound(match)
        fee, a_second = bounds[key]
        spent[call.account] += fee + a_second * (call.talk_ms // 1000 + 1)
    return spent


def _bound(match: Match) -> tuple[int, int]:
    """No call of this rate costs more than the first of them and the second for each second."""
    first = reference.price(match, match.rate.initial_ms).units
    return first, reference.price(match, match.rate.unit_ms).units // 60 + 1000


def _top_ups(
    connection: Connection,
    cast: Cast,
    accounts: dict[str, int],
    spent: dict[str, int],
    now_ms: int,
) -> None:
    """Enough money that nobody was ever below nothing; for a few, hardly more than that."""
    rng = Random(SEED)
    cash = account.system_account(connection, TENANT, "cash", "EUR")
    for who in cast.subscribers:
        if not who.prepaid:
            continue
        needed = spent.get(who.account, 0)
        if who.poor:
            amount = needed + rng.randrange(5, 90) * _EUR // 100
        else:
            # Whole tens, and some for the weeks to come.
            amount = (needed * 3 // 2 // (10 * _EUR) + rng.randrange(5, 15)) * 10 * _EUR
        posting.post(
            connection,
            tenant_id=TENANT,
            kind="topup",
            reference=f"demo-topup-{who.account}",
            lines=[
                posting.Line(accounts[who.account], amount, "EUR"),
                posting.Line(cash, -amount, "EUR"),
            ],
            memo="Bank transfer",
            at=now_ms - 91 * clock.DAY,
        )
