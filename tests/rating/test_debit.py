"""What balances pay, in which order, and how long they last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rating import reference, steps
from app.rating.arithmetic import Exact
from app.rating.balance import MONEY, Account, Balance
from app.rating.settle import longest, settle, settle_longest
from app.rating.tariff import Price, Slot
from app.rating.usage import Refused, Usage
from app.rating.walk import Span, walk

SECOND = 1_000


@dataclass(frozen=True)
class OnePrice:
    """Every subject pays the same; the number belongs to DE and, more exactly, to MOBILE."""

    price: Price

    def spans(self, subject: str, start: int, end: int) -> list[Span]:
        return [Span(0, self.price)]

    def known(self) -> Sequence[tuple[int, Sequence[str]]]:
        return [(4, ("MOBILE",)), (2, ("DE",))]


def rates(price: str = "0.01", fee: str = "0", cap: str | None = None) -> OnePrice:
    slot = Slot(0, SECOND, SECOND, Fraction(price))
    return OnePrice(Price((slot,), Fraction(fee), maximum=None if cap is None else Fraction(cap)))


def money(value: str, name: str = "money", **more: object) -> Balance:
    return replace(Balance(name, MONEY, Fraction(value)), **more)  # type: ignore[arg-type]


def seconds(value: int, name: str = "bundle", **more: object) -> Balance:
    return replace(Balance(name, "time", Fraction(value * SECOND)), **more)  # type: ignore[arg-type]


def call(length_s: int, at_s: int = 0) -> Usage:
    return Usage("time", at_s * SECOND, length_s * SECOND)


def left(account: Account, usage: Usage, what: OnePrice | None = None) -> dict[str, str]:
    settled = settle(Exact(), what or rates(), account, usage)
    return {key: steps.exact_text(value) for key, value in settled.values.items()}


def test_the_bundle_pays_first_and_money_the_rest() -> None:
    account = Account("a", (money("1"), seconds(40)))
    assert left(account, call(60)) == {"money": "0.8", "bundle": "0"}
    assert longest(Exact(), rates(), account, call(600)) == 140 * SECOND


def test_the_most_exact_destination_then_the_weight_decides() -> None:
    account = Account(
        "a",
        (
            seconds(60, "any", weight=Fraction(99)),
            seconds(60, "light", destinations={"MOBILE": True}),
            seconds(60, "heavy", destinations={"MOBILE": True}, weight=Fraction(5)),
            seconds(60, "other", destinations={"FR": True}),
        ),
    )
    assert left(account, call(90)) == {
        "any": "60000", "light": "30000", "heavy": "0", "other": "60000"
    }  # fmt: skip


@pytest.mark.parametrize(
    "unfit",
    [
        seconds(60, expires_at=5 * SECOND),
        seconds(60, disabled=True),
        seconds(60, categories=frozenset(["data"])),
        seconds(60, destinations={"MOBILE": False}),
    ],
)
def test_what_is_not_for_this_call_is_left_alone(unfit: Balance) -> None:
    assert left(Account("a", (unfit, money("1"))), call(10, at_s=10))["bundle"] == "60000"


def test_free_units_go_in_steps() -> None:
    account = Account("a", (seconds(70, step=60 * SECOND), money("1")))
    assert left(account, call(10)) == {"bundle": "10000", "money": "1"}
    assert left(account, call(70)) == {"bundle": "10000", "money": "0.9"}


def test_a_finished_call_is_charged_even_below_zero_but_not_past_a_blocker() -> None:
    assert left(Account("a", (money("0.05"),)), call(10)) == {"money": "0", "*default": "-0.05"}
    blocked = Account("a", (money("0.05", blocker=True, weight=Fraction(9)), money("9", "more")))
    assert longest(Exact(), rates(), blocked, call(60)) == 5 * SECOND
    with pytest.raises(Refused) as refused:
        left(blocked, call(60))
    assert refused.value.code == "INSUFFICIENT_CREDIT_BALANCE_BLOCKER"


def test_a_shared_group_lets_others_pay() -> None:
    account = Account(
        "a",
        (
            money("0", "mine", shared_group="G"),
            money("1", "theirs", shared_group="G", owner="b"),
            money("9", "private", owner="b"),
        ),
    )
    assert left(account, call(30)) == {"mine": "0", "theirs": "0.7", "private": "9"}


def test_a_maximum_makes_the_rest_free_to_the_last_digit() -> None:
    account = Account("a", (money("1"),))
    assert left(account, call(600), rates("0.03", cap="0.1")) == {"money": "0.9"}


def test_only_what_can_be_paid_is_debited() -> None:
    settled = settle_longest(Exact(), rates(fee="0.5"), Account("a", (money("1"),)), call(600))
    assert (settled.length, settled.values["money"]) == (50 * SECOND, 0)
    with pytest.raises(Refused):
        settle_longest(Exact(), rates(), Account("a", (money("1"),)), call(600), forced=True)


def test_without_money_for_the_fee_there_is_no_call() -> None:
    assert longest(Exact(), rates("0", fee="0.5"), Account("a", (money("0.4"),)), call(9)) == 0


amounts = st.integers(0, 400).map(lambda cents: Fraction(cents, 100))
balances = st.lists(
    st.one_of(
        st.builds(lambda value: Balance("", MONEY, value), amounts),
        st.builds(
            lambda value, step: Balance("", "time", Fraction(value), step=step),
            st.integers(0, 200_000),
            st.sampled_from([None, 1, 60_000]),
        ),
    ),
    max_size=5,
).map(lambda found: tuple(replace(b, id=f"b{place}") for place, b in enumerate(found)))
prices = st.builds(
    lambda fee, price, increment, cap: Price(
        (Slot(0, increment, 60_000, price),), fee, maximum=cap
    ),
    amounts,
    amounts,
    st.sampled_from([1_000, 6_000, 60_000]),
    st.none() | amounts.filter(bool),
)


@given(balances, prices, st.integers(1, 3_600_000))
def test_what_is_granted_is_paid_without_debt(
    found: tuple[Balance, ...], price: Price, length: int
) -> None:
    account, usage = Account("a", found), Usage("time", 0, length)
    granted = longest(Exact(), OnePrice(price), account, usage)
    assert granted is not None
    assert 0 <= granted <= length
    settled = settle_longest(Exact(), OnePrice(price), account, usage)
    assert all(value >= 0 for value in settled.values.values())


@given(prices, st.integers(1, 3_600_000))
def test_money_alone_pays_exactly_the_price(price: Price, length: int) -> None:
    account = Account("a", (money("100000"),))
    settled = settle(Exact(), OnePrice(price), account, Usage("time", 0, length))
    pieces = list(walk([Span(0, price)], 0, length))
    expected = reference.total_of(pieces, price, length).amount
    assert settled.cost == Fraction(100_000) - settled.values["money"] == expected
