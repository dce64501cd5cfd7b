"""Things that happened to the demo carrier: what its screens should find."""

from __future__ import annotations

from random import Random

from app.core import clock
from app.opensips.simulator.call import (
    DIALOG_LIMIT_MS,
    Call,
    from_subscriber,
    from_trunk,
    number_in,
    talk,
)
from app.opensips.simulator.cast import Cast
from app.opensips.simulator.destinations import BELOW_COST, BY_PREFIX, FRAUD, UNPRICED
from app.opensips.simulator.rows import Row, Written, lengths, wall
from app.opensips.tables import EXTRA_COLUMNS

FRAUD_DAYS_AGO = 9
DISPUTE_DAYS_AGO = 16
CHEAP_DAYS = 20


def calls(rng: Random, cast: Cast, zone: str, until_ms: int, days: int) -> list[Call]:
    """The calls of all stories that fit into the history's length."""
    found = _hostile(rng, cast, until_ms) + _satellite(rng, cast, until_ms)
    found += _legacy(rng, cast, until_ms) + _twins(rng, cast, until_ms)
    if days > FRAUD_DAYS_AGO + 1:
        found += _fraud(rng, cast, zone, until_ms)
    if days > CHEAP_DAYS:
        found += [
            *_below_cost(rng, cast, until_ms),
            _disputed(rng, cast, zone, until_ms),
        ]
    return found


def local_midnight(at_ms: int, zone: str) -> int:
    """The instant at which the local day of an instant began (an hour off on two days a year)."""
    local = wall(at_ms, zone)
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    return at_ms - at_ms % clock.SECOND - seconds * clock.SECOND


def _fraud(rng: Random, cast: Cast, zone: str, until_ms: int) -> list[Call]:
    """A stolen password: from two to four at night one subscriber rings far and dear numbers."""
    night = local_midnight(until_ms - FRAUD_DAYS_AGO * clock.DAY, zone) + 2 * clock.HOUR
    found = []
    for _ in range(460):
        where = BY_PREFIX[FRAUD[int(rng.random() * len(FRAUD))]]
        at = night + int(rng.random() * 2 * clock.HOUR)
        number = f"00{number_in(rng, where)}"
        call = from_subscriber(rng, cast.victim, at, number, where, cast)
        call.src_ip, call.agent = "192.0.2.213", "friendly-scanner"
        if rng.random() < 0.85:
            talk(
                call,
                1_000 + int(rng.random() * 6_000),
                30_000 + int(rng.random() * 900_000),
            )
        else:
            call.code = 503
            call.final_ms = call.end_ms = at + 300
        found.append(call)
    return found


def _below_cost(rng: Random, cast: Cast, until_ms: int) -> list[Call]:
    """A trunk that found a price below cost, and sends all it has."""
    trunk = cast.trunks[46]
    found = []
    for _ in range(620):
        at = until_ms - int(rng.random() * CHEAP_DAYS * clock.DAY)
        call = from_trunk(rng, trunk, at, BY_PREFIX[BELOW_COST], cast)
        found.append(talk(call, 4_000, 20_000 + int(rng.random() * 600_000)))
    return found


def _disputed(rng: Random, cast: Cast, zone: str, until_ms: int) -> Call:
    """Four hours to a mobile: ended by the dialog's timeout, and the customer wants to know."""
    at = local_midnight(until_ms - DISPUTE_DAYS_AGO * clock.DAY, zone) + 18 * clock.HOUR + 23_417
    where = BY_PREFIX["905"]
    number = f"00{number_in(rng, where)}"
    call = from_subscriber(rng, cast.disputing, at, number, where, cast)
    return talk(call, 7_310, DIALOG_LIMIT_MS + 512)


def _hostile(rng: Random, cast: Cast, until_ms: int) -> list[Call]:
    """Calls with hostile text in the User-Agent, one of them today."""
    where = BY_PREFIX["4930"]
    return [
        talk(
            from_subscriber(
                rng,
                cast.hostile,
                until_ms - back * clock.HOUR - 4 * clock.MINUTE,
                f"0{number_in(rng, where)[2:]}",
                where,
                cast,
            ),
            2_100,
            61_001,
        )
        for back in (0, 5, 50)
    ]


def _satellite(rng: Random, cast: Cast, until_ms: int) -> list[Call]:
    """A destination that no tariff has."""
    where = BY_PREFIX[UNPRICED]
    return [
        talk(
            from_trunk(rng, cast.trunks[index], until_ms - back * clock.HOUR, where, cast),
            9_000,
            int(rng.random() * 200_000),
        )
        for index, back in enumerate((2, 20, 44, 71, 120, 400))
    ]


def _legacy(rng: Random, cast: Cast, until_ms: int) -> list[Call]:
    """A trunk whose script lacks the cdr flag: rows by transaction, two without a BYE."""
    found = []
    for number in range(16):
        at = until_ms - 3 * clock.HOUR - number * 17 * clock.HOUR
        trunk = cast.trunks[171]
        call = talk(
            from_trunk(rng, trunk, at, trunk.favourites[0], cast),
            3_000,
            95_000 + number,
        )
        call.by_dialog = False
        if number in (0, 7):
            # The BYE never came: it would be written after the end of the history.
            call.end_ms = until_ms + clock.DAY
        found.append(call)
    return found


def _twins(rng: Random, cast: Cast, until_ms: int) -> list[Call]:
    """Two calls whose Call-IDs differ only in case (RFC 3261: they are two)."""
    at = until_ms - 26 * clock.HOUR
    where = BY_PREFIX["4989"]
    found = []
    for callid in ("aB3xK9qLm2@twin.example", "Ab3Xk9QlM2@twin.example"):
        trunk = cast.trunks[7]
        call = talk(from_trunk(rng, trunk, at, where, cast), 2_500, 33_250)
        call.callid = callid
        found.append(call)
    return found


def accidents(zone: str, until_ms: int) -> list[Written]:
    """Rows that are no call: what a real switch writes when the world is not as it should be."""
    at = until_ms - 30 * clock.HOUR
    base: Row = {
        "method": "INVITE",
        "from_tag": "7c1d02",
        "to_tag": "as0b51",
        "callid": "",
        "sip_code": "200",
        "sip_reason": "OK",
        "time": wall(at, zone),
        "setuptime": 2,
        "created": wall(at - 2_000, zone),
        "caller": "+442079460018",
        "callee": "+4930902400",
        "caller_domain": "198.51.100.9",
        "account": "trunk-0009",
        "gateway": None,
        "carrier": None,
        "src_ip": "198.51.100.9",
        "user_agent": "",
        "charge_id": None,
    }
    base |= dict.fromkeys(name for name in EXTRA_COLUMNS if name not in base) | lengths(12_840)
    # A host that booted without a battery for its clock: the year is 1970 until NTP answers.
    dead_clock = base | {
        "callid": "0f3c7a51e2@198.51.100.9",
        "time": wall(41_000, zone),
        "created": wall(39_000, zone),
    }
    # A script that accounts text messages into the same table.
    message = base | {
        "method": "MESSAGE",
        "callid": "msg-77120@198.51.100.9",
        "created": wall(0, zone),
        "setuptime": at // 1000 + 60,
    }
    message |= lengths(0)
    return [
        (at, "acc", base),
        (at + 9_000, "acc", dead_clock),
        (at + 60_000, "acc", message),
    ]
