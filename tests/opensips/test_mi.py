"""The MI client against a node that behaves, and against every way in which one does not."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import InvalidInput
from app.opensips.mi import (
    MiClient,
    MiCommandError,
    MiError,
    MiProtocolError,
    MiTimeout,
    MiUnreachable,
    probe,
)
from app.opensips.mi_names import ALLOWED, NEW_NAMES, Command
from tests.opensips.fake_mi import FakeNode, free_port, recorded_which

RULES = [
    {
        "id": 1,
        "dpid": 1,
        "pr": 1,
        "match_op": 1,
        "match_exp": "^00",
        "attrs": "intl",
        "subst_exp": "^00(.*)$",
        "repl_exp": r"+\1",
    },
    {"id": 2, "dpid": 1, "pr": 2, "match_op": 0, "match_exp": "112", "repl_exp": "911"},
]


@pytest.fixture
def node() -> Any:
    with FakeNode(lambda: RULES) as running:
        yield running


def test_a_command_with_parameters(node: FakeNode) -> None:
    client = MiClient(node.url, 2)
    assert client.call("dp_reload") == "OK"
    reply = client.call("dp_translate", {"dpid": 1, "input": "0040721"})
    assert reply == {"Output": "+40721", "ATTRIBUTES": "intl"}
    request = node.requests[-1]
    assert request["jsonrpc"] == "2.0"
    assert 0 < request["id"] < 2**31


def test_no_parameters_are_not_sent_as_empty_ones(node: FakeNode) -> None:
    MiClient(node.url, 2).call("dp_reload", {})
    assert "params" not in node.requests[-1]


def test_each_call_has_a_connection_of_its_own(node: FakeNode) -> None:
    client = MiClient(node.url, 2)
    for _ in range(3):
        client.call("version")
    assert len(node._open) == 3
    assert all("connection: close" in head.lower() for head in node.headers)


def test_proxies_of_the_environment_are_not_used(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    assert MiClient(node.url, 2).call("version")


def test_user_and_password_of_the_address_are_sent(node: FakeNode) -> None:
    url = node.url.replace("http://", "http://me:secret@")
    MiClient(url, 2).call("version")
    assert "authorization: basic" in node.headers[-1].lower()


@pytest.mark.parametrize("method", ["kill", "t_hash", "pwd", "cache_store", ""])
def test_what_is_not_allowed_is_never_sent(node: FakeNode, method: str) -> None:
    with pytest.raises(InvalidInput):
        MiClient(node.url, 2).call(method)
    assert node.requests == []


@pytest.mark.parametrize("mode", ["hang", "drip", "drip_headers"])
def test_a_slow_node_holds_nobody_longer_than_the_timeout(node: FakeNode, mode: str) -> None:
    node.mode = mode
    started = time.monotonic()
    with pytest.raises(MiTimeout, match=r"did not answer within 0\.4 seconds") as caught:
        MiClient(node.url, 0.4).call("which")
    assert time.monotonic() - started < 0.9
    assert caught.value.remedy


def test_nobody_listens() -> None:
    with pytest.raises(MiUnreachable, match="Connection refused") as caught:
        MiClient(f"http://127.0.0.1:{free_port()}/mi", 2).call("version")
    assert "firewall" in caught.value.remedy


def test_a_listener_that_takes_no_connection() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        filler = []
        # The backlog is full after a few; what comes then gets no answer at all.
        for _ in range(4):
            extra = socket.socket()
            extra.setblocking(False)
            extra.connect_ex(full.getsockname())
            filler.append(extra)
        started = time.monotonic()
        with pytest.raises(MiTimeout):
            MiClient(f"http://127.0.0.1:{full.getsockname()[1]}/mi", 0.4).call("version")
        assert time.monotonic() - started < 0.9
        for extra in filler:
            extra.close()


def test_an_unknown_host() -> None:
    with pytest.raises(MiUnreachable):
        MiClient("http://node.invalid:8888/mi", 2).call("version")


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("half", "broke the connection"),
        ("html", "no JSON"),
        ("wrong_id", "another request"),
        ("huge", "more than 16 MB"),
        ("endless_500", "HTTP status 500"),
        ("endless_405", "HTTP status 405"),
        ("endless_401", "HTTP status 401"),
        ("endless_302", "HTTP status 302"),
    ],
)
def test_answers_that_are_none(node: FakeNode, mode: str, sentence: str) -> None:
    node.mode = mode
    started = time.monotonic()
    with pytest.raises(MiProtocolError, match=sentence) as caught:
        MiClient(node.url, 5).call("version")
    assert caught.value.remedy
    # the body of anything but a 200 never comes: nobody waits for it
    assert time.monotonic() - started < 3


def test_a_long_request_is_explained(node: FakeNode) -> None:
    with pytest.raises(MiProtocolError) as caught:
        MiClient(node.url, 2).call("dp_translate", {"dpid": 1, "input": "1" * 1100})
    assert "receive_buf_size" in caught.value.remedy
    assert "1024" in caught.value.remedy


def test_errors_keep_their_number_and_text(node: FakeNode) -> None:
    client = MiClient(node.url, 2)
    with pytest.raises(MiCommandError, match="No translation") as caught:
        client.call("dp_translate", {"dpid": 9, "input": "1"})
    assert caught.value.number == 404
    node.which = [name for name in node.which if name != "dp_reload"]
    with pytest.raises(MiCommandError) as caught:
        client.call("dp_reload")
    assert caught.value.unknown_command
    assert "module" in caught.value.remedy


def test_no_error_shows_the_password(node: FakeNode) -> None:
    node.mode = "endless_500"
    with pytest.raises(MiError) as caught:
        MiClient(node.url.replace("http://", "http://me:secret@"), 2).call("version")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://x/mi", "http://", "http://a:b:c/mi", "nonsense"])
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(MiError):
        MiClient(url, 1).call("version")


def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is needed: apt-get install openssl"
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    subprocess.run(
        [
            openssl,
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=localhost",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen: list[bytes] = []

        def serve() -> None:
            raw, _ = server.accept()
            try:
                with context.wrap_socket(raw, server_side=True) as secure:
                    seen.append(secure.recv(100))
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(MiUnreachable, match="not trusted"):
            MiClient(f"https://localhost:{server.getsockname()[1]}/mi", 3).call("version")
        thread.join(5)
        assert seen == [] or seen == [b""]


def test_plain_text_where_tls_is_expected(node: FakeNode) -> None:
    with pytest.raises(MiError):
        MiClient(node.url.replace("http://", "https://"), 1).call("version")


def test_a_tls_handshake_that_never_ends_holds_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(MiTimeout):
            MiClient(f"https://127.0.0.1:{silent.getsockname()[1]}/mi", 0.4).call("version")
        assert time.monotonic() - started < 0.9


def test_many_at_once(node: FakeNode) -> None:
    client = MiClient(node.url, 5)
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(10):
                client.call("version")
        except MiError as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(node.requests) == 80


def test_probe_of_both_generations() -> None:
    with FakeNode() as old, FakeNode(new_names=True) as new:
        facts = probe(MiClient(old.url, 2))
        assert facts.version == "OpenSIPS (3.6.8 (x86_64/linux))"
        assert facts.name(Command.DP_RELOAD) == "dp_reload"
        facts = probe(MiClient(new.url, 2))
        assert "4.0.1" in facts.version
        assert facts.name(Command.DP_RELOAD) == "dialplan:reload"


def test_a_module_that_is_not_loaded_is_said(node: FakeNode) -> None:
    node.which = ["which", "version"]
    facts = probe(MiClient(node.url, 2))
    assert not facts.offers(Command.DP_RELOAD)
    with pytest.raises(MiCommandError, match="dp_reload"):
        facts.name(Command.DP_RELOAD)


def test_the_names_are_those_that_real_servers_list() -> None:
    assert {command.value for command in Command} <= set(recorded_which())
    assert set(NEW_NAMES) == set(Command)
    assert set(NEW_NAMES.values()) <= set(recorded_which("mi-4.0-http.jsonl"))
    assert not {"kill", "core:kill", "t_hash", "pwd", "arg", "ps"} & ALLOWED


def test_recorded_errors_are_understood() -> None:
    """Every JSON-RPC error of the recordings becomes one sentence with its number."""
    shared = Path(__file__).parents[3] / "shared" / "opensips"
    client, seen = MiClient("http://127.0.0.1:1/mi", 1), 0
    for file in ("mi-3.6-http.jsonl", "mi-4.0-http.jsonl"):
        for line in (shared / file).read_text(encoding="utf-8").splitlines():
            response = json.loads(line).get("response")
            if not isinstance(response, dict) or "error" not in response:
                continue
            body = json.dumps(response | {"id": 7}).encode()
            with pytest.raises(MiCommandError) as caught:
                client._result(body, 7)
            assert caught.value.number == response["error"]["code"]
            seen += 1
    assert seen > 50
