"""The kernel against the reference: the same calls, the same prices, to the last digit."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rating import reference
from app.rating.bulk import Bulk
from app.rating.columns import Kernel, keys_of
from app.rating.prefix import PrefixIndex
from app.rating.tariff import (
    Band,
    LengthRounding,
    Policy,
    Price,
    Rate,
    Slot,
    Timing,
    Version,
)

ROOT = Path(__file__).parents[2]
HOUR = 3_600_000
NUMBERS = st.text("01259", min_size=1, max_size=5)

amounts = st.integers(0, 40_000).map(lambda value: Fraction(value, 10_000))
increments = st.sampled_from([1, 700, 1_000, 6_000, 30_000, 60_000])
units = st.sampled_from([1_000, 7_000, 60_000])
slots = st.builds(Slot, st.integers(1, 200_000), increments, units, amounts)
timings = st.builds(
    lambda start, hours, weekdays: Timing(
        start=start, end=min(start + hours * 3600, 86_400), weekdays=weekdays
    ),
    st.sampled_from([0, 7_200, 9_000, 28_800, 75_600]),
    st.integers(1, 24),
    st.frozensets(st.integers(1, 7), max_size=3),
)
bands = st.builds(
    Band,
    st.builds(
        lambda first, later, fee, maximum: Price(
            (first, *sorted(later, key=lambda slot: slot.start)), fee, maximum=maximum
        ),
        st.builds(Slot, st.just(0), increments, units, amounts),
        st.lists(slots, max_size=2, unique_by=lambda slot: slot.start),
        amounts,
        st.none() | amounts,
    ),
    timings,
    st.integers(0, 2).map(Fraction),
)


@st.composite
def rates(draw: st.DrawFn, prefix: str) -> Rate:
    initial = draw(increments)
    later = draw(st.lists(slots, max_size=2, unique_by=lambda slot: slot.start))
    return Rate(
        prefix,
        f"to {prefix}",
        draw(amounts),
        draw(amounts),
        draw(units),
        initial,
        draw(increments),
        minimum=draw(st.just(Fraction(0)) | amounts),
        maximum=draw(st.none() | amounts),
        grace_ms=draw(st.sampled_from([0, 0, 3_000])),
        later=tuple(sorted((s for s in later if s.start > initial), key=lambda slot: slot.start)),
        bands=tuple(draw(st.lists(bands, max_size=2))),
    )


@st.composite
def versions(draw: st.DrawFn) -> Version:
    prefixes = draw(st.sets(NUMBERS, min_size=1, max_size=6))
    lengths = st.builds(
        LengthRounding, st.sampled_from([1, 7, 1_000]), st.sampled_from(["up", "half", "down"])
    )
    policy = Policy(
        zone=draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])),
        bands=draw(st.sampled_from(["split", "split", "answer"])),
        length_rounding=draw(st.none() | lengths),
        version_at=draw(st.sampled_from(["answer"] * 9 + ["split"])),
    )
    return Version(
        1, 1, "T", draw(st.sampled_from(["EUR", "JPY"])), draw(st.integers(0, 4)),
        draw(st.sampled_from(["half", "up", "down"])), 0,
        PrefixIndex((prefix, draw(rates(prefix))) for prefix in sorted(prefixes)), policy,
    )  # fmt: skip


# Around the nights in which the clocks of Berlin are changed, and an ordinary week.
answers = st.one_of(
    st.integers(-4 * HOUR, 4 * HOUR).map(lambda off: off + 1_774_746_000_000),
    st.integers(-4 * HOUR, 4 * HOUR).map(lambda off: off + 1_792_890_000_000),
    st.integers(1_795_392_000_000, 1_795_996_800_000),
)
lengths = st.one_of(st.just(0), st.integers(0, 200_000), st.integers(0, HOUR))
calls = st.lists(
    st.tuples(NUMBERS, lengths, answers),
    min_size=1,
    max_size=30,
)  # fmt: skip


@settings(deadline=None)
@given(versions(), calls)
def test_kernel_and_reference_agree_to_the_last_digit(
    version: Version, made: list[tuple[str, int, int]]
) -> None:
    numbers = [number for number, _, _ in made]
    lengths = np.array([length for _, length, _ in made], dtype=np.int64)
    answered = np.array([at for _, _, at in made], dtype=np.int64)
    priced = Bulk(version).price(numbers, lengths, answered)
    for place, (number, length, at_ms) in enumerate(made):
        match = version.match(number)
        if match is None:
            assert priced.rate[place] == -1
        else:
            expected = reference.price(match, length, at_ms=at_ms).units
            assert priced.units[place] == expected


@given(st.sets(NUMBERS, max_size=12), st.lists(NUMBERS, max_size=20))
def test_the_longest_prefix_of_columns(prefixes: set[str], numbers: list[str]) -> None:
    index = PrefixIndex((prefix, prefix) for prefix in prefixes)
    version = Version(
        1, 1, "T", "EUR", 4, "half", 0,
        PrefixIndex((p, Rate(p, p, Fraction(0), Fraction(1), 1, 1, 1)) for p in prefixes),
    )  # fmt: skip
    kernel = Kernel(version)
    found = [
        kernel.rates[place].prefix if place >= 0 else None for place in kernel.look_up(numbers)
    ]
    assert found == [index.longest(number) for number in numbers]


def test_keys_tell_a_short_number_from_a_longer_one() -> None:
    keys = keys_of(["49", "490", "4900", "", "anonymous", "4" * 40])
    assert keys[0] < keys[1] < keys[2]
    assert list(keys[3:5]) == [0, 0]


def test_few_calls_are_handed_to_the_reference() -> None:
    """A night and a day band: of calls of three minutes only those around 08:00 and 20:00."""
    night = (
        Band(Price((Slot(0, 1_000, 60_000, Fraction("0.01")),)), Timing(end=28_800), name="Night"),
        Band(Price((Slot(0, 1_000, 60_000, Fraction("0.01")),)), Timing(start=72_000)),
    )
    rate = Rate("49", "DE", Fraction(0), Fraction("0.06"), 60_000, 60_000, 1_000, bands=night)
    mobile = Rate("491", "Mobile", Fraction(1), Fraction(9), 60_000, 1_000, 1_000, bands=night)
    version = Version(1, 1, "T", "EUR", 4, "half", 0, PrefixIndex([("49", rate), ("491", mobile)]))
    bulk = Bulk(version)
    start = round(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1000
    count = 20_000
    at = start + np.arange(count, dtype=np.int64) * (86_400_000 // count)
    numbers = ["4930123", "4915123"] * (count // 2)
    priced = bulk.price(numbers, np.full(count, 180_000, dtype=np.int64), at)
    assert 0 < bulk.handed <= count * 0.01
    for place in range(0, count, 371):
        match = version.match(numbers[place])
        assert match is not None
        expected = reference.price(match, 180_000, at_ms=int(at[place])).units
        assert priced.units[place] == expected


def test_what_could_overflow_is_left_to_the_reference() -> None:
    rate = Rate("49", "DE", Fraction(0), Fraction(10**7), 1, 1, 1)
    version = Version(1, 1, "T", "EUR", 9, "half", 0, PrefixIndex([("49", rate)]))
    priced = Kernel(version).price(["49"], np.array([10**6]), np.array([0]))
    assert priced.left.all()


@pytest.mark.parametrize("name", ["columns", "kernel"])
def test_the_kernel_shares_no_arithmetic_with_the_reference(name: str) -> None:
    source = (ROOT / "app" / "rating" / f"{name}.py").read_text(encoding="utf-8")
    imported = {
        node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not imported & {"app.rating.reference", "app.rating.walk", "app.rating.debit"}
    assert not any(module.startswith("app.rating.tariff.t") for module in imported)
