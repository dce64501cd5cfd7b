"""A CGRateS tariff plan: its six rating tables as destinations, bands and profiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from app.core.errors import InvalidInput
from app.core.words import _
from app.rating.balance import Strategy
from app.rating.cgrates.fields import SECOND, instant, names, number, ticks, timing
from app.rating.tariff.terms import Band, Price, Rounding, Slot, Way
from app.rating.tariff.timing import ALWAYS, Timing

ANY = "*any"
Row = Sequence[str]
_WAYS: dict[str, Way] = {"*up": "up", "*down": "down", "*middle": "half"}
_STRATEGIES: dict[str, Strategy] = {
    "*mine_lowest": "own_lowest",
    "*mine_highest": "own_highest",
    "*lowest": "lowest",
    "*highest": "highest",
}


@dataclass(frozen=True, slots=True)
class Activation:
    """From an instant on (nanoseconds since 1970) a plan holds for a subject; other subjects
    are asked where it has no price."""

    at: int
    plan: str
    fallbacks: tuple[str, ...] = ()


Profile = tuple[str, str, str]  # tenant, category, subject


@dataclass(frozen=True, slots=True)
class TariffPlan:
    """Which destinations a prefix belongs to, the bands of each plan's destinations, and which
    plan a subject has when."""

    destinations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plans: Mapping[str, Mapping[str, tuple[Band, ...]]] = field(default_factory=dict)
    profiles: Mapping[Profile, tuple[Activation, ...]] = field(default_factory=dict)
    groups: Mapping[str, Strategy] = field(default_factory=dict)
    timings: Mapping[str, Timing] = field(default_factory=dict)

    def prefixes(self, digits: str) -> list[tuple[str, tuple[str, ...]]]:
        """The prefixes of a number that belong to destinations, longest first."""
        found = []
        for length in range(len(digits), 0, -1):
            ids = self.destinations.get(digits[:length])
            if ids:
                found.append((digits[:length], ids))
        return found


def read(tables: Mapping[str, Iterable[Row]]) -> TariffPlan:
    """The plan of its tables (file names without ``.csv``), rows in file order. Raises
    InvalidInput when one names what no other defines."""
    timings = _timings(tables.get("Timings", ()))
    return TariffPlan(
        _destinations(tables.get("Destinations", ())),
        _plans(tables, timings),
        _profiles(tables.get("RatingProfiles", ())),
        _groups(tables.get("SharedGroups", ())),
        timings,
    )


def _destinations(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row[0] not in found[row[1]]:
            found[row[1]].append(row[0])
    return {prefix: tuple(ids) for prefix, ids in found.items()}


def _timings(rows: Iterable[Row]) -> dict[str, Timing]:
    found = {ANY: ALWAYS, "*always": ALWAYS}
    for row in rows:
        found[row[0]] = timing(*_cells(row, 6)[1:])
    return found


def _cells(row: Row, count: int) -> list[str]:
    return [str(cell) for cell in row] + [""] * (count - len(row))


def _slots(rows: Iterable[Row]) -> dict[str, tuple[Fraction, tuple[Slot, ...]]]:
    fees: dict[str, Fraction] = {}
    slots: dict[str, list[Slot]] = defaultdict(list)
    for row in rows:
        key, fee, price, unit, increment, start = _cells(row, 6)[:6]
        # The fee of the first row is the fee; later rows' fees are not looked at.
        fees.setdefault(key, number(fee))
        slots[key].append(
            Slot(ticks(start), ticks(increment) or SECOND, ticks(unit) or SECOND, number(price))
        )
    return {
        key: (fees[key], tuple(sorted(found, key=lambda slot: slot.start)))
        for key, found in slots.items()
    }


def _prices(tables: Mapping[str, Iterable[Row]]) -> dict[str, list[tuple[str, Price]]]:
    rates = _slots(tables.get("Rates", ()))
    found: dict[str, list[tuple[str, Price]]] = defaultdict(list)
    for row in tables.get("DestinationRates", ()):
        key, destination, rate, way, places, maximum, strategy = _cells(row, 7)[:7]
        if rate not in rates:
            raise _unknown("Rates", rate)
        fee, slots = rates[rate]
        cap = number(maximum) if strategy in ("*free", "*disconnect") else 0
        # No method is no rounding, and so are 0 decimals.
        rounding = Rounding(_WAYS.get(way, "half"), int(places or 0) or None)
        price = Price(
            slots,
            fee,
            maximum=Fraction(cap) if cap else None,
            cuts_at_maximum=strategy == "*disconnect",
            rounding=rounding if way in _WAYS else Rounding(),
        )
        found[key].append((destination, price))
    return found


def _plans(
    tables: Mapping[str, Iterable[Row]], timings: Mapping[str, Timing]
) -> dict[str, dict[str, tuple[Band, ...]]]:
    prices = _prices(tables)
    plans: dict[str, dict[str, list[Band]]] = defaultdict(lambda: defaultdict(list))
    for row in tables.get("RatingPlans", ()):
        key, rates, when, weight = _cells(row, 4)[:4]
        if rates not in prices:
            raise _unknown("DestinationRates", rates)
        if when not in timings:
            raise _unknown("Timings", when)
        for destination, price in prices[rates]:
            band = Band(price, timings[when], number(weight), when)
            plans[key][destination].append(band)
    return {
        key: {destination: tuple(bands) for destination, bands in found.items()}
        for key, found in plans.items()
    }


def _profiles(rows: Iterable[Row]) -> dict[Profile, tuple[Activation, ...]]:
    found: dict[Profile, list[Activation]] = defaultdict(list)
    for row in rows:
        tenant, category, subject, at, plan, fallbacks = _cells(row, 6)[:6]
        activation = Activation(instant(at), plan, tuple(names(fallbacks)))
        found[tenant, category, subject].append(activation)
    return {
        key: tuple(sorted(activations, key=lambda activation: activation.at))
        for key, activations in found.items()
    }


def _groups(rows: Iterable[Row]) -> dict[str, Strategy]:
    return {row[0]: _STRATEGIES.get(_cells(row, 3)[2], "own") for row in rows}


def _unknown(table: str, key: str) -> InvalidInput:
    return InvalidInput(
        _("There is no '%(key)s' in %(table)s.", key=key, table=table), "Add it, or correct it."
    )
