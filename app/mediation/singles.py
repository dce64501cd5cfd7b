"""Calls of one row each, column by column: by far the most calls of a large window are. Pure.

What ``correlate`` and ``normalise`` make of such a row, made of thousands at once. Every row that
is not plainly a call by itself is left to those two; the tests hold both ways against each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import itemgetter
from typing import Any, Final

import numpy as np

from app.core import clock
from app.core.numbering import NumberPlan, to_e164
from app.mediation import attempts
from app.mediation.call import ACC, Row
from app.mediation.columns import STOCK, Layout, Raw, build_row, text_of
from app.mediation.normalise import FUTURE_MS, Habits
from app.mediation.number_rules import CALLEE, CALLER, e164
from app.mediation.wall_columns import NONE, Integers, instants_of, walls_of

# By name, one entry a call: the fields of ``Call``, and ``id`` and ``written_at`` of the row.
Columns = dict[str, list[Any]]

# How much of what the operator's columns say is kept; what is not here has a meaning of its own.
_TEXTS: Final = {
    "gateway": 64,
    "carrier": 64,
    "src_ip": 45,
    "user_agent": 255,
    "routed": 64,
    "trunk": 64,
}
_PLUS: Final = "+"
_LONGEST: Final = 33  # a plus sign and 32 digits
_APART_MS: Final = clock.HOUR - clock.MINUTE


@dataclass(slots=True)
class Singles:
    """Rows of ``acc`` that are a call each, as they were read and as columns."""

    raws: list[Raw]
    layout: Layout
    epoch: int
    seen_at: int
    columns: Columns

    def __len__(self) -> int:
        return len(self.raws)

    def take_out(self, places: Collection[int]) -> tuple[list[Row], list[Raw]]:
        """Removes some, which need a closer look; their rows, and the same as they were read."""
        out = [self.raws[place] for place in places]
        keep = [True] * len(self.raws)
        for place in places:
            keep[place] = False
        self.raws = list(compress(self.raws, keep))
        self.columns = {name: list(compress(all_, keep)) for name, all_ in self.columns.items()}
        return [build_row(ACC, raw, self.layout, self.seen_at) for raw in out], out

    def places_of(self, call_ids: Collection[str]) -> list[int]:
        """Where these Call-IDs are."""
        if not call_ids:
            return []
        mine = self.columns["call_id"]
        return [place for place, call_id in enumerate(mine) if call_id in call_ids]


def pick(
    raws: Sequence[Raw],
    layout: Layout,
    habits: Habits,
    *,
    epoch: int,
    seen_at: int,
    after: int = 0,
) -> tuple[Singles, list[int]]:
    """The calls of one row among rows of ``acc``, and the places of all other rows.

    Rows up to the id ``after`` are left to others.
    """
    nothing = Singles([], layout, epoch, seen_at, {}), list(range(len(raws)))
    columns = list(zip(*raws, strict=True))
    stock = dict(zip(STOCK, columns, strict=False))
    numbers = [stock[name] for name in ("id", "setuptime", "ms_duration")]
    if not all({int, type(None)}.issuperset(map(type, column)) for column in numbers):
        return nothing
    call_ids, codes, walls = (
        _texts(stock["callid"]),
        _texts(stock["sip_code"]),
        walls_of(stock["time"]),
    )
    moments = instants_of(walls, habits.zone)
    created = walls_of(stock["created"])
    lengths = _integers(stock["ms_duration"])
    fit = set(filter(_is_final, set(codes)))
    again = _repeated(call_ids)
    sound = (moments != NONE) & (created != NONE) & (lengths >= 0)
    sound &= (moments <= seen_at + FUTURE_MS) & (_integers(stock["id"]) > after)
    places = [
        place
        for place, (is_sound, method, call_id, code) in enumerate(
            zip(sound.tolist(), _texts(stock["method"]), call_ids, codes, strict=True)
        )
        if is_sound and method == "INVITE" and code in fit and call_id and call_id not in again
    ]
    if len(places) < 2:
        return nothing
    mine = columns
    left: list[int] = []
    if len(places) < len(raws):
        chosen = itemgetter(*places)
        mine, raws = [chosen(column) for column in columns], chosen(raws)
        walls, moments, created = walls[places], moments[places], created[places]
        left = sorted(set(range(len(columns[0]))).difference(places))
    made = _columns(mine, layout, habits, walls, moments, created)
    return Singles(list(raws), layout, epoch, seen_at, made), left


def _is_final(code: str) -> bool:
    """Whether a reply that closes a call has this code."""
    return len(code) == 3 and code.isascii() and code.isdigit() and code[0] != "1"


def _repeated(call_ids: list[str]) -> Collection[str]:
    if len(set(call_ids)) == len(call_ids):
        return ()
    return {call_id for call_id, count in Counter(call_ids).items() if count > 1}


def _columns(
    columns: Sequence[Sequence[Any]],
    layout: Layout,
    habits: Habits,
    walls: Integers,
    moments: Integers,
    created: Integers,
) -> Columns:
    """The calls' columns; all rows are known to be calls."""
    stock = dict(zip(STOCK, columns, strict=False))
    said = {meaning: _texts(columns[place]) for meaning, place in layout.meanings}
    nothing = [""] * len(moments)

    def told(meaning: str) -> list[str]:
        return said.get(meaning, nothing)

    plan, domains, codes = habits.plan, told("caller_domain"), _texts(stock["sip_code"])
    answered = [code[0] == "2" for code in codes]
    lengths = _integers(stock["ms_duration"])
    durations = np.where(answered, lengths, 0)
    at = moments.tolist()
    of = {code: int(code) for code in set(codes)}
    counts = _each(told("attempt"), lambda text: attempts.count({"attempt": text}))
    return {
        "id": list(stock["id"]),
        "written_at": (moments + lengths).tolist(),
        "call_id": _texts(stock["callid"]),
        "from_tag": _texts(stock["from_tag"]),
        "to_tag": _texts(stock["to_tag"]),
        "charge_id": [text or None for text in told("charge_id")],
        "caller": clipped(_numbers(told("caller"), domains, habits, CALLER), 64),
        "callee": clipped(_numbers(told("callee"), domains, habits, CALLEE), 64),
        "dialled": clipped(told("callee"), 128),
        "domain": clipped(domains, 128),
        "account": clipped(told("account"), 128),
        **{meaning: clipped(told(meaning), most) for meaning, most in _TEXTS.items()},
        "setup_at": (moments - _apart(walls - created, _integers(stock["setuptime"]))).tolist(),
        "answered_at": [
            moment if is_answered else None
            for moment, is_answered in zip(at, answered, strict=True)
        ],
        "ended_at": (moments + durations).tolist(),
        "duration_ms": durations.tolist(),
        "sip_code": [of[code] for code in codes],
        "sip_reason": clipped(_texts(stock["sip_reason"]), 128),
        "asserted": clipped(_plainly(told("asserted"), plan), 64),
        "routing_number": clipped(_plainly(told("routing_number"), plan), 32),
        "pdd_ms": _each(told("pdd_ms"), lambda text: attempts.number(text, attempts.MOST_MS)),
        "hangup": _each(told("hangup"), lambda text: attempts.hangup({"hangup": text})),
        "cause": _each(told("cause"), lambda text: attempts.cause({"cause": text})),
        "attempts": counts,
        "first_ms": _last_delay(told("first_ms"), counts),
        "final_ms": _last_delay(told("final_ms"), counts),
    }


def _last_delay(texts: list[str], counts: list[int]) -> list[int | None]:
    """The last gateway's own delay, kept where another was tried before it (milliseconds)."""
    if not any(texts):
        return [None] * len(texts)
    return [
        attempts.number(text, attempts.MOST_MS) if count > 1 else None
        for text, count in zip(texts, counts, strict=True)
    ]


def _apart(apart: Integers, setuptime: Integers) -> Integers:
    """How long before its moment a call was set up, as ``normalise`` has it (milliseconds)."""
    true = setuptime * clock.SECOND
    return np.where(abs(apart - true) >= _APART_MS, true, apart)


def _integers(column: Sequence[int | None]) -> Integers:
    return np.array([number or 0 for number in column], dtype=np.int64)


def _texts(column: Sequence[Any]) -> list[str]:
    kinds = set(map(type, column))
    if kinds == {str}:
        texts = list(column)
    elif kinds <= {str, type(None)}:
        texts = [value or "" for value in column]
    else:
        return [text_of(value) for value in column]
    return list(map(text_of, texts)) if "\x00" in "".join(texts) else texts


def clipped(texts: list[str], most: int) -> list[str]:
    """Texts, none longer than that."""
    if max(map(len, texts), default=0) <= most:
        return texts
    return [text[:most] for text in texts]


def _each(texts: list[str], meaning: Callable[[str], Any]) -> list[Any]:
    """What each text means; few are different."""
    known = {text: meaning(text) for text in set(texts)}
    return [known[text] for text in texts]


def _plainly(texts: list[str], plan: NumberPlan) -> list[str]:
    return _each(texts, lambda text: to_e164(text, plan) or text)


def _numbers(texts: list[str], domains: list[str], habits: Habits, side: str) -> list[str]:
    """Digits where they are numbers, else the texts themselves."""
    plan, rules = habits.plan, habits.rules
    if rules.rules:
        return [
            e164(text, plan, rules, side, domain) or text
            for text, domain in zip(texts, domains, strict=True)
        ]
    if plan.international[:1] != (_PLUS,):
        return [to_e164(text, plan) or text for text in texts]
    # What is written as RFC 3966 has it needs no looking at the dialling plan.
    return [
        text[1:]
        if text[:1] == _PLUS and text.isascii() and text[1:].isdigit() and len(text) <= _LONGEST
        else to_e164(text, plan) or text
        for text in texts
    ]
