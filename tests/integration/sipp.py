"""SIP phones and gateways for the tests, played by sipp (Debian package sip-tester).

A call is told by its Call-ID: each batch has a prefix of its own, so that its rows are found
with ``callid LIKE 'prefix-%'``.
"""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Reply = int | Literal["answer", "ring", "hangup"]

# What gateways that refuse a call say of the telephone network behind them (Q.850).
CAUSES = {486: 17, 503: 41}

_SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40000 RTP/AVP 8
a=rtpmap:8 PCMA/8000
"""
_ECHO = (
    "[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]gw[call_number]\n[last_Call-ID:]\n[last_CSeq:]"
)
_ECHO_PLAIN = "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]"


@dataclass(frozen=True)
class Batch:
    """What became of a batch of calls: whether all went as the scenario says."""

    prefix: str
    ok: bool
    output: str


@dataclass(frozen=True)
class Gateway:
    """A gateway on a loopback port that treats every call alike."""

    process: subprocess.Popen[bytes]
    port: int
    messages: Path

    def numbers(self) -> list[str]:
        """The users of the Request-URIs of the INVITEs that came in, oldest first."""
        if not self.messages.exists():
            return []
        text = self.messages.read_text(encoding="utf-8", errors="replace")
        lines = (line for line in text.splitlines() if line.startswith("INVITE sip:"))
        return [line.removeprefix("INVITE sip:").split("@")[0] for line in lines]

    def stop(self) -> None:
        """Ends it; calls in progress are abandoned."""
        self.process.kill()
        self.process.wait(5)


def start_gateway(port: int, reply: Reply, workdir: Path) -> Gateway:
    """A gateway on ``port``: rings and answers, only rings, or replies with a SIP code.

    ``hangup`` answers and hangs up after 0.6 seconds, with a cause of the telephone network;
    486 and 503 tell such causes too.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    scenario = workdir / f"gateway-{port}.xml"
    scenario.write_text(_gateway_scenario(reply), encoding="utf-8")
    messages = workdir / f"gateway-{port}.log"
    process = subprocess.Popen(
        ["sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-nostdin"]
        + ["-trace_msg", "-message_file", str(messages), "-bind_local"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=workdir,
        start_new_session=True,
    )
    time.sleep(0.3)
    if process.poll() is not None:
        raise RuntimeError(f"sipp did not start on port {port}")
    return Gateway(process, port, messages)


def sipp_calls(
    sip_port: int,
    workdir: Path,
    *,
    number: str,
    local_port: int,
    count: int = 1,
    rate: int = 10,
    hold_ms: int = 500,
    expect: int | Literal["cancel", "switch-bye"] = 200,
    domain: str = "example.org",
    user: str = "trunk",
    password: str | None = None,
    call_id: str | None = None,
    user_agent: str = "sipp",
    tag: str = "",
    headers: Sequence[str] = (),
    uri_user: str = "",
    timeout: float = 60,
) -> Batch:
    """Makes ``count`` calls to ``number`` through the switch on ``sip_port`` and waits.

    ``expect`` is the final code (200: holds for ``hold_ms`` and hangs up), ``cancel`` (gives
    up after ``hold_ms`` of ringing) or ``switch-bye`` (waits for the switch to end the call).
    With a ``password`` the caller authenticates, without it he is a trunk on ``local_port``.
    ``call_id`` replaces the Call-ID's first part, ``tag`` begins the From tag,
    ``rate`` is in calls a second; ``headers`` are more of the INVITE's, ``uri_user`` stands in
    the Request-URI in place of the number.
    """
    prefix = call_id or uuid.uuid4().hex[:12]
    caller = Caller(domain, user, password, user_agent, tag, tuple(headers), uri_user)
    text = caller.invite_scenario(number, expect, hold_ms)
    return _run(sip_port, workdir, prefix, text, local_port, count, rate, timeout)


def register(
    sip_port: int,
    workdir: Path,
    *,
    user: str,
    password: str,
    contact_port: int,
    local_port: int,
    domain: str = "example.org",
    expect: int = 200,
) -> Batch:
    """Registers ``user`` with a contact on ``contact_port``; ``expect`` is the final code."""
    caller = Caller(domain, user, password, "sipp")
    text = caller.register_scenario(contact_port, expect)
    return _run(sip_port, workdir, uuid.uuid4().hex[:12], text, local_port, 1, 1, 20)


def _run(
    sip_port: int,
    workdir: Path,
    prefix: str,
    scenario: str,
    local_port: int,
    count: int,
    rate: int,
    timeout: float,
) -> Batch:
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / f"caller-{uuid.uuid4().hex[:8]}.xml"
    path.write_bytes(scenario.encode("utf-8", "surrogateescape"))
    command = ["sipp", f"127.0.0.1:{sip_port}", "-sf", str(path), "-i", "127.0.0.1"]
    command += ["-p", str(local_port), "-m", str(count), "-r", str(rate), "-nostdin"]
    command += [
        "-cid_str",
        f"{prefix}-%u-%p",
        "-timeout",
        f"{timeout:.0f}s",
        "-timeout_error",
    ]
    command += [
        "-trace_err",
        "-error_file",
        str(path.with_suffix(".err")),
        "-bind_local",
    ]
    done = subprocess.run(
        command, cwd=workdir, capture_output=True, timeout=timeout + 15, check=False
    )
    output = done.stdout.decode(errors="replace")[-1500:]
    errors = path.with_suffix(".err")
    if errors.exists():
        output += errors.read_text(encoding="utf-8", errors="replace")[-3000:]
    return Batch(prefix, done.returncode == 0, output)


@dataclass(frozen=True)
class Caller:
    """A phone or trunk, and the sipp scenarios it plays."""

    domain: str
    user: str
    password: str | None
    user_agent: str
    tag: str = ""
    headers: tuple[str, ...] = ()
    uri_user: str = ""

    def invite_scenario(self, number: str, expect: int | str, hold_ms: int) -> str:
        """A call to ``number``, through the digest challenge where there is a password."""
        steps = [_send(self._request("INVITE", number, 1), retrans=True)]
        cseq = 1
        if self.password is not None and expect != 407:
            cseq = 2
            steps += [
                _receive(100, optional=True),
                _receive(407, auth=True),
                _send(self._request("ACK", number, 1)),
                _send(self._request("INVITE", number, 2), retrans=True),
            ]
        steps += [_receive(code, optional=True) for code in (100, 183)]
        if expect == "cancel":
            steps += [
                _receive(180),
                f'<pause milliseconds="{hold_ms}"/>',
                _send(self._request("CANCEL", number, cseq), retrans=True),
                _receive(200),
                _receive(487),
                _send(self._request("ACK", number, cseq)),
            ]
        elif isinstance(expect, int) and expect != 200:
            steps += [
                _receive(180, optional=True),
                _receive(expect),
                _send(self._request("ACK", number, cseq)),
            ]
        else:
            steps += [
                _receive(180, optional=True),
                _receive(200, routes=True),
                _send(self._in_call("ACK", cseq)),
            ]
            if expect == "switch-bye":
                steps += [
                    '<recv request="BYE"/>',
                    _send(_reply(200, "OK", echo=_ECHO_PLAIN)),
                ]
            else:
                steps += [
                    f'<pause milliseconds="{hold_ms}"/>',
                    _send(self._in_call("BYE", cseq + 1), retrans=True),
                    _receive(200),
                ]
        return _scenario(steps)

    def register_scenario(self, contact_port: int, expect: int) -> str:
        """A REGISTER, its challenge, and the REGISTER with credentials."""
        first, second = (self._register(cseq, contact_port) for cseq in (1, 2))
        return _scenario(
            [
                _send(first, retrans=True),
                _receive(100, optional=True),
                _receive(401, auth=True),
                _send(second, retrans=True),
                _receive(100, optional=True),
                _receive(expect),
            ]
        )

    def _request(self, method: str, number: str, cseq: int) -> str:
        # CANCEL and the ACK of a refusal repeat the branch of their INVITE (RFC 3261, 9.1).
        branch = f"z9hG4bK-[pid]-[call_number]-{cseq}"
        to_tag = "[peer_tag_param]" if method == "ACK" else ""
        lines = [
            f"{method} sip:{self.uri_user or number}@{self.domain} SIP/2.0",
            f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}",
            f"From: <sip:{self.user}@{self.domain}>;tag={self.tag}[pid]t[call_number]",
            f"To: <sip:{number}@{self.domain}>{to_tag}",
            "Call-ID: [call_id]",
            f"CSeq: {cseq} {method}",
            "Max-Forwards: 70",
        ]
        if method != "INVITE":
            return "\n".join([*lines, "Content-Length: 0", "", ""])
        lines += [f"Contact: <sip:{self.user}@[local_ip]:[local_port]>"]
        lines += [f"User-Agent: {self.user_agent}"] if self.user_agent else []
        lines += [self._credentials()] if cseq == 2 else []
        lines += self.headers
        return "\n".join(
            [*lines, "Content-Type: application/sdp", "Content-Length: [len]", "", _SDP]
        )

    def _in_call(self, method: str, cseq: int) -> str:
        lines = [
            f"{method} [next_url] SIP/2.0",
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
            "[routes]",
            f"From: <sip:{self.user}@{self.domain}>;tag={self.tag}[pid]t[call_number]",
            "[last_To:]",
            "Call-ID: [call_id]",
            f"CSeq: {cseq} {method}",
            "Max-Forwards: 70",
        ]
        return "\n".join([*lines, "Content-Length: 0", "", ""])

    def _register(self, cseq: int, contact_port: int) -> str:
        lines = [
            f"REGISTER sip:{self.domain} SIP/2.0",
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
            f"From: <sip:{self.user}@{self.domain}>;tag=[pid]r[call_number]",
            f"To: <sip:{self.user}@{self.domain}>",
            "Call-ID: [call_id]",
            f"CSeq: {cseq} REGISTER",
            f"Contact: <sip:{self.user}@127.0.0.1:{contact_port}>",
            "Max-Forwards: 70",
            "Expires: 60",
        ]
        lines += [self._credentials()] if cseq == 2 else []
        return "\n".join([*lines, "Content-Length: 0", "", ""])

    def _credentials(self) -> str:
        return f"[authentication username={self.user} password={self.password}]"


def _gateway_scenario(reply: Reply) -> str:
    steps = ['<recv request="INVITE" rrs="true"/>']
    if isinstance(reply, int):
        reasons = {404: "Not Found", 486: "Busy Here", 503: "Service Unavailable"}
        more = [f'Reason: Q.850;cause={CAUSES[reply]};text="as said"'] if reply in CAUSES else []
        more += ["Contact: <sip:elsewhere@127.0.0.1:9>"] if reply == 302 else []
        steps += [
            _send(_reply(reply, reasons.get(reply, "Refused"), more=more)),
            '<recv request="ACK"/>',
        ]
        return _scenario(steps)
    steps += [_send(_reply(180, "Ringing"))]
    if reply == "ring":
        steps += ['<recv request="CANCEL"/>', _send(_reply(200, "OK"))]
        # The 487 answers the INVITE, so its CSeq is written anew.
        terminated = _reply(487, "Request Terminated").replace(
            "[last_CSeq:]", "CSeq: [cseq] INVITE"
        )
        steps += [_send(terminated), '<recv request="ACK"/>']
        return _scenario(steps)
    if reply == "hangup":
        take = "".join(
            f'<ereg regexp=".*" search_in="hdr" header="{name}:" assign_to="{place}"/>'
            for place, name in enumerate(("To", "From"), 1)
        )
        bye = [
            "BYE [next_url] SIP/2.0",
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
            "[routes]",
            "From:[$1]",
            "To:[$2]",
            "Call-ID: [call_id]",
            "CSeq: 1 BYE",
            "Max-Forwards: 70",
            "Reason: SIP;cause=200, Q.850;cause=16",
            "Content-Length: 0",
        ]
        steps += [
            _send(_reply(200, "OK", body=_SDP), retrans=True),
            f'<recv request="ACK"><action>{take}</action></recv>',
            '<pause milliseconds="600"/>',
            _send("\n".join([*bye, "", ""]), retrans=True),
            '<recv response="200"/>',
        ]
        return _scenario(steps)
    steps += [
        _send(_reply(200, "OK", body=_SDP), retrans=True),
        '<recv request="ACK"/>',
        '<recv request="BYE"/>',
        _send(_reply(200, "OK", echo=_ECHO_PLAIN)),
    ]
    return _scenario(steps)


def _reply(
    code: int, reason: str, *, echo: str = _ECHO, body: str = "", more: Sequence[str] = ()
) -> str:
    lines = [f"SIP/2.0 {code} {reason}", echo, *more]
    if body:
        lines += ["[last_Record-Route:]", "Contact: <sip:gw@[local_ip]:[local_port]>"]
        lines += ["Content-Type: application/sdp"]
    return "\n".join([*lines, "Content-Length: [len]", "", body])


def _send(message: str, *, retrans: bool = False) -> str:
    again = ' retrans="500"' if retrans else ""
    return f"<send{again}><![CDATA[\n{message}\n]]></send>"


def _receive(code: int, *, optional: bool = False, auth: bool = False, routes: bool = False) -> str:
    extra = ' optional="true"' if optional else ""
    extra += ' auth="true"' if auth else ""
    extra += ' rrs="true"' if routes else ""
    return f'<recv response="{code}"{extra}/>'


def _scenario(steps: list[str]) -> str:
    body = "\n".join(steps)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="test">\n{body}\n</scenario>\n'
