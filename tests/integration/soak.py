"""Drives a real OpenSIPS with a mix of calls and compares each CDR with what sipp saw.

    PANEL_TEST_OPENSIPS=/usr/sbin/opensips python -m tests.integration.soak --rate 100 --seconds 600

Prints figures as JSON; the exit status is 1 when a call is missing, double or told wrongly.
Everything listens on loopback; nothing of it runs with the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.mediation.call import Call
from tests.integration.lab import DOMAIN, Lab, private_mariadb, running_lab
from tests.integration.mediated import calls_of, sort_rows
from tests.integration.sipp import Caller
from tests.integration.switch import free_port

# A length may differ from what the caller measured by what two processes on a busy machine take.
TOLERANCE_MS = 250


@dataclass(frozen=True)
class Kind:
    """A sort of calls: what sipp dials and waits for, and what its CDR must say."""

    share: float
    number: str
    expect: Any
    codes: tuple[int, ...]
    hangup: str
    attempts: int = 1


KINDS = {
    "answered": Kind(0.40, "1001", 200, (200,), "caller"),
    "calleebye": Kind(0.10, "01", "switch-bye", (200,), "callee"),
    "busy": Kind(0.14, "2001", 486, (486,), ""),
    "cancelled": Kind(0.10, "5001", "cancel", (487,), "caller"),
    # The called party's 487 and our own 408 race when the ringing timer fires.
    "noanswer": Kind(0.05, "5002", 408, (408, 487), "timeout"),
    "redirected": Kind(0.05, "8001", 302, (302,), ""),
    "rerouted": Kind(0.10, "4001", 200, (200,), "caller", 2),
    "switched": Kind(0.06, "1002", "switch-bye", (200,), "switch"),
}


@dataclass
class Seen:
    """One call as sipp's log tells it: when it was answered and ended (seconds), if it was."""

    answered: float | None = None
    ended: float | None = None
    codes: set[int] = field(default_factory=set)


def start(lab: Lab, kind: Kind, prefix: str, rate: float, seconds: int) -> subprocess.Popen[bytes]:
    """The sipp that makes the calls of one kind; it logs a line for each message."""
    path = lab.workdir / f"{prefix}.xml"
    caller = Caller(DOMAIN, "trunk", None, "sipp")
    path.write_text(caller.invite_scenario(kind.number, kind.expect, 900), encoding="utf-8")
    # Calls a period keep the rate of a kind that has less than one a second.
    per_period = max(1, round(rate * 10))
    command = ["sipp", f"127.0.0.1:{lab.switch.sip_port}", "-sf", str(path), "-i", "127.0.0.1"]
    command += ["-p", str(free_port()), "-r", str(per_period), "-rp", "10000", "-bind_local"]
    command += ["-m", str(max(1, round(rate * seconds))), "-l", "20000", "-nostdin"]
    command += ["-cid_str", f"{prefix}-%u-%p", "-timeout", f"{seconds + 60}s"]
    command += ["-trace_shortmsg", "-shortmessage_file", str(path.with_suffix(".log"))]
    return subprocess.Popen(
        command, cwd=lab.workdir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def end_calls(lab: Lab, prefix: str, stop: threading.Event) -> None:
    """Ends the answered calls of one kind by MI, until told to stop."""
    done: set[str] = set()
    while not stop.is_set():
        for dialog in open_dialogs(lab):
            name = dialog["callid"]
            if dialog["state"] == 4 and name.startswith(f"{prefix}-") and name not in done:
                done.add(name)
                try:
                    lab.switch.mi("dlg_end_dlg", {"dialog_id": name})
                except RuntimeError:  # ended meanwhile
                    continue
        stop.wait(0.3)


def open_dialogs(lab: Lab) -> Iterator[dict[str, Any]]:
    """The dialogs that the switch holds, a page at a time."""
    index = 0
    while True:
        page = lab.switch.mi("dlg_list", {"index": index, "counter": 50})["Dialogs"]
        yield from page
        index += len(page)
        if len(page) < 50:
            return


def read_log(path: Path) -> dict[str, Seen]:
    """Calls by Call-ID, from sipp's log of short messages."""
    calls: dict[str, Seen] = defaultdict(Seen)
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        parts = line.split("\t")
        first = parts[-1]
        call_id = next((part for part in parts if part.startswith(path.stem)), None)
        if call_id is None:
            continue
        seen, at = calls[call_id], _seconds(line)
        if first.startswith("SIP/2.0 ") and "INVITE" in line:
            code = int(first[8:11])
            if code >= 200:
                seen.codes.add(code)
            if code == 200 and seen.answered is None:
                seen.answered = at
        elif first.startswith("BYE ") and seen.ended is None:
            seen.ended = at
    return calls


def _seconds(line: str) -> float:
    """The instant at which a line of sipp's log begins: a date, a time, perhaps the epoch."""
    stamp = " ".join(line.split()[:2])
    return datetime.fromisoformat(stamp).timestamp()


def judge(
    kind: Kind,
    seen: dict[str, Seen],
    calls: list[Call],
    lengths: list[float],
    tolerance: int,
    still_open: set[str],
) -> Counter[str]:
    """What differs, counted; ``lengths`` gets the differences of lengths in milliseconds.

    A call whose dialog is ``still_open`` has no row yet: the switch never saw its end.
    """
    found: Counter[str] = Counter()
    by_id: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_id[call.call_id].append(call)
    found["unknown_calls"] = len(by_id.keys() - seen.keys())
    for call_id, saw in seen.items():
        mine = by_id.get(call_id, [])
        if not mine:
            found["missing, open in the switch" if call_id in still_open else "missing"] += 1
            continue
        if len(mine) > 1:
            found["double"] += 1
            continue
        call = mine[0]
        wrong = {
            "wrong_code": call.sip_code not in kind.codes,
            "wrong_answer": (call.answered_at is None) != (saw.answered is None),
            "wrong_hangup": call.hangup != kind.hangup,
            "wrong_attempts": call.attempts != kind.attempts
            or len(call.tries) != kind.attempts - 1,
        }
        if saw.answered is not None and saw.ended is not None:
            apart = abs((saw.ended - saw.answered) * 1000 - call.duration_ms)
            lengths.append(apart)
            wrong["wrong_length"] = apart > tolerance
        found.update(name for name, is_so in wrong.items() if is_so)
    return +found


def soak(lab: Lab, rate: float, seconds: int, tolerance: int) -> dict[str, Any]:
    """Makes the calls and waits for them, then compares; the figures."""
    with lab.engine.begin() as connection:
        # The kinds call from ports of their own.
        connection.execute(
            text(
                "INSERT INTO address (grp, ip, mask, port, proto, context_info)"
                " VALUES (1, '127.0.0.1', 32, 0, 'any', 'trunk-soak')"
            )
        )
    lab.switch.mi("address_reload")
    run = uuid.uuid4().hex[:6]
    began = time.monotonic()
    stop = threading.Event()
    ender = threading.Thread(target=end_calls, args=(lab, f"{run}switched", stop))
    ender.start()
    running = {
        name: start(lab, kind, f"{run}{name}", rate * kind.share, seconds)
        for name, kind in KINDS.items()
    }
    for process in running.values():
        process.wait(seconds + 90)
    took = time.monotonic() - began
    stop.set()
    ender.join()
    time.sleep(2)
    still_open = {str(dialog["callid"]) for dialog in open_dialogs(lab)}
    kinds: dict[str, Any] = {}
    lengths: list[float] = []
    pdd: list[int] = []
    for name, kind in KINDS.items():
        seen = read_log(lab.workdir / f"{run}{name}.log")
        rows = sort_rows(lab.engine, f"{run}{name}")
        calls = calls_of(rows)
        pdd += [call.pdd_ms for call in calls if call.pdd_ms is not None]
        differs = judge(kind, seen, calls, lengths, tolerance, still_open)
        differs["rows_left_over"] = len(rows.waiting) + len(rows.leftovers)
        kinds[name] = {"calls": len(seen), "cdrs": len(calls), **+differs}
    lengths.sort()
    pdd.sort()
    calls_made = sum(kind["calls"] for kind in kinds.values())
    return {
        "rate": rate,
        "seconds": round(took, 1),
        "calls": calls_made,
        "cdrs": sum(kind["cdrs"] for kind in kinds.values()),
        "differences": sum(
            count
            for one in kinds.values()
            for key, count in one.items()
            if key not in ("calls", "cdrs")
        ),  # fmt: skip
        "length_apart_ms": _spread(lengths),
        "pdd_ms": _spread(pdd),
        "switch_errors": lab.switch.log.count("ERROR:"),
        "kinds": kinds,
    }


def _spread(values: list[Any]) -> dict[str, float]:
    if not values:
        return {}
    place = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    last = len(values) - 1
    return {name: round(values[int(last * part)], 1) for name, part in place.items()}


def main() -> int:
    """Reads the arguments, makes a switch of its own, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20, help="calls a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--tolerance", type=int, default=TOLERANCE_MS, help="of lengths, in ms")
    parser.add_argument("--binary", default=os.environ.get("PANEL_TEST_OPENSIPS", ""))
    asked = parser.parse_args()
    if not asked.binary:
        parser.error("name an OpenSIPS binary, or set PANEL_TEST_OPENSIPS")
    binary = Path(asked.binary)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        (Path(folder) / "db").mkdir()
        with private_mariadb(binary, Path(folder) / "db") as engine:
            with running_lab(binary, engine, Path(folder) / "switch") as lab:
                figures = soak(lab, asked.rate, asked.seconds, asked.tolerance)
                if figures["differences"]:
                    figures["log"] = lab.switch.log[-1500:].splitlines()
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
