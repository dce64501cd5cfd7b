"""Calls that are going on: the memory of the ``dialog`` module (OpenSIPS 3.6, db_mode 1)."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from threading import RLock
from typing import Any

from app.core import clock
from app.opensips.simulator.call import DIALOG_LIMIT_MS, Call
from app.opensips.simulator.cast import DOMAINS
from app.opensips.simulator.errors import MiFailure
from app.opensips.simulator.rows import wall

UNCONFIRMED, EARLY, CONFIRMED, DELETED = 1, 2, 4, 5
# A dead dialog stays in memory for a while.
LINGER_MS = 5_000
SOCKET = "udp:192.0.2.200:5060"
_FLAGS = 24_600  # as on every call with BYE on timeout
_SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


@dataclass(slots=True)
class LiveCall:
    """A call and where it stands."""

    call: Call
    h_entry: int
    h_id: int
    state: int = UNCONFIRMED

    @property
    def key(self) -> str:
        """The MI ``ID``: both numbers in hexadecimal, digits reversed."""
        return f"{self.h_entry:x}"[::-1] + "." + f"{self.h_id:x}"[::-1]

    @property
    def db_id(self) -> int:
        """``dlg_id`` of the table."""
        return self.h_entry << 32 | self.h_id

    @property
    def start_s(self) -> int:
        """Unix second of the answer."""
        return self.call.final_ms // 1000

    @property
    def timeout_s(self) -> int:
        """Unix second at which OpenSIPS would end the call."""
        return self.start_s + DIALOG_LIMIT_MS // 1000


class Dialogs:
    """All live calls, and what is to happen to them when. Safe for several threads."""

    def __init__(self, zone: str) -> None:
        self.lock = RLock()
        self.zone = zone
        self.processed = 0
        self.failed = 0
        self._calls: dict[int, LiveCall] = {}
        self._due: list[tuple[int, int, int, str]] = []
        self._counter = 0

    def add(self, call: Call) -> LiveCall:
        """A call that came in; its events are planned by ``plan``."""
        with self.lock:
            self._counter += 1
            h_entry = hash_entry(call.callid)
            live = LiveCall(call, h_entry, 0x1000_0000 + self._counter * 7919 % 0x6FFF_FFFF)
            self._calls[live.db_id] = live
            self.processed += 1
            return live

    def plan(self, live: LiveCall, at_ms: int, what: str) -> None:
        """Lets something happen to a call at an instant."""
        with self.lock:
            self._counter += 1
            heapq.heappush(self._due, (at_ms, self._counter, live.db_id, what))

    def due(self, now_ms: int) -> list[tuple[LiveCall, str]]:
        """What is to happen now, in order; each once."""
        found = []
        with self.lock:
            while self._due and self._due[0][0] <= now_ms:
                _, _, db_id, what = heapq.heappop(self._due)
                live = self._calls.get(db_id)
                if live is not None:
                    found.append((live, what))
        return found

    def forget(self, live: LiveCall) -> None:
        """Drops a dead dialog."""
        with self.lock:
            self._calls.pop(live.db_id, None)

    def all(self) -> list[LiveCall]:
        """Every dialog in memory, dead ones among them."""
        with self.lock:
            return list(self._calls.values())

    def count(self, *states: int) -> int:
        """How many dialogs are in one of these states."""
        return sum(live.state in states for live in self.all())

    def find(self, text: str, from_tag: str | None = None) -> LiveCall:
        """By MI ID or Call-ID; raises KeyError."""
        for live in self.all():
            if text == live.key and from_tag is None:
                return live
            if text == live.call.callid and from_tag in (None, live.call.from_tag):
                return live
        raise KeyError(text)

    def hang_up(self, text: str) -> None:
        """dlg_end_dlg: BYE to both sides, or CANCEL while it rings; raises MiFailure 404."""
        try:
            live = self.find(text)
        except KeyError:
            raise MiFailure(404, "Requested Dialog not found") from None
        self.end_now(live, clock.now_ms())

    def end_now(self, live: LiveCall, now_ms: int) -> None:
        """Ends a call that is going on; a dead one stays dead."""
        with self.lock:
            if live.state == DELETED:
                return
            live.call.ended_by_switch = True
            if live.state == CONFIRMED:
                live.call.end_ms = max(now_ms, live.call.final_ms)
            else:
                live.call.code = 487
                live.call.final_ms = live.call.end_ms = max(now_ms, live.call.setup_ms)
            self.plan(live, now_ms, "end")

    def shown(self, live: LiveCall) -> dict[str, Any]:
        """As dlg_list shows it."""
        call, up = live.call, live.state == CONFIRMED
        callee: dict[str, Any] = {
            "callee_tag": call.to_tag or "",
            "callee_contact": _callee_contact(call) if up else "",
            "caller_cseq": "2",
            "callee_route_set": "",
            "callee_bind_addr": SOCKET,
        }
        times: dict[str, Any] = {"timestart": live.start_s if up else 0}
        if up:
            callee["callee_sdp"] = _SDP.format("192.0.2.250")
            times["datestart"] = str(wall(live.start_s * 1000, self.zone))
            times["timeout"] = live.timeout_s
            times["dateout"] = str(wall(live.timeout_s * 1000, self.zone))
        else:
            times["timeout"] = 0
        head = {
            "ID": live.key,
            "db_id": str(live.db_id),
            "state": live.state,
            "user_flags": "",
        }
        return (
            head
            | times
            | {
                "callid": call.callid,
                "from_uri": _uri(call.caller, call.domain),
                "to_uri": _uri(call.callee, DOMAINS[0]),
                "caller_tag": call.from_tag,
                "caller_contact": f"sip:{call.caller}@{call.src_ip}:5060",
                "callee_cseq": "0",
                "caller_route_set": "",
                "caller_bind_addr": SOCKET,
                "caller_sdp": _SDP.format(call.src_ip),
                "CALLEES": [callee],
            }
        )


def hash_entry(callid: str) -> int:
    """The bucket of a Call-ID in the dialog table's 4096 (any even hash will do for a demo)."""
    total = 0
    for byte in callid.encode():
        total = (total * 31 + byte) & 0xFFF
    return total


def dialog_row(live: LiveCall) -> dict[str, Any]:
    """The row of an answered call in the table ``dialog`` (db_mode 1, after the ACK)."""
    call = live.call
    unset = [
        "mangled_from_uri",
        "mangled_to_uri",
        "caller_route_set",
        "callee_route_set",
        "vars",
        "profiles",
        "script_flags",
        "rt_on_answer",
        "rt_on_timeout",
        "rt_on_hangup",
    ]
    return dict.fromkeys(unset) | {
        "dlg_id": live.db_id,
        "callid": call.callid,
        "from_uri": _uri(call.caller, call.domain),
        "from_tag": call.from_tag,
        "to_uri": _uri(call.callee, DOMAINS[0]),
        "to_tag": call.to_tag or "",
        "caller_cseq": "0",
        "callee_cseq": "2",
        "caller_ping_cseq": 0,
        "callee_ping_cseq": 0,
        "caller_contact": f"sip:{call.caller}@{call.src_ip}:5060",
        "callee_contact": _callee_contact(call),
        "caller_sock": SOCKET,
        "callee_sock": SOCKET,
        "state": CONFIRMED,
        "start_time": live.start_s,
        "timeout": live.timeout_s,
        "module_flags": 0,
        "flags": _FLAGS,
    }


def _uri(user: str, host: str) -> str:
    return f"sip:{user}@{host}"


def _callee_contact(call: Call) -> str:
    return f"sip:{call.callee}@192.0.2.250:5060"
