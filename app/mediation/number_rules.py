"""A source's rules for numbers: what is taken off and put on before its dialling plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from app.core.numbering import NumberPlan, to_e164

CALLER, CALLEE, BOTH = "caller", "callee", "both"
SIDES = (CALLER, CALLEE, BOTH)

# Blanks and strokes between digits are no part of what a rule looks at (RFC 3966).
_SEPARATORS = str.maketrans("", "", "-.() \t")


class Rule(NamedTuple):
    """Numbers that begin with ``prefix`` and have ``least`` to ``most`` signs lose the first
    ``strip`` signs (None: the prefix) and get ``add`` in front.

    ``domain`` is the caller's in small letters, empty for all.
    """

    id: int
    side: str
    domain: str = ""
    prefix: str = ""
    least: int | None = None
    most: int | None = None
    strip: int | None = None
    add: str = ""

    def fits(self, number: str) -> bool:
        """Whether a number without separators is one of those."""
        length = len(number)
        return (
            number.startswith(self.prefix)
            and (self.least is None or length >= self.least)
            and (self.most is None or length <= self.most)
        )

    def changed(self, number: str) -> str:
        """What the rule makes of a number that it fits."""
        off = len(self.prefix) if self.strip is None else self.strip
        return self.add + number[off:]


class Step(NamedTuple):
    """A rule that was looked at for a number, and whether it was the one."""

    rule: Rule
    fits: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one source in their order; the first that fits is the only one applied."""

    rules: tuple[Rule, ...] = ()
    # by side and domain, those for all domains behind a domain's own
    _by: Mapping[tuple[str, str], tuple[Rule, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        domains = {rule.domain for rule in self.rules} | {""}
        found = {
            (side, domain): tuple(
                rule
                for wanted in dict.fromkeys((domain, ""))
                for rule in self.rules
                if rule.domain == wanted and rule.side in (side, BOTH)
            )
            for side in (CALLER, CALLEE)
            for domain in domains
        }
        object.__setattr__(self, "_by", found)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def of(self, side: str, domain: str) -> tuple[Rule, ...]:
        """The rules that are looked at, in order."""
        return self._by.get((side, domain.lower())) or self._by[side, ""]

    def applied(self, side: str, number: str, domain: str) -> str:
        """The number as the first rule that fits makes it, else as it is."""
        plain = number.translate(_SEPARATORS)
        for rule in self.of(side, domain):
            if rule.fits(plain):
                return rule.changed(plain)
        return number

    def tried(self, side: str, number: str, domain: str) -> list[Step]:
        """The rules that are looked at, up to the one that fits."""
        plain = number.translate(_SEPARATORS)
        steps = []
        for rule in self.of(side, domain):
            steps.append(Step(rule, rule.fits(plain)))
            if steps[-1].fits:
                break
        return steps


def ordered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """In the order in which they are looked at: those of one domain before those of all."""
    return tuple(sorted(rules, key=lambda rule: (rule.domain == "", rule.domain)))


def e164(number: str | None, plan: NumberPlan, rules: Rules, side: str, domain: str) -> str:
    """Digits of the E.164 number that a caller or callee is; empty where it is no number.

    Where a rule makes no number of it, the dialling plan alone is asked: a rule for short
    numbers does not spoil a name.
    """
    if not number:
        return ""
    if rules.rules:
        changed = rules.applied(side, number, domain)
        if changed != number and (found := to_e164(changed, plan)):
            return found
    return to_e164(number, plan) or ""
