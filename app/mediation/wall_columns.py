"""Wall clocks as columns: thousands of a switch's times to UTC at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.core import clock

Integers = NDArray[np.int64]

# Times of before 1972 are none: the module writes the epoch where it knows none.
_BEFORE: Final = 1971
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks carry no zone
_SINCE_S: Final = (datetime(_BEFORE + 1, 1, 1) - _EPOCH).days * 86_400  # noqa: DTZ001
NONE: Final = -1
_ONE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_CLOCKS: Final = re.compile(f"{_ONE}(?: {_ONE})*", re.ASCII)


def walls_of(column: Sequence[Any]) -> Integers:
    """Wall clocks in milliseconds since 1970; ``NONE`` where the time is none, or of before 1972.

    By far most are text of one form; what is not is looked at one by one.
    """
    if set(map(type, column)) == {str} and _CLOCKS.fullmatch(" ".join(column)):
        try:
            seconds = np.array(column, dtype="datetime64[s]").astype(np.int64)
        except ValueError:  # the 31st of April, an hour 25
            seconds = None
        if seconds is not None:
            return np.where(seconds >= _SINCE_S, seconds * clock.SECOND, NONE)
    return np.array([_wall(value) for value in column], dtype=np.int64)


def _wall(value: Any) -> int:
    """That of a datetime or of text to the second; other text is left to who knows it better."""
    if value.__class__ is str:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return NONE
    if value.__class__ is not datetime or value.tzinfo is not None or value.year <= _BEFORE:
        return NONE
    apart = value - _EPOCH
    return NONE if value.microsecond else apart.days * clock.DAY + apart.seconds * clock.SECOND


def instants_of(walls: Integers, zone: str) -> Integers:
    """Wall clocks in UTC; ``NONE`` where that is none, or autumn's double hour."""
    minutes, which = np.unique(walls // clock.MINUTE, return_inverse=True)
    behind = [clock.behind_utc(minute, zone) if minute > 0 else () for minute in minutes.tolist()]
    apart = np.array([one[0] if len(one) == 1 else NONE for one in behind], dtype=np.int64)[which]
    return np.where((walls == NONE) | (apart == NONE), NONE, walls + apart)
