"""No webhook goes where only the panel can reach, whatever name or number hides the place."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from app.webhooks import addresses, sending
from tests.webhooks.receiver import Receiver

INSIDE = [
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "2002:0a00:0001::1",
    "fec0::1",
    "::10.0.0.1",
    "64:ff9b:1::10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
]
LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"]
OUTSIDE = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("house", [True, False])
def test_what_may_be_reached(house: bool) -> None:
    def allowed(text: str, *networks: str) -> bool:
        given = [ip_network(one) for one in networks]
        return addresses.allowed(ip_address(text), house=house, networks=given)

    assert [one for one in INSIDE if allowed(one)] == []
    assert [one for one in OUTSIDE if not allowed(one)] == []
    assert {allowed(one) for one in LOOPBACK} == {house}
    assert allowed("10.1.2.3", "10.1.0.0/16", "fd00::/8")
    assert allowed("::ffff:10.1.2.3", "10.1.0.0/16")
    assert not allowed("10.2.2.3", "10.1.0.0/16", "fd00::/8")
    assert allowed("fd00::7", "10.1.0.0/16", "fd00::/8")


@pytest.mark.parametrize(
    "url",
    [
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://[::ffff:7f00:1]/",
        "https://localhost/",
    ],
)
def test_other_spellings_of_this_machine_are_it(url: str) -> None:
    sent = sending.send(url, {}, "{}", house=False, networks=[])
    assert sent.status is None
    assert "not on the public internet" in sent.problem or sent.problem.startswith("No answer: ")
    assert "refused" not in sent.problem, "a connection was tried"


def test_a_name_with_one_address_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443))
            for one in ("93.184.216.34", "169.254.169.254")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    sent = sending.send("https://two.example.net/", {}, "{}", house=True, networks=[])
    assert "two.example.net is not on the public internet" in sent.problem


def test_the_name_is_asked_once_and_the_connection_goes_to_what_was_looked_at(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def changing(host: str, port: int, *rest: Any, **more: Any) -> Any:
        """At first a place that may be reached, from then on another one."""
        if host != "rebound.example.net":
            return real(host, port, *rest, **more)
        asked.append(host)
        first = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (first, port))]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    url = receiver.url.replace("127.0.0.1", "rebound.example.net")
    networks = [ip_network("127.0.0.1/32")]
    refused = sending.send(url, {}, "{}", house=False, networks=networks)
    assert "Webhooks go over https" in refused.problem, "http is for addresses of this machine"
    monkeypatch.setattr(addresses, "check", lambda url, **_: addresses.parse(url))
    sent = sending.send(url, {}, "{}", house=False, networks=networks)
    assert (sent.status, sent.problem) == (204, "")
    assert asked == ["rebound.example.net"]
    assert receiver.got[0].headers["host"].startswith("rebound.example.net:")
    again = sending.send(url, {}, "{}", house=False, networks=networks)
    assert "not on the public internet" in again.problem


def test_a_resolver_that_hangs_ends_in_nothing_sent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(sending, "TOTAL_S", 0.05)

    def slow(*args: Any, **more: Any) -> Any:
        import time

        time.sleep(0.1)
        return real(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    sent = sending.send(receiver.url, {}, "{}", house=True, networks=[])
    assert sent.problem == "It took longer than the time there is."
    assert receiver.got == []
