"""Who is asked, as HTTP writes it: the Host a visitor names and the address of an origin an operator names.

Its law: a Host that did not pass `valid_host` reaches no cache key, no redirect and no origin.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import idna

from proxy.environment import mistaken
from proxy.errors import RequestError

DEFAULT_PORTS = {"http": 80, "https": 443}

# RFC 3986 3.2.2 narrowed to what names a web server: LDH labels (and the underscore of container networks), no
# trailing dot, no user, no percent-encoding; or an IPv6 address in brackets.
_HOST = re.compile(
    rb"(?P<host>(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*|\[(?P<v6>[0-9a-f:.]{2,45})\])(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an origin listens. `host` is lower-case, an IPv6 address without its brackets."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> bytes:
        """As in a Host field: without the port when it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}").encode()

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority.decode()}"


def address_of(url: str, setting: str = "origin") -> Address:
    """The address of an origin that `setting` names. Raises `OperatorError` unless `url` is a scheme and an authority,
    and no more."""
    try:
        parts = urlsplit(url)
        host = coded(parts.hostname or "")
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise mistaken(setting, f"`{url}` is not a URL: {error}", help="write https://shop.example") from error
    if parts.scheme not in DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise mistaken(setting, f"`{url}` is not a web address", help="write https://shop.example")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise mistaken(
            setting,
            f"`{url}` has a path",
            help=f"paths are passed on unchanged: write {parts.scheme}://{parts.netloc}",
        )
    return Address(parts.scheme, host, port)


def host_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The setting `allowed_hosts`. Raises `OperatorError` for what no Host field could ever say."""
    for name in names:
        try:
            valid_host(name.encode())
        except RequestError as error:
            instead = "shop.example" if name.isascii() else coded(name)
            raise mistaken("allowed_hosts", f"`{name}` is not a host", help=f"write {instead}") from error
    return names


def coded(host: str) -> str:
    """A host as DNS and browsers have it: `straße.example` is `xn--strae-oqa.example`. Raises `ValueError`."""
    # Python's own codec is of IDNA 2003, where it would be `strasse.example`: another shop.
    return (host.encode("idna") if host.isascii() else idna.encode(host, uts46=True)).decode()


@lru_cache(maxsize=1024)
def valid_host(value: bytes, allowed: tuple[str, ...] = ()) -> bytes:
    """The Host field's `value`, lower-case. `allowed` are the names served, with or without port; empty: any.

    Raises `RequestError`: 400 for what is not a host, 421 for a host that is not served here.
    """
    host = value.lower()
    match = _HOST.fullmatch(host)
    if match is None or len(match["host"]) > 253 or not 0 < int(match["port"] or 1) < 65536 or not _is_v6(match["v6"]):
        raise RequestError("the Host field does not name a host")
    if allowed and not {host.decode(), match["host"].decode()} & {name.lower() for name in allowed}:
        raise RequestError("this host is not served here", status=421)
    return host


def _is_v6(text: bytes | None) -> bool:
    if text is None:
        return True
    try:
        ipaddress.IPv6Address(text.decode())
    except ValueError:
        return False
    return True
