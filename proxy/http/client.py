"""The client of a request. Anybody may claim anything in `X-Forwarded-For`; only the proxies that an operator trusts
are believed, and each only about the client that connected to it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from proxy.environment import mistaken
from proxy.model import Headers

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Networks = tuple[Network, ...]

_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
            *("100.64.0.0/10", "fc00::/7"),  # RFC 6598 and 4193
            *("127.0.0.0/8", "::1", "fe80::/10"),  # this machine, this link
        ),
    )
)
_HOPS = frozenset({b"x-forwarded-for", b"forwarded"})
_MOST_CUSTOMERS = 4_096
LONGEST_HOPS = 256
"""What proxies say in more bytes is not remembered: whoever is behind them may have begun it."""

# RFC 7239 4. Quoted values are taken whole, so that a `for=` inside one is not read as a hop. Names begin where letters
# do: to try each letter of 32 kB without a `=` takes 3 s.
_FORWARDED_PAIR = re.compile(rb'(?<![A-Za-z])([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,\s"]*)')


def networks(texts: Iterable[str]) -> Networks:
    """The setting `trusted_proxies`, parsed. Raises `OperatorError`."""
    return tuple(_network(text) for text in texts)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise mistaken(
            "trusted_proxies", f"`{text}` is not an address or a network", help="write 10.0.0.0/8 or 192.0.2.7"
        ) from error


def is_trusted(address: str, trusted: Networks) -> bool:
    """True when `address` lies in one of the `trusted` networks."""
    if not trusted:
        return False
    try:
        parsed = _parsed(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    parsed = ipaddress.ip_address(address)
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed


def is_shared(address: str, trusted: Networks) -> bool:
    """Whether many clients share the address: this machine, a proxy, or one of a private network, where balancers and
    proxies are that nobody has named in `trusted`."""
    return not address or is_trusted(address, (*trusted, *_PRIVATE))


def peer_address(name: tuple[str, int] | None) -> str:
    """The address in a client's socket name, "" for none. A socket of both families has `::ffff:` before IPv4 ones."""
    address = name[0] if name else ""
    return address.removeprefix("::ffff:") if "." in address else address


def customer_of(address: str) -> str:
    """What counts as one address: in IPv6 the /64 network, which is what one customer gets."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))


class Customers:
    """Whom each request is counted for."""

    def __init__(self, trusted: Networks) -> None:
        self._trusted = trusted
        self._connected = lru_cache(maxsize=_MOST_CUSTOMERS)(self._who_connected)
        self._behind = lru_cache(maxsize=_MOST_CUSTOMERS)(self._who_is_behind)

    def of(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The customer who sent this request; "" where the address is many clients'."""
        customer = self._connected(peer)
        if customer is not None:
            return customer
        hops = tuple(each for each in headers if each[0] in _HOPS)
        is_short = sum(len(value) for _, value in hops) <= LONGEST_HOPS
        return self._behind(peer, hops) if is_short else self._who_is_behind(peer, hops)

    def _who_connected(self, peer: str) -> str | None:
        return None if is_trusted(peer, self._trusted) else _one_customer(peer, self._trusted)

    def _who_is_behind(self, proxy: str, hops: Headers) -> str:
        return _one_customer(client_of(proxy, hops, self._trusted)[0], self._trusted)


def _one_customer(address: str, trusted: Networks) -> str:
    return "" if is_shared(address, trusted) else customer_of(address)


def client_of(peer: str, headers: Headers, trusted: Networks, scheme: str = "http") -> tuple[str, str]:
    """The visitor's address and scheme: `peer` and `scheme` themselves unless a trusted proxy says otherwise.

    The hops are read from the right, and reading stops at the first that is not trusted: what stands left of it
    was written by a stranger. `X-Forwarded-For` counts before `Forwarded`, which most proxies pass on unread.
    """
    if not is_trusted(peer, trusted):
        return peer, scheme
    address = peer
    for hop in reversed(_hops(headers)):
        named = _address(hop)
        if named is None:
            break
        address = named
        if not is_trusted(address, trusted):
            break
    said = (_joined(headers, b"x-forwarded-proto") or b",".join(_forwarded(headers, b"proto"))).lower()
    claimed = said.rpartition(b",")[2].strip().decode("latin-1")
    return address, claimed if claimed in ("http", "https") else scheme


def _hops(headers: Headers) -> list[bytes]:
    joined = _joined(headers, b"x-forwarded-for")
    return joined.split(b",") if joined else _forwarded(headers, b"for")


def _joined(headers: Headers, name: bytes) -> bytes:
    return b",".join(value for key, value in headers if key == name)


def _forwarded(headers: Headers, parameter: bytes) -> list[bytes]:
    pairs = _FORWARDED_PAIR.findall(_joined(headers, b"forwarded"))
    return [value.strip(b'"') for name, value in pairs if name.lower() == parameter]


def _address(hop: bytes) -> str | None:
    """The address in `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1` or `[2001:db8::1]:443`; None for anything else."""
    text = hop.strip().decode("latin-1")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(_parsed(text))
    except ValueError:
        return None
