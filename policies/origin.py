"""Where a call comes from: the address behind the proxies we trust, and what of it counts as one caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def networks(notation: str) -> tuple[Network, ...]:
    """Comma separated addresses and networks, `10.0.0.0/8, 192.0.2.7`. ValueError for what is none."""
    return tuple(ip_network(each.strip()) for each in notation.split(",") if each.strip())


def address_behind(peer: str, forwarded_for: Iterable[str], trusted: Sequence[Network]) -> str:
    """The address of the caller: the peer's own, unless it is a proxy that we trust.

    Such a one appends the address it heard (`X-Forwarded-For`, one or more header lines), and what stands left of that
    was said by the next one. Read from the right, the first address that is no trusted proxy is the caller: anybody
    may have written the rest. What is no address ends the reading at the hop that passed it on.
    """
    if not _is_trusted(peer, trusted):
        return peer
    caller = peer
    hops = [hop for line in forwarded_for for hop in line.split(",")]
    for hop in reversed(hops):
        named = _read(hop.strip())
        if named is None:
            break
        caller = str(named)
        if not _is_trusted(caller, trusted):
            break
    return caller


def origin_of(address: str) -> str:
    """An IPv6 caller owns a whole /64 and counts as one; what is no IP address (a socket's path) stays as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    named = _read(address)
    return named is not None and any(named in network for network in trusted)


def _read(hop: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: alone, with a port, in brackets."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        named = ip_address(hop)
    except ValueError:
        return None
    return named.ipv4_mapped or named if isinstance(named, IPv6Address) else named
