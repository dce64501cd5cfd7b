"""The kernel: columns of calls in, columns of prices out, and no Python per call.

Everything is a 64-bit integer. A rate's fee and slots are brought to one denominator when they
are compiled, with the longest call for which no product can overflow; longer calls, calls that
cross into another band, and tariffs that count in ways that are not compiled here are left to
``app.rating.reference`` (``app.rating.bulk`` does both). Nothing of the reference is used: the
tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import lcm

import numpy as np
from numpy.typing import NDArray

from app.core import clock, money
from app.rating.tariff import Band, Price, Rate, Version

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

DIGITS = 18  # of a number that are looked at; 11**18 fits into 63 bits, and E.164 has 15
_POWERS = [11 ** (DIGITS - 1 - place) for place in range(DIGITS)]
_LARGEST = 2**61
_QUARTER_S = 900  # clocks are changed at a quarter of an hour of UTC


@dataclass(frozen=True, slots=True)
class Prices:
    """One entry a call. ``rate`` counts the version's rates, -1 where no prefix fits; ``units``
    are ledger units, good where ``rate`` fits and ``left`` is false (the reference must say)."""

    rate: Integers
    units: Integers
    left: Flags


class Kernel:
    """A tariff version, compiled. ``able`` is false where its policy is beyond the kernel."""

    def __init__(self, version: Version) -> None:
        policy = version.policy
        self.able = (
            policy.version_at == "answer"
            and policy.compatible_places is None
            and policy.origins is None
            and not policy.taxes
            and version.places <= money.places(version.currency)
        )
        self._version = version
        self.rates: list[Rate] = [rate for _, rate in sorted(version.rates.items())]
        self._depth = max((len(rate.prefix) for rate in self.rates), default=1)
        self._starts, self._owners = _intervals([rate.prefix for rate in self.rates])
        self._bands: list[tuple[Band, ...]] = [
            rate.all_bands() if rate.bands else (Band(rate.base()),) for rate in self.rates
        ]
        self._offers = _Offers(
            [band.price for bands in self._bands for band in bands], version.places
        )
        counts = [len(bands) for bands in self._bands]
        self._first_offer = np.cumsum([0, *counts[:-1]], dtype=np.int64)
        calendars: dict[tuple[object, ...], int] = {}
        self._calendar_of = np.array(
            [
                calendars.setdefault(tuple((b.timing, b.weight) for b in bands), len(calendars))
                for bands in self._bands
            ],
            dtype=np.int64,
        )
        self._calendars = [
            self._bands[int(np.argmax(self._calendar_of == place))]
            for place in range(len(calendars))
        ]

    def price(self, numbers: Sequence[str], duration_ms: Integers, at_ms: Integers) -> Prices:
        """Prices answered calls: E.164 digits, milliseconds, answers in ms since 1970."""
        rate = self.look_up(numbers)
        found = rate >= 0
        known = np.where(found, rate, 0)
        length = self._counted(np.maximum(duration_ms, 0))
        offer, left = self._offer_at(known, length, at_ms)
        units, too_long = self._offers.units(offer, length, self._version)
        return Prices(rate, np.where(found, units, 0), found & (left | too_long))

    def look_up(self, numbers: Sequence[str]) -> Integers:
        """Which rate has the longest prefix of each number; -1 where none fits."""
        keys = keys_of(numbers, self._depth)
        place = np.searchsorted(self._starts, keys, side="right") - 1
        return np.where(keys > 0, self._owners[place], -1)

    def _counted(self, length: Integers) -> Integers:
        rounding = self._version.policy.length_rounding
        if rounding is None:
            return length
        add = {"up": rounding.step - 1, "half": rounding.step // 2, "down": 0}[rounding.way]
        if rounding.way == "half" and rounding.step % 2:
            add = (rounding.step - 1) // 2  # half of an odd step is not reached below it
        return (length + add) // rounding.step * rounding.step

    def _offer_at(
        self, rate: Integers, length: Integers, at_ms: Integers
    ) -> tuple[Integers, Flags]:
        """The price that holds at the answer, and whether another one begins before the end."""
        offer = self._first_offer[rate]
        left = np.zeros(len(rate), dtype=np.bool_)
        if not len(rate):
            return offer, left
        split = self._version.policy.bands == "split"
        for place, bands in enumerate(self._calendars):
            if len(bands) == 1:
                continue
            mine = np.flatnonzero(self._calendar_of[rate] == place)
            if not len(mine):
                continue
            at, end = at_ms[mine], at_ms[mine] + length[mine]
            instants, which = self._changes(bands, int(at.min()), int(end.max()))
            segment = np.searchsorted(instants, at, side="right") - 1
            offer[mine] += which[segment]
            if split:
                following = np.append(instants[1:], np.iinfo(np.int64).max)
                left[mine] = following[segment] < end
        return offer, left

    def _changes(
        self, bands: Sequence[Band], first_ms: int, last_ms: int
    ) -> tuple[Integers, Integers]:
        """The instants (ms) at which another band begins, and which: from before ``first_ms``
        until after ``last_ms``."""
        zone = clock.zone(self._version.policy.zone)
        first, last = first_ms // 1000, last_ms // 1000 + 1
        candidates = {first}
        times = {time for band in bands for time in (band.timing.start, band.timing.end)}
        day, until = _date(first) - timedelta(days=1), _date(last) + timedelta(days=1)
        while day <= until:
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            for time in times:
                for fold in (0, 1):
                    wall = (midnight + timedelta(seconds=time)).replace(fold=fold)
                    candidates.add(round(wall.timestamp()))
            following = midnight + timedelta(days=1)
            if midnight.utcoffset() != following.utcoffset():
                begin, end = round(midnight.timestamp()), round(following.timestamp())
                quarter = -(-begin // _QUARTER_S) * _QUARTER_S
                candidates.update(range(quarter, end, _QUARTER_S))
            day += timedelta(days=1)
        instants: list[int] = []
        which: list[int] = []
        for second in sorted(found for found in candidates if first <= found <= last):
            local = datetime.fromtimestamp(second, zone)
            active = [place for place, band in enumerate(bands) if band.timing.active(local)]
            best = max(active, key=lambda place: (bands[place].weight, bands[place].timing.start))
            if not which or which[-1] != best:
                instants.append(second * 1000)
                which.append(best)
        return np.array(instants, dtype=np.int64), np.array(which, dtype=np.int64)


class _Offers:
    """Prices as columns: one row an offer, one column a slot."""

    def __init__(self, prices: Sequence[Price], places: int) -> None:
        width = max((len(price.slots) for price in prices), default=1)
        shape = (len(prices), width)
        self._start = np.full((len(prices), width + 1), _LARGEST, dtype=np.int64)
        self._increment = np.ones(shape, dtype=np.int64)
        self._slope = np.zeros(shape, dtype=np.int64)
        self._fee, self._unit, self._longest, self._least, self._most, self._grace = (
            np.zeros(len(prices), dtype=np.int64) for _ in range(6)
        )
        compiled: dict[int, int] = {}  # bands are shared by many rates
        for row, price in enumerate(prices):
            first = compiled.setdefault(id(price), row)
            if first == row:
                self._compile(row, price, 10**places)
            else:
                self._copy(row, first)

    def _compile(self, row: int, price: Price, factor: int) -> None:
        """The amounts of one price as multiples of 1/unit of the rounding step."""
        slopes = [slot.price * factor / slot.unit for slot in price.slots]
        limits = [price.connect_fee * factor, price.minimum * factor]
        if price.maximum is not None:
            limits.append(price.maximum * factor)
        unit = lcm(*(amount.denominator for amount in (*slopes, *limits)))
        whole = [int(amount * unit) for amount in (*slopes, *limits)]
        steepest = max(whole[: len(slopes)], default=0)
        slack = max(slot.increment for slot in price.slots) * len(price.slots)
        room = (_LARGEST - max(whole[len(slopes) :]) - unit) // max(steepest, 1) - slack
        # What does not fit, or is not known here, is never priced here.
        if price.tiers or price.cuts_at_maximum or room <= 0 or max(whole) >= _LARGEST:
            self._longest[row] = -1
            return
        self._longest[row] = min(room, _LARGEST // 4)
        for column, slot in enumerate(price.slots):
            self._start[row, column] = slot.start
            self._increment[row, column] = slot.increment
            self._slope[row, column] = whole[column]
        self._fee[row], self._least[row] = whole[len(slopes)], whole[len(slopes) + 1]
        self._most[row] = _LARGEST if price.maximum is None else whole[-1]
        self._unit[row], self._grace[row] = unit, price.grace

    def _copy(self, row: int, first: int) -> None:
        for column in (
            self._start, self._increment, self._slope, self._fee, self._unit, self._longest,
            self._least, self._most, self._grace,
        ):  # fmt: skip
            column[row] = column[first]

    def units(self, offer: Integers, length: Integers, version: Version) -> tuple[Integers, Flags]:
        """Ledger units of each call, and which are not to be trusted."""
        left = length > self._longest[offer]
        length = np.where(left, 0, length)
        total = self._fee[offer]
        position = np.zeros(len(offer), dtype=np.int64)
        for column in range(self._slope.shape[1]):
            increment = self._increment[offer, column]
            stop = np.minimum(length, self._start[offer, column + 1])
            billed = -((position - stop) // increment) * increment
            billed = np.where(stop > position, billed, 0)
            total = total + self._slope[offer, column] * billed
            position = position + billed
        total = np.maximum(np.minimum(total, self._most[offer]), self._least[offer])
        grace = self._grace[offer]
        total = np.where((grace > 0) & (length <= grace), 0, total)
        unit = np.maximum(self._unit[offer], 1)
        step = money.scale(version.currency) // 10**version.places
        if version.rounding == "half":
            steps = (2 * total + unit) // (2 * unit)
        elif version.rounding == "up":
            steps = -(-total // unit)
        else:
            steps = total // unit
        return steps * step, left | (steps > _LARGEST // step)


def keys_of(numbers: Sequence[str], depth: int = DIGITS) -> Integers:
    """Numbers as integers that sort like their digits, a short number before every longer one
    that begins with it: digits are 1 to 10 in base 11, and nothing is 0. What is no number is 0.
    Only the first ``depth`` digits are looked at for the key.
    """
    text = np.asarray(numbers, dtype=f"S{DIGITS}")
    if not len(text):
        return np.zeros(0, dtype=np.int64)
    table = text.view(np.uint8).reshape(len(text), DIGITS)
    digits = table - np.uint8(ord("0") - 1)  # wraps around for what is below: over 10 as well
    digits[table == 0] = 0
    keys = np.zeros(len(text), dtype=np.int64)
    for place, power in enumerate(_POWERS[:depth]):
        keys += digits[:, place].astype(np.int64) * power
    keys[(digits > 10).any(axis=1)] = 0
    return keys


def _intervals(prefixes: Sequence[str]) -> tuple[Integers, Integers]:
    """Disjoint intervals of keys, by their starts, and whose each is (-1: nobody's).

    ``prefixes`` are sorted as text, so that one comes before all that it contains.
    """
    starts, owners = [0], [-1]
    open_ones: list[tuple[int, int]] = []  # where they end, and whose they are

    def close(until: int) -> None:
        while open_ones and open_ones[-1][0] <= until:
            end, _ = open_ones.pop()
            starts.append(end)
            owners.append(open_ones[-1][1] if open_ones else -1)

    keys = keys_of(prefixes).tolist()
    for owner, (prefix, key) in enumerate(zip(prefixes, keys, strict=True)):
        close(key)
        starts.append(key)
        owners.append(owner)
        open_ones.append((key + 11 ** (DIGITS - len(prefix)), owner))
    close(11**DIGITS)
    # Where several begin at one key the last one counts.
    return np.array(starts, dtype=np.int64), np.array(owners, dtype=np.int64)


def _date(second: int) -> date:
    return datetime.fromtimestamp(second, UTC).date()
