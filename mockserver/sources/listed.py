"""The databases listed with `--live`: each host name is resolved once and pinned to its addresses."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

Resolve: TypeAlias = Callable[[str, int], Iterable[str]]
"""The IP addresses of a host, for a connection to a port. Raises OSError."""

_ENTRY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)):([0-9]{1,5})")
_DRESSED = re.compile(
    r"(?:[A-Za-z][\w+.:-]*://|tcp:)?(?:[^@/]*@)?(\[[^]]+\]|[^:/,\\?#@]+)(?:[:,](\d{1,5}))?(?:[/\\?#].*)?"
)
"""A host with the parts that some connection strings add: scheme, user, port, path."""
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,80}(?::[0-9]{0,9})?|[0-9a-f.:\[\]]{1,80}")
"""A host with or without a port, or an IPv6 address: anything else after a colon may be a password."""
_Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
_LOCAL_TRANSLATION = ipaddress.IPv6Network("64:ff9b:1::/48")
"""NAT64, IPv4-compatible, IPv4-translated and local NAT64 prefixes (RFC 6052, 4291, 7915, 8215)."""

_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
"""Octets before the IPv4 address in an ISATAP address (RFC 5214)."""

_MAX_ADDRESSES = 4
_METADATA = [
    ipaddress.IPv4Address(text)
    for text in (
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "100.100.100.200", "168.63.129.16",
        "192.0.0.192",
    )
]  # fmt: skip
"""IPv4 addresses where clouds hand out credentials. IPv6 addresses that contain one lead there in some network."""

_NEVER = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::/32", "fd20:ce::/64", "fd00:42::42",
        "fec0::/10", "100::/64",
    )
]  # fmt: skip
"""Networks that are never connected to: this network, services of clouds, site-local addresses, the discard prefix."""


@dataclass(frozen=True, slots=True)
class LiveAddress:
    """A host and port that may be contacted under this name only."""

    host: str
    """Lower case."""
    port: int
    addresses: tuple[str, ...]
    """The addresses at start-up. No others are contacted, even if the name resolves differently later."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def is_called(self, server: str) -> bool:
        """Whether another spelling means this host, as far as can be decided without a name server."""
        if _is_loopback(server):
            return any(map(_is_loopback, self.addresses))
        return server in map(named, self.addresses)


def named(host: str) -> str:
    """A host normalised: lower case, without brackets and final dot, IP addresses in their shortest form."""
    bare = host.lower().removeprefix("[").removesuffix("]").removesuffix(".")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def undressed(server: str) -> tuple[str, str]:
    """The host in a text such as `jdbc:postgresql://user@db:5432/shop`, as a resolver reads it, and its port or ""."""
    server = server.strip()
    dressed = None if _is_address(server) else _DRESSED.fullmatch(server)
    host, port = (dressed[1], dressed[2] or "") if dressed else (server, "")
    with suppress(OSError):
        host = socket.inet_ntoa(socket.inet_aton(host))  # 127.1, 0x7f000001 and 2130706433 are 127.0.0.1
    return named(host), port


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(text)
        return True
    return False


def _is_loopback(server: str) -> bool:
    """Whether a host is this machine. Dialling the unspecified address leads here, too."""
    if server in ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"):
        return True
    try:
        address = ipaddress.ip_address(server)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def system_resolve(host: str, port: int) -> list[str]:
    """Resolve a host by the operating system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def pinned(text: str, resolve: Resolve = system_resolve) -> LiveAddress:
    """Parse `HOST:PORT` and resolve it. Raises ValueError with what is wrong."""
    entry = _ENTRY.fullmatch(text)
    if entry is None or not 1 <= int(entry[3]) <= 65_535:
        shown = (
            repr(text) if _PLAIN.fullmatch(text) else f"a text of {len(text)} characters"
        )  # it may contain a password
        raise ValueError(f"--live takes HOST:PORT, such as localhost:5432 or [::1]:5432, not {shown}")
    host, port = (entry[1] or entry[2]).lower(), int(entry[3])
    try:
        addresses = tuple(dict.fromkeys(resolve(host, port)))
    except OSError as error:
        raise ValueError(f"--live {text}: {host} cannot be resolved: {error.strerror or error}") from None
    if not addresses:
        raise ValueError(f"--live {text}: {host} has no address")
    for address in addresses:
        _demand_harmless(text, address)
    return LiveAddress(host, port, addresses[:_MAX_ADDRESSES])


def _demand_harmless(text: str, address: str) -> None:
    """Refuse metadata, multicast, broadcast and unspecified addresses, where no database can be. Raises ValueError."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        raise ValueError(f"--live {text}: {address[:80]!r} is not an IP address") from None
    if any(map(_is_forbidden, (parsed, *_embedded(parsed)))):
        kinds = "link-local, metadata, multicast, broadcast, reserved or unspecified"
        raise ValueError(f"--live {text}: {address} is never dialled ({kinds})")


def _is_forbidden(address: _Address) -> bool:
    of_many = address.is_multicast or (address.version == 4 and address.is_reserved)  # broadcast is a reserved one
    return address.is_link_local or of_many or address.is_unspecified or any(address in network for network in _NEVER)


def _embedded(address: _Address) -> Iterator[_Address]:
    """The IPv4 addresses to which an IPv6 address may be translated or tunnelled."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    yield from filter(None, (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())))
    packed = address.packed
    yield from (one for one in _METADATA if one.packed in packed or one.packed in packed[:8] + packed[9:])
    if packed[8:12] in _ISATAP:
        yield ipaddress.IPv4Address(address.packed[12:])
    if address in _LOCAL_TRANSLATION:  # RFC 6052 puts it after a prefix of any length, round octet 8
        octets = address.packed
        for at in (6, 7, 8, 12):
            four = bytes(octet for place, octet in enumerate(octets) if place >= at and place != 8)[:4]
            if any(four):
                yield ipaddress.IPv4Address(four if at < 12 else octets[12:])
    elif any(address in network for network in _TRANSLATED) and int(address) > 1:
        yield ipaddress.IPv4Address(address.packed[12:])
