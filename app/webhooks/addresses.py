"""Where a webhook may go: an address that is written well, and a network that is nobody's inside.

Whoever may make endpoints could otherwise have the panel knock at doors that only it can reach
(the switch's MI, a cloud's metadata). The host is resolved once, every address of it is looked at,
and the connection goes to the one that was looked at: a name that means something else a moment
later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from app.core.errors import InvalidInput
from app.core.words import _

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST = 500
# What Python's tables take for public: a cloud's metadata (Azure), IANA's own (RFC 6890), IPv4 as
# IPv6 once wrote it (RFC 4291), a site's own addresses (RFC 3879) and translators (RFC 8215).
_INSIDE = tuple(
    ip_network(text)
    for text in ("168.63.129.16/32", "192.0.0.0/24", "::/96", "fec0::/10", "64:ff9b:1::/48")
)
# IPv4 behind a translator (RFC 6052).
_NAT64 = ip_network("64:ff9b::/96")


class Refused(InvalidInput):
    """The address is none that a webhook may go to."""

    code = "webhook_address"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in parts; ``path`` with its query, ``authority`` as the Host header has it."""

    secure: bool
    host: str
    port: int
    path: str
    authority: str


def parse(url: str) -> Target:
    """The parts of a URL; raises Refused for what is none of https, or of http on this machine."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise _no_url()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise _no_url() from exc
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise _no_url()
    if "@" in parts.netloc:
        raise Refused(
            _("The address holds a user or password."),
            _("Leave it out: the receiver knows us by the signature."),
            "url",
        )
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), path, parts.netloc)


def check(url: str, *, house: bool, networks: Sequence[Network]) -> Target:
    """What can be said of a URL without asking DNS; raises Refused."""
    target = parse(url)
    try:
        known = ip_address(target.host)
    except ValueError:
        if not target.secure and target.host != "localhost":
            raise _not_plain() from None
        return target
    if not target.secure and not _plain(known).is_loopback:
        raise _not_plain()
    if not allowed(known, house=house, networks=networks):
        raise _inside(target.host)
    return target


def resolve(target: Target, *, house: bool, networks: Sequence[Network]) -> list[Address]:
    """The addresses of a target, all of them allowed; raises Refused, OSError when DNS has none."""
    found = [
        ip_address(str(info[4][0]).partition("%")[0])
        for info in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    ]
    if not all(allowed(one, house=house, networks=networks) for one in found):
        raise _inside(target.host)
    if not target.secure and not all(_plain(one).is_loopback for one in found):
        raise _not_plain()
    return list(dict.fromkeys(found))


def allowed(address: Address, *, house: bool, networks: Sequence[Network]) -> bool:
    """Whether webhooks may go there: public, named in the settings, or, for the house, loopback."""
    real = _plain(address)
    if _is_in(real, networks):
        return True
    if real.is_loopback:
        return house
    return real.is_global and not real.is_multicast and not _is_in(real, _INSIDE)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == one.version and address in one for one in networks)


def _plain(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 one, where there is one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _no_url() -> Refused:
    return Refused(
        _("This is no address that a webhook can go to."),
        _("Write it like https://hooks.example.net/panel, in ASCII, at most 500 characters."),
        "url",
    )


def _not_plain() -> Refused:
    return Refused(
        _("Webhooks go over https; http is for this machine itself (127.0.0.1)."),
        _("Give the receiver a certificate."),
        "url",
    )


def _inside(host: str) -> Refused:
    return Refused(
        _("%(host)s is not on the public internet.", host=host),
        _("Whoever runs the panel can allow its network in PANEL_WEBHOOK_NETWORKS."),
        "url",
    )
