"""Which rate holds: by account, by date, by longest prefix."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.rating.prefix import PrefixIndex
from app.rating.tariff import Match, Rate, Reason, TariffBook, Version


def rate(prefix: str) -> Rate:
    return Rate(prefix, f"to {prefix}", Fraction(0), Fraction(1), 60_000, 1_000, 1_000)


def version(number: int, start: int, *prefixes: str) -> Version:
    index = PrefixIndex((prefix, rate(prefix)) for prefix in prefixes)
    return Version(number, 1, "T", "EUR", 6, "half", start, index)


BOOK = TariffBook(
    {1: version(1, 100, "49", "4915"), 2: version(2, 200, "49")},
    by_tariff={1: ((100, 200), (1, 2))},
    by_account={7: ((150,), (1,))},
)


def test_the_longest_prefix_of_the_version_at_the_answer() -> None:
    found = BOOK.look_up(7, "491512345", 160)
    assert isinstance(found, Match)
    assert (found.version_id, found.prefix) == (1, "4915")
    later = BOOK.look_up(7, "491512345", 200)
    assert isinstance(later, Match)
    assert (later.version_id, later.prefix) == (2, "49")


def test_why_there_is_no_rate() -> None:
    assert BOOK.look_up(8, "49", 160) is Reason.NO_TARIFF
    assert BOOK.look_up(7, "49", 149) is Reason.NO_TARIFF
    assert BOOK.look_up(7, "33", 160) is Reason.NO_RATE


numbers = st.text("0123", min_size=1, max_size=6)


@given(st.sets(numbers), numbers)
def test_longest_prefix_as_a_person_would_search_it(prefixes: set[str], number: str) -> None:
    found = PrefixIndex((prefix, prefix) for prefix in prefixes).longest(number)
    fitting = [prefix for prefix in prefixes if number.startswith(prefix)]
    assert found == (max(fitting, key=len) if fitting else None)
