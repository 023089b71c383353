"""The client connections of one worker: how many there may be, who gives way when all places are taken, and a regular
look at each, so that none is kept for a client that does nothing.

One timer for all of them: a timer per connection, set and cancelled for every request, costs more than this.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from proxy.http.client import is_trusted, networks
from proxy.settings import Settings

LOOK_SECONDS = 0.5
AT_ONCE = 50
"""So many are looked at in one turn of the loop: with 2,000, pages would wait 3 ms."""
MADE_ROOM_FOR = 32
"""How many give way at once, so that a crowd at the door does not mean a search for each."""


class Connection(Protocol):
    """What admission needs of a connection."""

    address: str

    @property
    def since(self) -> float:
        """When its client was last owed nothing and waited for (loop time)."""

    @property
    def is_idle(self) -> bool:
        """No request of it is being served: it can be closed without anybody missing an answer."""

    def look(self, now: float) -> None:
        """Ends the connection if its client has let us wait too long."""

    def give_way(self) -> None:
        """Closes the idle connection, to make room for another."""


class Admission:
    """Enforces the settings `max_clients` and `max_clients_per_address`."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.max_clients
        self._most_per_address = settings.max_clients_per_address
        self._trusted = networks(settings.trusted_proxies)
        self._open: set[Connection] = set()
        self._from: Counter[str] = Counter()
        self._next_look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, connection: Connection) -> bool:
        """Takes the connection in; False when there is no room for it. Every one taken in has to `leave`."""
        network = _network(connection.address)
        if self._from[network] >= self._most_per_address and not self._is_many(connection.address):
            return False
        if len(self._open) >= self._most and not self._made_room():
            return False
        self._open.add(connection)
        self._from[network] += 1
        if self._next_look is None:
            self._look_later()
        return True

    def leave(self, connection: Connection) -> None:
        """Its place is free again. Who was never in may leave too."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        network = _network(connection.address)
        self._from[network] -= 1
        if not self._from[network]:
            del self._from[network]
        if not self._open and self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _is_many(self, address: str) -> bool:
        """One address that many clients share: this machine's own (a proxy beside us, a load test) or a proxy's."""
        return address.startswith("127.") or address in ("::1", "") or is_trusted(address, self._trusted)

    def _made_room(self) -> bool:
        idle = sorted((connection for connection in self._open if connection.is_idle), key=lambda idle: idle.since)
        for connection in idle[:MADE_ROOM_FOR]:
            self.leave(connection)
            connection.give_way()
        return bool(idle)

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._look_on(iter(tuple(self._open)))

    def _look_on(self, left: Iterator[Connection]) -> None:
        """Looks at the next of those who were there, if they are still; requests go between."""
        loop, some = asyncio.get_running_loop(), tuple(islice(left, AT_ONCE))
        try:
            for connection in self._open.intersection(some):
                connection.look(loop.time())
        finally:
            if some:
                loop.call_soon(self._look_on, left)
            else:
                self._look_later()


def _network(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which is what one customer gets."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
