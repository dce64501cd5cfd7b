"""Everything that a tariff can say beyond a fee and two increments, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from app.rating import reference, steps
from app.rating.engine import RatableCall, Rated
from app.rating.engines.embedded import EmbeddedEngine
from app.rating.prefix import PrefixIndex
from app.rating.tariff import (
    Band,
    LengthRounding,
    Match,
    Origins,
    Policy,
    Price,
    Rate,
    Slot,
    TariffBook,
    Tax,
    Tier,
    Timing,
    Version,
)

MINUTE = 60_000


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def rate(price: str = "0.06", fee: str = "0", **more: object) -> Rate:
    plain = Rate("49", "Germany", Fraction(fee), Fraction(price), MINUTE, 1_000, 1_000)
    return replace(plain, **more)  # type: ignore[arg-type]


def match(found: Rate, policy: Policy | None = None, valid_from: int = 0, places: int = 6) -> Match:
    version = Version(
        1, 1, "Retail", "EUR", places, "half", valid_from, PrefixIndex([("49", found)]),
        policy or Policy(),
    )  # fmt: skip
    return Match(version, found)


def euros(what: Match, seconds: float, **more: object) -> str:
    priced = reference.price(what, round(seconds * 1000), **more)  # type: ignore[arg-type]
    assert sum(step.amount for step in priced.steps) * 10**9 == priced.units
    return steps.exact_text(Fraction(priced.units, 10**9))


def flat(price: str, unit: int = MINUTE, increment: int = 1_000, fee: str = "0") -> Price:
    return Price((Slot(0, increment, unit, Fraction(price)),), Fraction(fee))


def band(price: str, name: str, weight: int = 0, **timing: object) -> Band:
    return Band(flat(price), Timing(**timing), Fraction(weight), name)  # type: ignore[arg-type]


NIGHT = band("0.01", "Night", start=20 * 3600)
PEAK_AND_NIGHT = rate("0.06", bands=(NIGHT,))


@pytest.mark.parametrize(
    ("zone", "answer", "seconds", "price"),
    [
        ("UTC", "2026-11-23T19:59:30", 60, "0.035"),  # 30 s at 0.06, 30 s at 0.01
        ("UTC", "2026-11-23T20:00:00", 60, "0.01"),
        ("UTC", "2026-11-23T23:59:30", 60, "0.035"),  # the night's band ends at midnight
        ("Europe/Berlin", "2026-11-23T18:59:30", 60, "0.035"),  # 20:00 there is 19:00 here
        ("Europe/Berlin", "2026-07-23T17:59:30", 60, "0.035"),  # and 18:00 in summer
    ],
)
def test_bands_split_a_call_by_the_tariffs_own_clock(
    zone: str, answer: str, seconds: int, price: str
) -> None:
    assert euros(match(PEAK_AND_NIGHT, Policy(zone=zone)), seconds, at_ms=at(answer)) == price


def test_the_band_at_the_answer_holds_where_the_tariff_says_so() -> None:
    policy = Policy(bands="answer")
    assert euros(match(PEAK_AND_NIGHT, policy), 60, at_ms=at("2026-11-23T19:59:30")) == "0.06"


def test_an_hour_that_comes_twice_and_one_that_does_not_come() -> None:
    two_to_three = rate("0.06", bands=(band("0.12", "2 to 3", start=7200, end=10800),))
    berlin = match(two_to_three, Policy(zone="Europe/Berlin"))
    # 25 October 2026: 02:00 to 03:00 twice, from 00:00 to 02:00 UTC. Three hours from 23:30 UTC.
    assert euros(berlin, 3 * 3600, at_ms=at("2026-10-24T23:30:00")) == "18"
    # 29 March 2026: 02:00 does not come.
    assert euros(berlin, 3600, at_ms=at("2026-03-29T00:30:00")) == "3.6"


def test_weekdays_holidays_and_the_heavier_band() -> None:
    holiday = band("0", "Holiday", 20, dates=frozenset([date(2026, 12, 25)]))
    weekend = band("0.03", "Weekend", 10, weekdays=frozenset([6, 7]))
    friday = match(rate("0.06", bands=(weekend, holiday)))
    assert euros(friday, 60, at_ms=at("2026-12-25T12:00:00")) == "0"
    assert euros(friday, 60, at_ms=at("2026-12-26T12:00:00")) == "0.03"
    assert euros(friday, 60, at_ms=at("2026-12-24T12:00:00")) == "0.06"
    assert euros(friday, 60, at_ms=at("2026-12-25T23:59:30")) == "0.015"


def test_bands_need_the_time_of_the_answer() -> None:
    with pytest.raises(ValueError, match="bands"):
        reference.price(match(PEAK_AND_NIGHT), 1_000)


def test_an_increment_that_has_begun_is_finished_at_its_price() -> None:
    minutes = Band(flat("0.10", increment=MINUTE), Timing(end=20 * 3600))
    found = rate("0.01", bands=(minutes,))
    # 90 s from 19:59:30: the first minute is begun before 20:00, 30 s are left after it.
    assert euros(match(found), 90, at_ms=at("2026-11-23T19:59:30")) == "0.105"


def test_slots_by_the_length_of_the_call() -> None:
    slots = (Slot(120_000, 6_000, MINUTE, Fraction("0.03")),)
    found = rate("0.06", later=slots)
    assert euros(match(found), 121) == "0.123"  # two minutes at 0.06, 6 s at 0.03


def test_tiers_by_the_volume_of_the_month() -> None:
    cheap = Tier(600_000, (Slot(0, 1_000, MINUTE, Fraction("0.03")),))
    found = match(rate("0.06", tiers=(cheap,)))
    assert euros(found, 60, volume=0) == "0.06"
    assert euros(found, 60, volume=570_000) == "0.045"  # the tier begins in mid-call
    assert euros(found, 60, volume=600_000) == "0.03"


def test_minimum_maximum_and_grace() -> None:
    found = match(rate("0.06", minimum=Fraction("0.02"), maximum=Fraction("0.10"), grace_ms=3_000))
    assert [euros(found, seconds) for seconds in (3, 4, 60, 3600)] == ["0", "0.02", "0.06", "0.1"]


@pytest.mark.parametrize(
    ("way", "prices"), [("up", ["0.002", "0.002"]), ("half", ["0.001", "0.002"]),
                        ("down", ["0.001", "0.001"])]
)  # fmt: skip
def test_the_length_may_be_rounded_before_increments(way: str, prices: list[str]) -> None:
    policy = Policy(length_rounding=LengthRounding(1_000, way))  # type: ignore[arg-type]
    assert [euros(match(rate(), policy), seconds) for seconds in (1.4, 1.5)] == prices


def test_version_at_answer_or_split() -> None:
    start = at("2026-12-01T00:00:00")
    later = match(rate("0.60"), valid_from=start)
    answered = start - 30_000
    assert euros(match(rate("0.06")), 60, at_ms=answered, later=[later]) == "0.06"
    split = match(rate("0.06"), Policy(version_at="split"))
    assert euros(split, 60, at_ms=answered, later=[later]) == "0.33"


def test_taxes_on_the_price_and_on_taxes() -> None:
    taxes = (Tax("VAT", Fraction("0.19")), Tax("Levy", Fraction("0.1"), compound=True))
    priced = reference.price(match(rate("1"), Policy(taxes=taxes)), MINUTE)
    assert (priced.units, priced.tax) == (10**9, 309_000_000)  # 0.19 + 0.1 of 1.19
    assert [step.label for step in priced.tax_steps] == ["VAT", "Levy"]


@pytest.mark.parametrize(
    ("caller", "price"),
    [("4930123", "0.06"), ("99550", "0.5"), ("", "0.9"), ("12", "0.7"), ("1" * 16, "0.8")],
)
def test_the_callers_origin_decides(caller: str, price: str) -> None:
    origins = {"roaming": rate("0.5"), "missing": rate("0.9"), "short": rate("0.7"),
               "long": rate("0.8")}  # fmt: skip
    policy = Policy(origins=Origins(PrefixIndex([("995", "roaming")]), shortest=3))
    found = match(rate("0.06", origins=origins), policy).version.match("49301", caller)
    assert found is not None
    assert euros(found, 60) == price


def test_what_an_attempt_costs() -> None:
    found = match(rate(attempt_fee=Fraction("0.004")), Policy(attempt_causes=frozenset([486])))
    assert reference.attempt_units(found, 486) == 4_000_000
    assert reference.attempt_units(found, 404) == 0


def test_the_compatible_mode_rounds_every_increment() -> None:
    """0.01 a minute by the second for an hour: 0.60, and 0.612 at five places."""
    assert euros(match(rate("0.01")), 3600) == "0.6"
    assert euros(match(rate("0.01"), Policy(compatible_places=5)), 3600) == "0.612"


def test_affordable_lengths_end_with_an_increment() -> None:
    minutes = rate("0.06", bands=(Band(flat("0.10", increment=MINUTE), Timing(end=43_200)),))
    morning = at("2026-11-23T08:00:00")
    granted = reference.affordable_ms(match(minutes), 250_000_000, 10 * MINUTE, at_ms=morning)
    assert granted == 2 * MINUTE


def test_the_embedded_engine_knows_all_of_it() -> None:
    version = match(PEAK_AND_NIGHT).version
    book = TariffBook({1: version}, {1: ((0,), (1,))}, {7: ((0,), (1,))})
    call = RatableCall(1, 7, "acme", "4930", "49301", at("2026-11-23T19:59:30"), MINUTE)
    priced = EmbeddedEngine(book).quote(call)
    assert isinstance(priced, Rated)
    assert priced.units == 35_000_000
