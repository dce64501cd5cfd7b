"""Money: exact or refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import money
from app.core.errors import InvalidInput


def test_units_and_back() -> None:
    assert money.to_units(Decimal("0.0125"), "EUR") == 12_500_000
    assert money.to_text(12_500_000, "EUR") == "0.0125"
    assert money.to_text(-3_000_000_000, "EUR") == "-3"
    assert money.to_text(15_000, "JPY") == "1.5"
    assert money.to_text(None, "EUR") is None


@pytest.mark.parametrize("bad", ["", "abc", "NaN", "Infinity", "1,5", "0x10"])
def test_what_is_no_amount_is_refused(bad: str) -> None:
    with pytest.raises(InvalidInput):
        money.parse_decimal(bad)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="decimal places"):
        money.to_units(Fraction(1, 3), "EUR")
    with pytest.raises(InvalidInput, match="larger"):
        money.to_units(10**10, "EUR")


@given(st.fractions(), st.integers(0, 9))
def test_rounding_stays_within_half_a_step(value: Fraction, places: int) -> None:
    step = Fraction(1, 10**places)
    assert abs(money.round_half_up(value, places) - value) <= step / 2
    assert 0 <= money.round_up(value, places) - value < step
    assert 0 <= value - money.round_down(value, places) < step


def test_halves_go_away_from_zero() -> None:
    assert money.round_half_up(Fraction(5, 10), 0) == 1
    assert money.round_half_up(Fraction(-5, 10), 0) == -1
