"""What an account pays for a call, and how long a call it can pay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from app.rating.arithmetic import Arithmetic, N
from app.rating.balance import DEFAULT, Account
from app.rating.debit import Debit
from app.rating.tariff.terms import ZERO, Rounding
from app.rating.usage import Draw, Part, Rates, Refused, Usage


@dataclass(frozen=True, slots=True)
class Settled:
    """What a debit came to: the exact cost, the ticks that it covers (whole increments), and
    every balance after it, ``*default`` too where it went below zero."""

    cost: Fraction
    length: int
    values: Mapping[str, Fraction]


def settle(
    arithmetic: Arithmetic[N],
    rates: Rates,
    account: Account,
    usage: Usage,
    *,
    may_go_below: bool = True,
    rounding: bool = False,
    slots_at_zero: bool = False,
) -> Settled:
    """Debits a finished usage; with ``rounding`` the price gets the tariff's last digit. Raises
    Refused (a disabled account, a blocker, no rates)."""
    _enabled(account)
    debit = Debit(
        arithmetic,
        rates,
        account,
        usage,
        may_go_below=may_go_below,
        slots_at_zero=slots_at_zero,
    )
    debit.run()
    cost = arithmetic.charge([_costs(part) for part in debit.parts])
    if rounding:
        cost = _round(debit, cost)
    exact = arithmetic.exact
    return Settled(
        exact(cost), debit.position, {key: exact(value) for key, value in debit.values.items()}
    )


def settle_longest(
    arithmetic: Arithmetic[N],
    rates: Rates,
    account: Account,
    usage: Usage,
    *,
    rounding: bool = False,
    forced: bool = False,
) -> Settled:
    """Debits as much of the usage as the account can pay; ``forced`` refuses a part of it."""
    if usage.length <= 0:
        rates.spans("", 0, 1)  # nothing is paid, but there must be a price
    granted = longest(arithmetic, rates, account, usage)
    if granted is not None:
        if forced and granted < usage.length:
            raise Refused("INSUFFICIENT_CREDIT")
        usage = replace(usage, length=granted)
    return settle(arithmetic, rates, account, usage, rounding=rounding, slots_at_zero=True)


def longest(arithmetic: Arithmetic[N], rates: Rates, account: Account, usage: Usage) -> int | None:
    """How many ticks of the usage the account can pay, at most all of it; None: without limit
    (it may go below zero). Raises Refused."""
    _enabled(account)
    if account.allow_negative:
        return None
    debit = Debit(arithmetic, rates, account, usage, dry_run=True)
    debit.run()
    if debit.fee_below_zero:
        return 0
    default = next((b.value for b in account.balances if b.id == DEFAULT), ZERO)
    owned, total = arithmetic.number(default), 0
    for part in debit.parts:
        if _too_dear(part, usage):
            break
        for draw in part.draws:
            paid = draw.count
            if draw.money == DEFAULT:
                paid, owned = arithmetic.draw(owned, draw.cost, draw.count)
            total += draw.length * paid
            if paid < draw.count:
                return min(total, usage.length)
    return min(total, usage.length)


def _enabled(account: Account) -> None:
    if account.disabled:
        raise Refused("ACCOUNT_DISABLED")


def _too_dear(part: Part[N], usage: Usage) -> bool:
    slots = [draw.piece.slot for draw in part.draws if draw.piece is not None]
    return usage.dearest is not None and any(
        slot.price / slot.unit > usage.dearest for slot in slots
    )


def _costs(part: Part[N]) -> list[tuple[N, int]]:
    return [(draw.cost, draw.count) for draw in part.draws]


def _round(debit: Debit[N], cost: N) -> N:
    """The rounded price; the difference goes to the money that paid first. CGRateS rounds every
    part that money paid for."""
    arithmetic = debit.arithmetic
    if not arithmetic.faithful:
        roundings = [part.rounding for part in debit.parts]
        best = max(roundings, key=lambda rounding: rounding.places or 0, default=Rounding())
        final = arithmetic.rounded(cost, best)
        payers = [draw.money for part in debit.parts for draw in part.draws if draw.money]
        if payers:
            value = arithmetic.less(debit.values[payers[0]], final)
            debit.values[payers[0]] = arithmetic.add(value, cost, 1)
        return final
    for part in debit.parts:
        first: Draw[N] = part.draws[0]
        if not first.money or not arithmetic.exact(first.cost):
            continue
        before = arithmetic.charge([_costs(part)])
        # 0 decimals leave a price alone, but not the parts of a debit.
        rounding = Rounding(part.rounding.way, part.rounding.places or 0)
        after = arithmetic.rounded(before, rounding)
        correction = arithmetic.number(arithmetic.exact(after) - arithmetic.exact(before))
        debit.values[first.money] = arithmetic.less(debit.values[first.money], correction)
        cost = arithmetic.add(cost, correction, 1)
    return cost
