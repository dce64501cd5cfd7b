"""Country and kind of numbers, from metadata that is installed with the panel."""

from __future__ import annotations

import pytest

from app.core.phonebook import NO_COUNTRY, About, about


@pytest.mark.parametrize(
    ("digits", "known"),
    [
        ("493023125001", About("DE", "fixed")),
        ("4917012345678", About("DE", "mobile")),
        ("431555", About("AT", "unknown")),
        ("18005551234", About("US", "tollfree")),
        ("12042345678", About("CA", "fixed_or_mobile")),
        ("80012345678", About(NO_COUNTRY, "tollfree")),
        ("999123456", None),  # no country has it
        ("alice", None),
        ("", None),
    ],
)
def test_country_and_kind(digits: str, known: About | None) -> None:
    assert about(digits) == known
