"""The MI client: JSON-RPC over HTTP to ``mi_http``, one connection a call, all of it bounded.

What real servers do (3.6 and 4.0 were tried), and why this is not simply ``requests.post``:
a reused connection stalls in 4–10 % of the calls; an answer other than 200 announces a body that
never comes; bodies above 1024 bytes are refused by the default configuration.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from requests import RequestException, Response
from requests.exceptions import InvalidSchema, InvalidURL, SSLError

from app.core.errors import CompanionError, InvalidInput
from app.core.words import _
from app.opensips.mi_names import ALLOWED, Command, spelled
from app.opensips.mi_transport import Deadline, session

# A page of 50 dialogs has 47 kB; the largest reply that OpenSIPS's own buffer allows by default
# has 2 MB. What is larger than this is not an answer.
REPLY_LIMIT = 16 * 1024 * 1024
# ``httpd``'s receive_buf_size by default.
REQUEST_COMFORT = 1024
# JSON-RPC: the command is not known, mostly because its module is not loaded.
METHOD_NOT_FOUND = -32601
_HEADERS = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "OpenSIPS-Companion",
}


class MiError(CompanionError):
    """A node could not be asked, or did not answer as it should."""

    code = "mi"
    status = 502


class MiUnreachable(MiError):
    """Nobody takes the connection, or TLS fails."""

    code = "mi_unreachable"


class MiTimeout(MiError):
    """The node did not answer in time; what it did with the request is unknown."""

    code = "mi_timeout"


class MiProtocolError(MiError):
    """Something answered, but not MI, or not to what was asked."""

    code = "mi_protocol"


class MiCommandError(MiError):
    """The node refused the command. ``number`` is its JSON-RPC or application code."""

    code = "mi_command"

    def __init__(self, number: int, text: str, remedy: str = "") -> None:
        super().__init__(f"OpenSIPS answered error {number}: {text}.", remedy)
        self.number = number
        self.text = text

    @property
    def unknown_command(self) -> bool:
        """Whether the node does not know the command at all."""
        return self.number == METHOD_NOT_FOUND


class MiClient:
    """One node's MI. Calls are independent: safe to use from several threads."""

    def __init__(self, url: str, timeout: float) -> None:
        """``url`` like ``http://host:8888/mi``; ``timeout`` in seconds, for a whole call."""
        self.url = url
        self.timeout = timeout
        # for sentences: no path, and never the password
        self.where = urlsplit(url).netloc.rpartition("@")[2] or "The node"

    def call(
        self,
        method: str,
        params: dict[str, Any] | list[Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """The ``result`` of a command; raises a subclass of MiError with sentence and remedy.

        Never send empty optional parameters: their set selects the signature.
        """
        if method not in ALLOWED:
            raise InvalidInput(
                _("The MI command '%(method)s' is not one that the panel may send.", method=method)
            )
        number = secrets.randbelow(2**31 - 1) + 1
        request: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "id": number}
        if params:
            request["params"] = params
        body = json.dumps(request, separators=(",", ":")).encode()
        seconds = min(timeout or self.timeout, self.timeout)
        return self._result(self._exchange(body, seconds), number)

    def _exchange(self, body: bytes, seconds: float) -> bytes:
        with Deadline(seconds) as deadline, session() as http:
            try:
                with http.post(
                    self.url,
                    data=body,
                    headers=_HEADERS,
                    timeout=seconds,
                    stream=True,
                    allow_redirects=False,
                ) as response:
                    received = self._body(response, len(body))
                    if deadline.passed:
                        raise self._timeout(deadline, seconds)
                    return received
            except (InvalidURL, InvalidSchema, UnicodeError) as exc:
                raise MiUnreachable(
                    _("The node's MI address cannot be used."),
                    _("Write it like http://host:8888/mi."),
                ) from exc
            except SSLError as exc:
                if deadline.passed:
                    raise self._timeout(deadline, seconds) from exc
                raise MiUnreachable(
                    _("The certificate of %(where)s is not trusted.", where=self.where),
                    _("Give the node a certificate of a known authority and its right name."),
                ) from exc
            except (RequestException, OSError) as exc:
                raise self._network_error(exc, deadline, seconds) from exc

    def _network_error(self, exc: Exception, deadline: Deadline, seconds: float) -> MiError:
        if deadline.passed or "timed out" in str(exc):
            return self._timeout(deadline, seconds)
        if not deadline.connected:
            return MiUnreachable(
                _("No connection to %(where)s: %(cause)s.", where=self.where, cause=_cause(exc)),
                _(
                    "Check that OpenSIPS runs, that mi_http listens there and that no firewall is"
                    " between."
                ),
            )
        return MiProtocolError(
            _("%(where)s broke the connection before its answer was complete.", where=self.where),
            _("Check that this is the address of mi_http and look at OpenSIPS's log."),
        )

    def _timeout(self, deadline: Deadline, seconds: float) -> MiTimeout:
        said: dict[str, Any] = {"where": self.where, "seconds": round(seconds, 1)}
        if not deadline.connected:
            return MiTimeout(
                _("%(where)s did not take the connection within %(seconds)g seconds.", **said),
                _("Check that the host is up and that no firewall swallows the packets."),
            )
        return MiTimeout(
            _("%(where)s did not answer within %(seconds)g seconds.", **said),
            _("MI serves one command at a time: it may be busy, or the process hangs."),
        )

    def _body(self, response: Response, sent: int) -> bytes:
        if response.status_code != 200:
            # Never read it: those answers announce a body and do not end (mi_http of 3.6 and 4.0).
            raise self._status_error(response.status_code, sent)
        received = bytearray()
        for chunk in response.iter_content(65_536):
            received += chunk
            if len(received) > REPLY_LIMIT:
                raise MiProtocolError(
                    _(
                        "%(where)s sent more than %(size)s MB.",
                        where=self.where,
                        size=REPLY_LIMIT // 2**20,
                    ),
                    _("Ask for less at a time; is this the address of mi_http?"),
                )
        return bytes(received)

    def _status_error(self, status: int, sent: int) -> MiProtocolError:
        remedy = "Check the address and path of mi_http (http://host:8888/mi by default)."
        if status == 400 and sent > REQUEST_COMFORT:
            remedy = (
                f"The request has {sent} bytes and the default limit is {REQUEST_COMFORT}: raise"
                " httpd's receive_buf_size."
            )
        elif status in (401, 403):
            remedy = "Put user and password into the address: http://user:password@host:8888/mi."
        elif status in (301, 302, 307, 308):
            remedy = "Redirects are not followed; use the address that it points to."
        elif status == 500:
            remedy = "The answer may be larger than httpd's buf_size; OpenSIPS's log says why."
        return MiProtocolError(
            _("%(where)s answered with HTTP status %(status)s.", where=self.where, status=status),
            remedy,
        )

    def _result(self, body: bytes, number: int) -> Any:
        try:
            # SIP text may hold bytes that are no UTF-8; they must not hide the rest.
            reply = json.loads(body.decode("utf-8", "replace"))
        except (ValueError, RecursionError) as exc:
            raise MiProtocolError(
                _("%(where)s answered with half a reply or with no JSON.", where=self.where),
                _("Check that this is the address of mi_http and look at OpenSIPS's log."),
            ) from exc
        if not isinstance(reply, dict) or not ("result" in reply or "error" in reply):
            raise MiProtocolError(
                _("%(where)s answered with JSON that is no MI reply.", where=self.where),
                _("Check that this is the address of mi_http."),
            )
        error = reply.get("error")
        if reply.get("id") != number:
            raise MiProtocolError(
                _("%(where)s answered another request than ours.", where=self.where),
                _("Something between the panel and the node mixes up connections."),
            )
        if error is not None:
            raise _command_error(error)
        return reply["result"]


def _command_error(error: Any) -> MiCommandError:
    known = error if isinstance(error, dict) else {}
    number = known.get("code")
    text = str(known.get("message", "no explanation"))[:200]
    if known.get("data"):
        text += f" ({str(known['data'])[:200]})"
    remedy = "OpenSIPS's log says more."
    if number == METHOD_NOT_FOUND:
        remedy = "Load the module that provides this command."
    return MiCommandError(number if isinstance(number, int) else 0, text, remedy)


def _cause(exc: BaseException) -> str:
    """The innermost reason in a few words: ``Connection refused``, not a page of wrappers."""
    seen: BaseException | None = exc
    text = "the network says no"
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            text = seen.strerror
        seen = seen.__cause__ or seen.__context__
    return text.rstrip(".")[:120]


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node is: its version text and the commands that it offers."""

    version: str
    commands: frozenset[str]

    def name(self, command: Command) -> str:
        """How this node spells the command; raises MiCommandError when it does not offer it."""
        found = spelled(command, self.commands)
        if found is None:
            raise MiCommandError(
                METHOD_NOT_FOUND,
                _("Method not found (%(command)s)", command=command.value),
                "Load the module that provides this command.",
            )
        return found

    def offers(self, command: Command) -> bool:
        """Whether the node has the command."""
        return spelled(command, self.commands) is not None


Caller = Callable[..., Any]


def probe(client: MiClient, *, call: Caller | None = None) -> NodeFacts:
    """Asks ``which`` and ``version``. ``call`` stands in for the client's own, with its budget."""
    ask = call or client.call
    offered = ask(Command.WHICH.value)
    if not isinstance(offered, list):
        raise MiProtocolError(
            _("%(where)s did not list its commands.", where=client.where), _("Is this OpenSIPS?")
        )
    commands = frozenset(str(name) for name in offered)
    version = ask(spelled(Command.VERSION, commands) or Command.VERSION.value)
    text = version.get("Server", "") if isinstance(version, dict) else version
    return NodeFacts(str(text)[:80], commands)
