"""One call of the demo, from its INVITE to its end, drawn by lot. Pure: no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from app.opensips.simulator.cast import Cast, Subscriber, Trunk
from app.opensips.simulator.destinations import Destination

REASONS = {
    200: "OK",
    404: "Not Found",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    487: "Request Terminated",
    503: "Service Unavailable",
    603: "Decline",
}
# The script's ringing timer (tm module, fr_inv_timeout) and the longest dialog
# (dialog module, default_timeout).
RING_LIMIT_MS = 30_000
DIALOG_LIMIT_MS = 14_400_000

# One in a hundred each: how calls end when nothing else is said.
_RETAIL_ENDS = (
    (200,) * 61 + (486,) * 10 + (487,) * 14 + (408,) * 7 + (404,) * 4 + (480,) * 3 + (603,)
)
_TRUNK_ENDS = (
    (200,) * 46 + (486,) * 12 + (487,) * 18 + (408,) * 7 + (404,) * 10 + (480,) * 4 + (503,) * 3
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A gateway that was tried in vain before another one."""

    gateway: str
    carrier: str
    at_ms: int
    to_tag: str


@dataclass(slots=True)
class Call:
    """What happens and when (instants in milliseconds UTC); who, as the extra columns say it."""

    setup_ms: int
    final_ms: int  # the final reply to the INVITE
    end_ms: int  # the BYE; the final reply if there was no answer
    code: int
    callid: str
    from_tag: str
    to_tag: str | None
    caller: str
    callee: str
    domain: str
    account: str
    gateway: str | None
    carrier: str | None
    src_ip: str
    agent: str
    charge_id: str | None
    failed: tuple[Attempt, ...] = ()
    # False for a script without the cdr flag that accounts INVITE and BYE by themselves
    by_dialog: bool = True
    ended_by_switch: bool = False

    @property
    def answered(self) -> bool:
        return self.code == 200

    @property
    def trunk(self) -> str | None:
        """The customer's trunk: subscribers have an account with a domain."""
        return None if "@" in self.account else self.account

    @property
    def routed(self) -> str:
        """The number as the demo's dialplan writes it for gateways."""
        if self.gateway is None:
            return self.callee
        number = self.callee.removeprefix("+").removeprefix("00")
        return f"49{number[1:]}" if number.startswith("0") else number

    @property
    def ring_ms(self) -> int | None:
        """From the INVITE to the last gateway until it rang; None when it never did."""
        since = self.failed[-1].at_ms if self.failed else self.setup_ms
        waited = self.final_ms - since
        if self.code in (404, 503) or waited < 1:
            return None
        # Told by the instant, not by lot: the demo's calls stay the same.
        return min(180 + self.setup_ms % 1_700, waited)

    @property
    def hangup(self) -> str:
        """Who ended it, as the shipped script tells it."""
        if self.ended_by_switch:
            return "switch"
        if self.answered:
            if self.talk_ms >= DIALOG_LIMIT_MS:
                return "timeout"
            return "caller" if self.setup_ms % 100 < 58 else "callee"
        if self.code not in (408, 487):
            return ""
        return "timeout" if self.final_ms - self.setup_ms >= RING_LIMIT_MS else "caller"

    @property
    def talk_ms(self) -> int:
        """From answer to BYE."""
        return self.end_ms - self.final_ms


def draw_retail(rng: Random, cast: Cast, at_ms: int) -> Call:
    """A subscriber's call that comes in at an instant."""
    who = cast.subscribers[_pick(rng, cast.subscriber_urn)]
    lot = rng.random()
    if lot < 0.06:
        called = cast.subscribers[int(rng.random() * 1000)]
        call = from_subscriber(rng, who, at_ms, f"0{called.number[2:]}", None)
    elif lot < 0.064:
        call = from_subscriber(rng, who, at_ms, "*97", None)
    else:
        where = cast.retail_urn[int(rng.random() * len(cast.retail_urn))]
        call = from_subscriber(rng, who, at_ms, dialled(rng, where), where, cast)
    _happen(call, rng, cast, _pick_code(rng, _RETAIL_ENDS), 11.1, 1.25)
    return call


def draw_wholesale(rng: Random, cast: Cast, at_ms: int) -> Call:
    """A trunk's call that comes in at an instant."""
    trunk = cast.trunks[_pick(rng, cast.trunk_urn)]
    where = trunk.favourites[int(rng.random() * rng.random() * len(trunk.favourites))]
    call = from_trunk(rng, trunk, at_ms, where, cast)
    _happen(call, rng, cast, _pick_code(rng, _TRUNK_ENDS), 10.8, 1.2)
    return call


def from_subscriber(
    rng: Random,
    who: Subscriber,
    at_ms: int,
    callee: str,
    where: Destination | None,
    cast: Cast | None = None,
) -> Call:
    """The INVITE of a subscriber; without a destination the call stays in the house."""
    gateway, carrier = _route(rng, cast, where) if cast and where else (None, None)
    bits = f"{rng.getrandbits(160):040x}"
    return Call(
        setup_ms=at_ms,
        final_ms=at_ms,
        end_ms=at_ms,
        code=200,
        callid=f"{bits[:20]}@{who.address}"
        if bits[0] < "9"
        else f"1_{int(bits[:8], 16)}@{bits[8:16]}",
        from_tag=bits[20:30],
        to_tag=f"as{bits[30:38]}",
        caller=who.username,
        callee=callee,
        domain=who.domain,
        account=who.account,
        gateway=gateway,
        carrier=carrier,
        src_ip=who.address,
        agent=who.agent,
        charge_id=_uuid(rng) if who.prepaid else None,
    )


def from_trunk(rng: Random, trunk: Trunk, at_ms: int, where: Destination, cast: Cast) -> Call:
    """The INVITE of a wholesale customer."""
    gateway, carrier = _route(rng, cast, where)
    bits = f"{rng.getrandbits(160):040x}"
    return Call(
        setup_ms=at_ms,
        final_ms=at_ms,
        end_ms=at_ms,
        code=200,
        callid=f"{bits[:8]}-{bits[8:12]}-123d-{bits[12:16]}-{bits[16:28]}",
        from_tag=f"gK{bits[28:36]}",
        to_tag=f"{bits[4:12]}-{bits[20:24]}",
        caller=f"+{number_in(rng, trunk.home)}",
        callee=f"+{number_in(rng, where)}",
        domain=trunk.domain,
        account=trunk.name,
        gateway=gateway,
        carrier=carrier,
        src_ip=trunk.address,
        agent=trunk.agent,
        charge_id=None,
    )


def number_in(rng: Random, where: Destination) -> str:
    """Digits of an E.164 number of a destination."""
    digits = f"{int(rng.random() * 10 ** (where.digits - 1)):0{where.digits - 1}d}"
    return f"{where.prefix}{2 + int(rng.random() * 7)}{digits}"


def dialled(rng: Random, where: Destination) -> str:
    """A number as a German subscriber's phone sends it: 0…, 00… or +…."""
    number = number_in(rng, where)
    lot = rng.random()
    if lot < 0.2:
        return f"+{number}"
    if number.startswith("49") and lot < 0.85:
        return f"0{number[2:]}"
    return f"00{number}"


def talk(call: Call, ring_ms: int, talk_ms: int) -> Call:
    """Lets a call be answered and last that long."""
    call.code = 200
    call.final_ms = call.setup_ms + ring_ms
    call.end_ms = call.final_ms + talk_ms
    return call


def fail_over(call: Call, rng: Random, cast: Cast) -> None:
    """Lets the first gateway answer 503, and another one take the call."""
    if call.gateway is None or call.carrier is None:
        return
    at_ms = call.setup_ms + 40 + int(rng.random() * 900)
    call.failed = (Attempt(call.gateway, call.carrier, at_ms, f"{rng.getrandbits(40):010x}"),)
    others = [carrier for carrier in cast.carriers[:8] if carrier.name != call.carrier]
    chosen = others[int(rng.random() * len(others))]
    call.carrier, call.gateway = chosen.name, chosen.gateways[0]
    call.final_ms = max(call.final_ms, at_ms + 60)
    call.end_ms = max(call.end_ms, call.final_ms)


def _happen(call: Call, rng: Random, cast: Cast, code: int, mu: float, sigma: float) -> None:
    lot = rng.random()
    if code == 200:
        length = int(rng.lognormvariate(mu, sigma))
        talk(call, 800 + int(22_000 * lot * lot), min(length, 3 * 3_600_000))
        if rng.random() < 0.035:
            fail_over(call, rng, cast)
        return
    ring = 150 + int(700 * lot)
    if code == 487:
        ring = 1_500 + int(24_000 * lot)
    elif code == 408:
        ring = RING_LIMIT_MS + int(90 * lot)
        # The gateway's 487 wins the race against our own 408 more often than not; our own
        # reply carries no To tag.
        code = 408 if lot < 0.4 else 487
        call.to_tag = call.to_tag if code == 487 else None
    elif code == 486:
        ring = 900 + int(5_000 * lot)
    call.code = code
    call.final_ms = call.end_ms = call.setup_ms + ring
    if code == 503:
        fail_over(call, rng, cast)


def _pick(rng: Random, urn: tuple[int, ...]) -> int:
    return urn[int(rng.random() * len(urn))]


def _pick_code(rng: Random, ends: tuple[int, ...]) -> int:
    return ends[int(rng.random() * len(ends))]


def _route(rng: Random, cast: Cast, where: Destination) -> tuple[str, str]:
    lot = rng.random()
    place = 0 if lot < 0.72 else 1 if lot < 0.94 else 2
    carrier = cast.carriers[cast.routes[where.prefix][place]]
    return carrier.gateways[int(rng.random() * len(carrier.gateways))], carrier.name


def _uuid(rng: Random) -> str:
    bits = f"{rng.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"
