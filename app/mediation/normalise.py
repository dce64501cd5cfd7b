"""From the switch's wall clock and dialling habits to UTC and E.164. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core import clock
from app.core.numbering import NumberPlan, to_e164
from app.mediation import attempts
from app.mediation.call import Call, Correlated, Flag, Leftover, Row, Trouble
from app.mediation.number_rules import CALLEE, CALLER, Rules, e164

# A row that was read this long after its call's end tells nothing about the hour it was written.
_LIVE_MS = 15 * clock.MINUTE
# Two hosts' clocks differ; a row from later than this is not believed.
FUTURE_MS = 2 * clock.HOUR
_KNOWN = Flag(0)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a source writes: its clock's zone, its dialling plan, and the rules before that."""

    zone: str
    plan: NumberPlan
    rules: Rules = Rules()


def normalise(found: Correlated, habits: Habits) -> Call | Leftover:
    """The call that correlated rows describe, or why they describe none."""
    main, bye = found.main, found.bye
    moment, flags = _instant(main, main.time, habits.zone, main.ms_duration)
    if moment > main.seen_at + FUTURE_MS:
        return Leftover(main, Trouble.IN_FUTURE, f"{main.time} in the zone {habits.zone}")
    answered = main.ok
    duration = main.ms_duration if answered else 0
    setup = moment
    if bye is not None:
        ended, more = _instant(bye, bye.time, habits.zone, 0)
        duration = max(ended - moment, 0)
        flags |= more | Flag.WHOLE_SECONDS | Flag.SETUP_UNKNOWN
    elif main.by_dialog:
        # From one clock reading, so that a change of the clock cannot fall between the two.
        setup = moment - _apart_ms(main)
    else:
        flags |= Flag.SETUP_UNKNOWN
    return _call(found, habits, setup, moment if answered else None, moment + duration, flags)


def _apart_ms(row: Row) -> int:
    """How long before ``time`` the call was set up: whole seconds, from the row itself."""
    if row.time is None or row.created is None:
        return 0
    between = row.time - row.created
    apart = between.days * clock.DAY + between.seconds * clock.SECOND
    # When the wall clock jumped in between, setuptime still counts true seconds.
    true = row.setuptime * clock.SECOND
    return true if abs(apart - true) >= clock.HOUR - clock.MINUTE else apart


def _call(
    found: Correlated,
    habits: Habits,
    setup: int,
    answered: int | None,
    ended: int,
    flags: Flag,
) -> Call:
    main = found.main
    extra = main.extra
    plan, rules = habits.plan, habits.rules
    domain = extra.get("caller_domain", "")
    asserted = extra.get("asserted")
    ported = extra.get("routing_number")
    caller, dialled = extra.get("caller", ""), extra.get("callee", "")
    count = attempts.count(extra)
    tries = attempts.tries(found, habits.zone) if found.others else ()
    first_ms, final_ms = attempts.delays(extra) if count > 1 or tries else (None, None)
    number = e164(dialled, plan, rules, CALLEE, domain)
    return Call(
        call_id=main.call_id,
        from_tag=main.from_tag,
        to_tag=main.to_tag,
        charge_id=extra.get("charge_id") or None,
        caller=(e164(caller, plan, rules, CALLER, domain) or caller)[:64],
        callee=(number or dialled)[:64],
        number=number,
        dialled=dialled[:128],
        domain=domain[:128],
        account=extra.get("account", "")[:128],
        gateway=extra.get("gateway", "")[:64],
        carrier=extra.get("carrier", "")[:64],
        src_ip=extra.get("src_ip", "")[:45],
        user_agent=extra.get("user_agent", "")[:255],
        setup_at=setup,
        answered_at=answered,
        ended_at=ended,
        duration_ms=ended - answered if answered is not None else 0,
        sip_code=int(main.sip_code),
        sip_reason=main.sip_reason[:128],
        flags=flags,
        row_names=found.names,
        routed=extra.get("routed", "")[:64],
        asserted=(to_e164(asserted, plan) or asserted)[:64] if asserted else "",
        routing_number=(to_e164(ported, plan) or ported)[:32] if ported else "",
        trunk=extra.get("trunk", "")[:64],
        pdd_ms=attempts.number(extra.get("pdd_ms"), attempts.MOST_MS),
        hangup=attempts.hangup(extra),
        cause=attempts.cause(extra),
        attempts=count,
        tries=tries,
        first_ms=first_ms,
        final_ms=final_ms,
    )


def _instant(row: Row, wall: datetime | None, zone: str, length_ms: int) -> tuple[int, Flag]:
    """UTC of a wall-clock time; in autumn's double hour by what else is known, else marked."""
    if wall is None:  # left over long before
        return 0, _KNOWN
    candidates = clock.wall_to_candidates(wall, zone)
    if len(candidates) == 1:
        return candidates[0], _KNOWN
    # Rows without the cdr flag carry the epoch itself: setuptime counts from 1970.
    if not row.by_dialog and row.setuptime * clock.SECOND in candidates:
        return row.setuptime * clock.SECOND, _KNOWN
    written = [candidate + length_ms for candidate in candidates]
    likely = [at for at in written if -clock.MINUTE <= row.seen_at - at <= _LIVE_MS]
    if len(likely) == 1:
        return likely[0] - length_ms, _KNOWN
    return candidates[0], Flag.AMBIGUOUS_HOUR
