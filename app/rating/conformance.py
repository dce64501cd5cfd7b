"""Runs rating cases: a tariff plan, an event, perhaps an account, and what must come out.

The format is that of ``conformance/cgrates-rating.json`` (its ``about`` explains it). Each case
runs exactly and as CGRateS computes; where the two differ the file has a figure for each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.core.errors import InvalidInput
from app.core.words import _
from app.rating import cgrates_rounding, reference, steps
from app.rating.arithmetic import Arithmetic, Exact
from app.rating.cgrates.accounts import account, kind
from app.rating.cgrates.fields import SECOND, instant, number, seconds_text, ticks
from app.rating.cgrates.plan import ANY, TariffPlan, read
from app.rating.cgrates.resolve import PlanRates
from app.rating.settle import Settled, longest, settle, settle_longest
from app.rating.usage import Refused, Usage
from app.rating.walk import walk

EXACT, COMPATIBLE = "exact", "cgrates"
_PLACES = 5  # general.rounding_decimals as shipped
# A figure with more decimals than money has was cut by whoever wrote it down.
_CUT = Decimal("1e-9")

Outcome = str | dict[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One case in one mode; ``note`` names what failed where expected and got do not show it."""

    id: str
    kind: str
    mode: str
    expected: Outcome
    got: Outcome
    ok: bool
    note: str = ""

    def line(self) -> str:
        """One JSON object."""
        found: dict[str, object] = {
            "id": self.id,
            "kind": self.kind,
            "mode": self.mode,
            "expected": self.expected,
            "got": self.got,
            "ok": self.ok,
        }
        if self.note:
            found["note"] = self.note
        return json.dumps(found, ensure_ascii=False)


def run(text: str) -> Iterator[Verdict]:
    """The verdicts on all cases of a file, in both modes; raises InvalidInput when it is none."""
    try:
        cases = json.loads(text, parse_float=Decimal)["cases"]
    except (ValueError, KeyError, TypeError) as exc:
        raise InvalidInput(
            _("This is no file of rating cases."), "See conformance/cgrates-rating.json."
        ) from exc
    for case in cases:
        for mode in (EXACT, COMPATIBLE):
            yield judge(case, mode)


def judge(case: Mapping[str, Any], mode: str) -> Verdict:
    """One case in one mode. A case that cannot be read is a failed one."""
    wanted = _Wanted(case["expect"], mode, str(case["event"].get("tor") or "*voice"))
    what = str(case["kind"])
    expected = wanted.main(what)
    try:
        subject = _Case(case, mode)
        got, notes = subject.outcome(what, wanted)
    except Refused as refusal:
        got, notes = {"error": refusal.code}, []
    except (InvalidInput, LookupError, ValueError, TypeError, ArithmeticError) as exc:
        got, notes = {"error": "INVALID_CASE"}, [f"{type(exc).__name__}: {exc}"]
    ok = _same(expected, got) and not notes
    return Verdict(str(case["id"]), what, mode, expected, got, ok, "; ".join(notes))


class _Case:
    """A case made ready: plan, event and account as values."""

    def __init__(self, case: Mapping[str, Any], mode: str) -> None:
        event = case["event"]
        self.event = event
        self.faithful = mode == COMPATIBLE
        places = case.get("system_rounding_decimals")
        self.places = _PLACES if places is None else int(places)
        self.plan = read(_tables(case.get("tariff_plan") or {}))
        self.at = instant(str(event.get("answer_time") or event.get("setup_time") or ""))
        self.length = ticks(event.get("usage"))
        self.tor = str(event.get("tor") or "*voice")
        self.account = case.get("account")
        subject = str(event.get("subject") or event.get("account") or "")
        self.rates = PlanRates(
            self.plan,
            str(event.get("tenant") or ""),
            str(event.get("category") or ""),
            subject,
            str(event.get("destination") or ANY),
            self.at,
            self.tor == "*voice",
            self.faithful,
        )
        self.first = not int(event.get("segment_index") or 0)

    def outcome(self, what: str, wanted: _Wanted) -> tuple[Outcome, list[str]]:
        """What came out, and what else of the expectation was missed."""
        if what == "cost":
            return self._cost(wanted)
        plan: TariffPlan = self.plan
        if self.account is None:
            raise Refused("ACCOUNT_NOT_FOUND")
        owner = account(self.account, plan)
        arithmetic: Arithmetic[Any] = (
            cgrates_rounding.Cgrates(self.places) if self.faithful else Exact()
        )
        if what == "max_usage":
            return self._length(longest(arithmetic, self.rates, owner, self._usage())), []
        event = self.event
        rounding = bool(event.get("perform_rounding"))
        if event.get("max_debit"):
            settled = settle_longest(
                arithmetic,
                self.rates,
                owner,
                self._usage(),
                rounding=rounding,
                forced=bool(event.get("force_duration")),
            )
        else:
            may = not event.get("deny_negative") and not event.get("deny_negative_account")
            settled = settle(
                arithmetic, self.rates, owner, self._usage(), may_go_below=may, rounding=rounding
            )
        return self._debited(settled, wanted)

    def _usage(self) -> Usage:
        event = self.event
        unit = ticks(event.get("max_rate_unit"))
        dearest = number(event.get("max_rate")) / unit if unit and event.get("max_rate") else None
        factor = event.get("balance_factor_id") or event.get("balance_factor") or ""
        return Usage(
            kind(self.tor),
            self.at,
            self.length,
            str(event.get("category") or ""),
            SECOND,
            self.first,
            dearest,
            str(factor),
        )

    def _cost(self, wanted: _Wanted) -> tuple[Outcome, list[str]]:
        if self.length <= 0:  # nothing was used: not even the connect fee is asked for
            return "0", []
        spans = self.rates.spans("", 0, self.length)
        offset = min(self.length - ticks(self.event.get("duration_index")), 0)
        pieces = list(walk(spans, 0, self.length, offset=offset))
        fee = spans[0].price.connect_fee if self.first else Fraction(0)
        if self.faithful:
            amount = cgrates_rounding.cost(pieces, fee, self.places)
        else:
            total = reference.total_of(pieces, spans[0].price, self.length, fee=fee)
            final = cgrates_rounding.final_rounding(pieces)
            amount = reference.rounded(total.amount, final)
        first, usage = pieces[0].span, sum(piece.length for piece in pieces)
        return _text(amount), [
            note
            for note in (
                wanted.beside("matched_prefix", first.prefix),
                wanted.beside("matched_destination", first.destination),
                wanted.beside("matched_subject", first.subject),
                wanted.beside("rated_usage", self._length(usage)),
                wanted.beside("connect_fee_charged", _text(fee)),
            )
            if note
        ]

    def _debited(self, settled: Settled, wanted: _Wanted) -> tuple[Outcome, list[str]]:
        notes = [
            wanted.beside("cost", _text(settled.cost), exact_too=True),
            wanted.beside("max_usage", self._length(settled.length)),
        ]
        values = {key: _text(value) for key, value in settled.values.items()}
        got = {key: values.get(key, "0") for key in wanted.balances()}
        return got, [note for note in notes if note]

    def _length(self, length: int | None) -> str:
        return "unlimited" if length is None else _length_text(length, self.tor)


class _Wanted:
    """The expectation of a case in one mode."""

    def __init__(self, expect: Mapping[str, Any], mode: str, tor: str) -> None:
        self._expect = expect
        self._exact = mode == EXACT
        self._tor = tor

    def main(self, what: str) -> Outcome:
        """What the line shows as expected."""
        if self._expect.get("error"):
            return {"error": str(self._expect["error"])}
        if what == "cost":
            return _text(number(self._figure("cost")))
        if what == "max_usage":
            return self._usage(self._figure("max_usage"))
        return {key: _text(number(value)) for key, value in self.balances().items()}

    def balances(self) -> Mapping[str, Any]:
        """The balances that are looked at afterwards."""
        found: Mapping[str, Any] = self._figure("balances") or {}
        return found

    def beside(self, key: str, got: str, *, exact_too: bool = False) -> str:
        """A sentence when a further expectation of that name is missed, else nothing."""
        wanted = self._figure(key) if exact_too else self._expect.get(key)
        if wanted is None:
            return ""
        if key in ("max_usage", "rated_usage"):
            text = self._usage(wanted)
        else:
            text = wanted if isinstance(wanted, str) else _text(number(wanted))
        return "" if _same(text, got) else f"{key}: expected {text}, got {got}"

    def _figure(self, key: str) -> Any:
        names = (f"exact_{key}_after_plan_rounding", f"exact_{key}") if self._exact else ()
        for name in (*names, key):
            if self._expect.get(name) is not None:
                return self._expect[name]
        return None

    def _usage(self, wanted: Any) -> str:
        text = str(wanted)
        if text in ("unlimited", "-1", "*unlimited"):
            return "unlimited"
        return _length_text(ticks(text), self._tor)


def _length_text(length: int, tor: str) -> str:
    """A duration for calls; plain units for messages and bytes, unless they are whole seconds."""
    if tor != "*voice" and length % SECOND:
        return str(length)
    return seconds_text(length)


def _tables(plan: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """The rows of each table, their cells as text."""
    return {
        name: [["" if cell is None else str(cell) for cell in row] for row in table["rows"]]
        for name, table in plan.items()
    }


def _text(value: Fraction) -> str:
    return steps.exact_text(value).removeprefix("≈ ")


def _same(expected: Outcome, got: Outcome) -> bool:
    if isinstance(expected, dict) or isinstance(got, dict):
        if not isinstance(expected, dict) or not isinstance(got, dict):
            return False
        return expected.keys() == got.keys() and all(
            _same(expected[key], got[key]) for key in expected
        )
    if expected == got:
        return True
    try:
        one, other = Decimal(expected), Decimal(got)
    except ArithmeticError:
        return False
    return abs(one - other) < _CUT
