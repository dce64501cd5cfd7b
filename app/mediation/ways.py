"""The ways in which a call finds who pays for it, besides its account code. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from app.core.numbering import NumberPlan, to_e164

ACCOUNT, SUBSCRIBER, DOMAIN, ADDRESS, PREFIX = (
    "account",
    "subscriber",
    "domain",
    "address",
    "prefix",
)
# In this order where the operator set no other.
WAYS = (ACCOUNT, SUBSCRIBER, DOMAIN, ADDRESS, PREFIX)
# Those that rules are made for; account codes need none.
RULED = WAYS[1:]


@dataclass(frozen=True, slots=True)
class Payer:
    """An account that calls can be charged to."""

    account_id: int
    tenant_id: int
    currency: str


class Asked(NamedTuple):
    """What a call tells of who pays; ``dialled`` is as the switch wrote it."""

    account: str = ""
    domain: str = ""
    caller: str = ""
    src_ip: str = ""
    dialled: str = ""

    @classmethod
    def of(cls, cdr: Mapping[str, Any]) -> Asked:
        """What a CDR tells."""
        return cls(cdr["account"], cdr["domain"], cdr["caller"], cdr["src_ip"], cdr["dialled"])


class Rule(NamedTuple):
    """Who pays for calls that fit a pattern."""

    id: int
    way: str
    pattern: str
    payer: Payer
    trunk: str = ""

    @property
    def trunk_name(self) -> str:
        """The customer's trunk as CDRs name it; empty for a subscriber's or a domain's rule."""
        return self.trunk or (self.pattern if self.way in (ADDRESS, PREFIX) else "")


class Decision(NamedTuple):
    """Who pays, by which way and rule, and the ways that were tried before in vain."""

    payer: Payer | None
    way: str = ""
    rule: Rule | None = None
    tried: tuple[str, ...] = ()

    def number(self, dialled: str, plan: NumberPlan) -> str | None:
        """What was dialled without the rule's technical prefix, in E.164 digits where it is a
        number; None where no prefix decided."""
        if self.rule is None or self.rule.way != PREFIX:
            return None
        rest = dialled[len(self.rule.pattern) :]
        return (to_e164(rest, plan) or rest)[:64]


@dataclass(frozen=True, slots=True)
class Rules:
    """The order of the ways that are switched on, and rules ready to be looked up in."""

    order: Sequence[str] = WAYS
    exact: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    # by IP version: the lengths of prefixes, longest first, with rules by network number
    networks: Mapping[int, Sequence[tuple[int, Mapping[int, Rule]]]] = field(default_factory=dict)
    # the lengths of technical prefixes, longest first
    lengths: Sequence[int] = ()

    def find(self, way: str, asked: Asked) -> Rule | None:
        """The rule that fits by one way: the longest address or prefix, else the whole text."""
        if way == ADDRESS:
            return self._by_address(asked.src_ip) if self.networks else None
        if way == PREFIX:
            for length in self.lengths:
                rule = self.exact.get((PREFIX, asked.dialled[:length]))
                # A prefix alone is no number.
                if rule is not None and len(asked.dialled) > length:
                    return rule
            return None
        domain = asked.domain.lower()
        key = domain if way == DOMAIN else f"{asked.caller}@{domain}"
        return self.exact.get((way, key))

    def _by_address(self, text: str) -> Rule | None:
        try:
            address = ip_address(text.strip("[]"))
        except ValueError:
            return None
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        number = int(address)
        for length, rules in self.networks.get(address.version, ()):
            rule = rules.get(number >> (address.max_prefixlen - length))
            if rule is not None:
                return rule
        return None


def build(order: Sequence[str], rules: Iterable[Rule]) -> Rules:
    """Rules ready to be looked up in."""
    exact: dict[tuple[str, str], Rule] = {}
    networks: dict[int, dict[int, dict[int, Rule]]] = {}
    for rule in rules:
        if rule.way == ADDRESS:
            net = ip_network(rule.pattern)
            number = int(net.network_address) >> (net.max_prefixlen - net.prefixlen)
            networks.setdefault(net.version, {}).setdefault(net.prefixlen, {})[number] = rule
        else:
            exact[rule.way, rule.pattern] = rule
    return Rules(
        order,
        exact,
        {
            version: sorted(found.items(), key=lambda item: -item[0])
            for version, found in networks.items()
        },
        sorted({len(pattern) for way, pattern in exact if way == PREFIX}, reverse=True),
    )
