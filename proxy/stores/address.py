"""Where a Redis or Valkey store is, by the form of its URL, and what must have an event before it is acknowledged.

    redis://HOST:PORT/DB   rediss://...   unix:///PATH      one server
    redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB           whom these Sentinels call the master
    rediss+sentinel://...                                    the same, over TLS with both
    redis+cluster://HOST:PORT,HOST:PORT                      a cluster that these belong to, rediss+cluster:// over TLS

`?ack=disk`, `?ack=replica` or `?ack=disk,replica` says what must have it: the server's append-only file, a replica.
Without, it is the server's memory. `replica-if-any` does without a replica where a master has none.
`?sentinel_username=NAME&sentinel_password=PASSWORD` is for Sentinels that want one: the other is the master's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio import BlockingConnectionPool

from proxy.errors import OperatorError

DEFAULT_PORT = 6379
TLS_DEFAULTS = (
    ("ssl_include_verify_flags", "VERIFY_X509_PARTIAL_CHAIN"),
    ("ssl_exclude_verify_flags", "VERIFY_X509_STRICT"),
)
"""All Pythons verify alike, as origins (`upstream/tls.py`); an address may say otherwise."""
SENTINEL_LOGIN = ("sentinel_username", "sentinel_password")
OURS = ("ack", *SENTINEL_LOGIN)
ACK_SECONDS = 4.0
"""How long a write may take to be on a disk or at a replica: the file is written through once a second, and a disk may
be busy."""


@dataclass(frozen=True, slots=True)
class Ack:
    """What must have an event before it is acknowledged, besides the server's memory: the append-only file, a replica.
    `if_any`: where a master has no replica, it does without."""

    disk: bool = False
    replicas: int = 0
    if_any: bool = False

    def among(self, replicas: int) -> Ack | None:
        """The same for a master that has so many replicas; None when it cannot give it."""
        if replicas >= self.replicas:
            return self
        return replace(self, replicas=replicas) if self.if_any else None

    @property
    def command(self) -> tuple[str | int, ...]:
        """The command that waits for it; empty when there is nothing to wait for."""
        wait_ms = int(ACK_SECONDS * 750)
        if self.disk:
            return "WAITAOF", 1, self.replicas, wait_ms
        return ("WAIT", self.replicas, wait_ms) if self.replicas else ()

    def is_given(self, answer: int | Sequence[int]) -> bool:
        """Whether the answer to the command confirms it."""
        local, replicas = (self.disk, answer) if isinstance(answer, int) else answer
        return local >= self.disk and replicas >= self.replicas


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL. `url` is that of a single server, or the first of them, without our own parameters; `hosts` are the
    nodes of a cluster or the Sentinels, `master` is the name that Sentinels know it by, `asking` how they let us in."""

    kind: str
    url: str
    hosts: tuple[tuple[str, int], ...]
    master: str
    database: int
    user: str | None
    password: str | None
    ack: Ack
    asking: Mapping[str, str]


def address_of(url: str) -> Address:
    """The parsed URL. Raises `OperatorError`."""
    try:
        return _address(url)
    except ValueError as error:
        what = f"`{without_password(url)}` is no address of a store: {error}"
        help = "write redis://HOST:PORT/DB; in a password `@` is %40, `/` %2F, `?` %3F, `#` %23, `%` %25"
        raise OperatorError(what, help=help) from error


def without_password(url: str) -> str:
    """The address for messages and logs."""
    return re.sub("(password=)[^&]*", r"\1...", re.sub("//.*@", "//...@", url))


def _address(url: str) -> Address:
    parts = urlsplit(url)
    if _ends_in_password(parts):
        raise ValueError("its password is cut short")
    scheme, _, kind = parts.scheme.partition("+")
    said = parse_qsl(parts.query)
    asking = {name.removeprefix("sentinel_"): value for name, value in said if name in SENTINEL_LOGIN}
    if asking and kind != "sentinel":
        raise ValueError("a login of Sentinels is for redis+sentinel://...")
    ack = [word for name, words in said if name == "ack" for word in words.split(",")]
    if set(ack) - {"disk", "replica", "replica-if-any", "memory"}:
        raise ValueError("`ack` is memory, disk, replica or replica-if-any")
    ours = TLS_DEFAULTS if scheme == "rediss" else ()
    theirs = [(name, value) for name, value in said if name not in OURS]
    query = urlencode([*theirs, *ours])  # the first of a name counts
    login, _, places = parts.netloc.rpartition("@")
    hosts = tuple(_host(place) for place in places.split(",")) if kind else ()
    path = [part for part in parts.path.split("/") if part] if kind else []
    if kind == "sentinel" and not path:
        raise ValueError("name the master after the Sentinels: redis+sentinel://HOST:PORT/MASTER")
    if not kind and scheme != "unix" and not re.fullmatch(r"/?\d*", parts.path):  # the library takes any word for 0
        raise ValueError(f"`{parts.path[1:]}` is no number of a database")
    place = f"//{hosts[0][0]}:{hosts[0][1]}" if kind else url.partition("?")[0][len(parts.scheme) + 1 :]
    plain = f"{scheme}:{place}" + (f"?{query}" if query else "")
    pool: Any = BlockingConnectionPool.from_url(plain)
    try:
        pool.make_connection()
    except TypeError as error:  # "... got an unexpected keyword argument 'sslca'"
        raise ValueError(f"there is no parameter {str(error).rpartition(' ')[2]}") from error
    return Address(
        kind,
        plain,
        hosts,
        path[0] if kind == "sentinel" else "",
        int(path[1]) if len(path) > 1 else 0,
        unquote(login.partition(":")[0]) or None,
        unquote(login.partition(":")[2]) or None,
        Ack("disk" in ack, int("replica" in ack or "replica-if-any" in ack), "replica-if-any" in ack),
        asking,
    )


def _ends_in_password(parts: SplitResult) -> bool:
    """Whether the host comes after what ends it, as with a `/` in the password."""
    return parts.scheme != "unix" and "@" in parts.path + parts.query.partition("=")[0] + parts.fragment


def _host(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    if not host:
        raise ValueError(f"`{place}` is no host")
    return host, int(port) if port else DEFAULT_PORT
