"""Who takes part in the demo: domains, subscribers, trunks, carriers. The same for ever.

Everything follows from one seed, so that a switch that starts later knows its customers.
Numbers of subscribers are those that the Bundesnetzagentur keeps for films (030 23125 xxx);
addresses come from the blocks for documentation (RFC 5737).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from random import Random

from app.opensips.simulator.destinations import (
    BY_PREFIX,
    DESTINATIONS,
    OWN_BLOCK,
    Destination,
)

SEED = 3606

DOMAINS = tuple(
    f"{name}.example"
    for name in [
        "nordwind",
        "alpenblick",
        "hafenstadt",
        "rheintal",
        "spreeufer",
        "elbtel",
        "isartel",
        "mainfon",
        "neckarnet",
        "weserkom",
        "harzfon",
        "ostsee-voice",
        "lausitz",
        "saartel",
    ]
)
# Domains of the three resellers, two each.
RESELLERS = {
    "Blauwal Telekom": ("blauwal.example", "blauwal-business.example"),
    "Kranich Voice": ("kranich.example", "kranich-pro.example"),
    "Zeisig Connect": ("zeisig.example", "zeisig-kmu.example"),
}
ALL_DOMAINS = DOMAINS + tuple(domain for pair in RESELLERS.values() for domain in pair)

# What some phone says about itself: text of a stranger that every screen must survive.
HOSTILE_AGENT = "<script>alert('cdr')</script>\"'><img src=x onerror=alert(1)> =HYPERLINK(\"x\")"

_PHONES = (
    "Yealink SIP-T46U 108.86.0.70",
    "snomD785/10.1.175.16",
    "Grandstream GXP2170 1.0.11.64",
    "Fritz!Box 7590 154.07.57",
    "Linphone Desktop/5.2.3",
    "PolyEdgeE350/8.1.1",
    "Zoiper rv2.10.20.5",
    "Cisco-CP-8845-3PCC/12.0.3",
)
_SERVERS = (
    "Asterisk PBX 20.9.3",
    "FreeSWITCH-mod_sofia/1.10.12",
    "Sansay-SPX/10.5",
    "OpenSIPS (3.4.9 (x86_64/linux))",
    "Metaswitch/9.6",
    "",
)
_FIRST = [
    "anna",
    "ben",
    "clara",
    "david",
    "emma",
    "felix",
    "greta",
    "hannes",
    "ida",
    "jonas",
    "katja",
    "lukas",
    "mia",
    "nils",
    "olga",
    "paul",
    "rosa",
    "stefan",
    "tina",
    "uwe",
    "vera",
    "wolf",
    "xenia",
    "yusuf",
    "zoe",
]
_LAST = [
    "albrecht",
    "becker",
    "cordes",
    "dietz",
    "ebert",
    "fuchs",
    "graf",
    "haas",
    "imhof",
    "jung",
    "koch",
    "lang",
    "maier",
    "neumann",
    "otto",
    "peters",
    "quandt",
    "richter",
    "sauer",
    "thiel",
    "ullrich",
    "vogt",
    "weber",
    "yilmaz",
    "ziegler",
]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A retail customer; ``account`` (user@domain) pays."""

    number: str
    username: str
    domain: str
    prepaid: bool
    # a prepaid customer whose money is nearly gone
    poor: bool
    agent: str
    address: str

    @property
    def account(self) -> str:
        return f"{self.username}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Trunk:
    """A wholesale customer, known by its address; ``name`` is its account."""

    name: str
    address: str
    agent: str
    dollars: bool
    domain: str
    # country codes that its callers come from, destinations that it sends
    home: Destination
    favourites: tuple[Destination, ...]


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who takes the calls: an id in dr_carriers and its gateways in dr_gateways."""

    name: str
    title: str
    gateways: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """All of them, and urns to draw from: a name lies in an urn as often as its weight says."""

    subscribers: tuple[Subscriber, ...]
    trunks: tuple[Trunk, ...]
    carriers: tuple[Carrier, ...]
    # destination prefix → indexes of its carriers, best first
    routes: dict[str, tuple[int, ...]]
    subscriber_urn: tuple[int, ...]
    trunk_urn: tuple[int, ...]
    retail_urn: tuple[Destination, ...]

    @property
    def hostile(self) -> Subscriber:
        return self.subscribers[666]

    @property
    def victim(self) -> Subscriber:
        """Whose password was stolen."""
        return self.subscribers[313]

    @property
    def disputing(self) -> Subscriber:
        return self.subscribers[144]


@cache
def cast() -> Cast:
    """The demo's cast."""
    rng = Random(SEED)
    subscribers = tuple(_subscriber(index, rng) for index in range(1000))
    carriers = tuple(_carrier(index) for index in range(40))
    trunks = tuple(_trunk(index, rng) for index in range(200))
    return Cast(
        subscribers,
        trunks,
        carriers,
        {d.prefix: tuple(rng.sample(range(40), 3)) for d in DESTINATIONS},
        # A few call all day, most now and then.
        _urn(1 + int(0.4 / (rng.random() + 0.01)) for _ in subscribers),
        _urn(1 + int(2.0 / (rng.random() + 0.03)) for _ in trunks),
        tuple(d for d in DESTINATIONS for _ in range(d.retail)),
    )


def _urn(weights: Iterable[int]) -> tuple[int, ...]:
    return tuple(index for index, weight in enumerate(weights) for _ in range(weight))


def _subscriber(index: int, rng: Random) -> Subscriber:
    number = f"{OWN_BLOCK}{index:03d}"
    named = rng.random() < 0.35
    username = f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}{index}" if named else number
    # Those whose stories are told must not run out of money.
    prepaid = rng.random() < 0.4 and index not in (313, 144, 666)
    agent = HOSTILE_AGENT if index == 666 else rng.choice(_PHONES)
    return Subscriber(
        number,
        username,
        ALL_DOMAINS[index % len(ALL_DOMAINS)],
        prepaid,
        prepaid and index % 100 < 2,
        agent,
        f"203.0.113.{rng.randrange(1, 255)}",
    )


def _trunk(index: int, rng: Random) -> Trunk:
    address = f"198.51.100.{index + 1}"
    homes = [BY_PREFIX[prefix] for prefix in ("44", "1", "31", "33", "48", "39", "90", "40")]
    choice = [d for d in DESTINATIONS for _ in range(d.wholesale)]
    return Trunk(
        f"trunk-{index + 1:04d}",
        address,
        rng.choice(_SERVERS),
        index % 4 == 3,
        address,
        rng.choice(homes),
        tuple(rng.choice(choice) for _ in range(12)),
    )


def _carrier(index: int) -> Carrier:
    name = f"carrier-{index + 1:02d}"
    count = 1 + index % 3
    return Carrier(
        name,
        f"{_CARRIERS[index % 20]} {'Wholesale' if index < 20 else 'Direct'}",
        tuple(f"gw-{index + 1:02d}-{number + 1}" for number in range(count)),
        tuple(f"192.0.2.{index * 4 + number + 1}:5060" for number in range(count)),
    )


_CARRIERS = [
    "Aurora",
    "Borealis",
    "Cirrus",
    "Delta",
    "Europa",
    "Fjord",
    "Galaxy",
    "Helios",
    "Iberia",
    "Jupiter",
    "Kosmos",
    "Lumen",
    "Meridian",
    "Neptun",
    "Orion",
    "Pacifica",
    "Quantum",
    "Rhein",
    "Skandia",
    "Titan",
]
