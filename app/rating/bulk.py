"""Many calls of one tariff version: the kernel prices them, the reference what is left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.rating import reference
from app.rating.columns import Integers, Kernel, Prices
from app.rating.tariff import Match, Version


class Bulk:
    """A version ready for many calls; ``handed`` counts those that the reference priced."""

    def __init__(self, version: Version) -> None:
        self.kernel = Kernel(version)
        self.handed = 0
        self.version = version

    def price(self, numbers: Sequence[str], duration_ms: Integers, at_ms: Integers) -> Prices:
        """As ``Kernel.price``, with nothing left over. Callers' origins are not looked at."""
        priced = self.kernel.price(numbers, duration_ms, at_ms)
        left = priced.rate >= 0 if not self.kernel.able else priced.left
        units = priced.units.copy()
        for place in np.flatnonzero(left).tolist():
            match = Match(self.version, self.kernel.rates[int(priced.rate[place])])
            exact = reference.price(match, int(duration_ms[place]), at_ms=int(at_ms[place]))
            units[place] = exact.units
            self.handed += 1
        return Prices(priced.rate, units, np.zeros(len(units), dtype=np.bool_))
