"""Prices that a person worked out by hand, and what must hold for all others."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rating import reference, steps
from app.rating.kernel import compile_rate
from app.rating.prefix import PrefixIndex
from app.rating.tariff import Match, Rate, Version


def match(
    price: str = "0.06",
    fee: str = "0",
    initial_s: int = 1,
    increment_s: int = 1,
    places: int = 6,
    rounding: str = "half",
    unit_s: int = 60,
) -> Match:
    rate = Rate(
        "49",
        "Germany",
        Fraction(fee),
        Fraction(price),
        unit_s * 1000,
        initial_s * 1000,
        increment_s * 1000,
    )
    version = Version(1, 1, "Retail", "EUR", places, rounding, 0, PrefixIndex([("49", rate)]))
    return Match(version, rate)


@pytest.mark.parametrize(
    ("what", "duration_ms", "units"),
    [
        (match(), 60_000, 60_000_000),  # one minute at 0.06
        (match(), 1_001, 2_000_000),  # a begun second counts: 2 s
        (match(initial_s=60, increment_s=60), 61_000, 120_000_000),  # 60/60: two minutes
        (match(initial_s=60, increment_s=1), 61_000, 61_000_000),  # 60/1
        (match(fee="0.10"), 0, 100_000_000),  # answered and gone: the fee
        (match("0.05"), 1_000, 833_000),  # 0.000833… at six places
        (match("0.05", rounding="up"), 1_000, 834_000),
        (match("0.05", rounding="down", places=4), 1_000, 800_000),
        (match("0.0003", unit_s=1, places=3), 5_000, 2_000_000),  # 0.0015: half goes away from 0
    ],
)
def test_prices_worked_out_by_hand(what: Match, duration_ms: int, units: int) -> None:
    assert reference.price(what, duration_ms).units == units
    assert compile_rate(what).units(duration_ms) == units


def test_the_steps_add_up_to_the_price() -> None:
    priced = reference.price(match("0.05", fee="0.021"), 61_500)
    assert sum(step.amount for step in priced.steps) * 10**9 == priced.units


decimals = st.decimals(min_value=0, max_value=100, places=8).map(Fraction)
rates = st.builds(
    Rate,
    st.just("49"),
    st.just("Germany"),
    decimals,
    decimals,
    st.sampled_from([1_000, 60_000, 3_600_000]),
    st.sampled_from([1, 1_000, 6_000, 60_000]),
    st.sampled_from([1, 1_000, 6_000, 60_000]),
)
matches = st.builds(
    lambda rate, places, rounding: Match(
        Version(1, 1, "T", "EUR", places, rounding, 0, PrefixIndex([("49", rate)])), rate
    ),
    rates,
    st.integers(0, 9),
    st.sampled_from(["half", "up", "down"]),
)


@given(matches, st.integers(0, 10**8))
def test_kernel_and_reference_agree_to_the_last_digit(what: Match, duration_ms: int) -> None:
    assert compile_rate(what).units(duration_ms) == reference.price(what, duration_ms).units


@given(matches, st.integers(0, 10**12), st.integers(0, 10_800_000))
def test_what_is_affordable_is_never_more_than_the_money(
    what: Match, units: int, limit_ms: int
) -> None:
    granted = reference.affordable_ms(what, units, limit_ms)
    assert 0 <= granted <= limit_ms
    if granted:
        assert reference.price(what, granted).units <= units


@given(matches, st.integers(1, 10**12))
def test_one_more_increment_would_be_too_much(what: Match, units: int) -> None:
    limit = 10_800_000
    granted = reference.affordable_ms(what, units, limit)
    if 0 < granted < limit:
        more = min(granted + what.rate.increment_ms, limit)
        if more < limit:
            assert reference.price(what, more).units > units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 8), "0.125"),
        (Fraction(3), "3"),
        (Fraction(-1, 20), "-0.05"),
        (Fraction(1, 3), "≈ 0.333333333"),
    ],
)
def test_exact_numbers_as_text(value: Fraction, text: str) -> None:
    assert steps.exact_text(value) == text
