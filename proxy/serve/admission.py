"""The client connections of one worker: how many there may be, which idle ones are closed when there are too many, and
a regular check of each, so that none is kept for a client that does nothing.

One timer serves all of them: a timer for each connection, set and cancelled with every request, costs more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Protocol

from proxy.http.client import customer_of, is_shared, is_trusted, networks
from proxy.settings import Settings

LOOK_SECONDS = 0.5
AT_ONCE = 50
"""So many connections are checked in one iteration of the event loop: with 2,000, pages would wait 3 ms."""
MADE_ROOM_FOR = 32
"""So many idle connections are closed together, so that many new ones do not need a search each."""


class Connection(Protocol):
    """What admission needs of a connection."""

    address: str

    @property
    def since(self) -> float:
        """When the current wait for the client began (loop time)."""

    @property
    def is_idle(self) -> bool:
        """Whether it can be closed without losing an answer: none is owed."""

    def look(self, now: float) -> None:
        """Ends the connection if its client is too slow."""

    def close_idle(self) -> None:
        """Closes the idle connection, to make room for another."""


class Admission:
    """Enforces the settings `max_clients` and `max_clients_per_address`."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.max_clients
        self._most_per_address = settings.max_clients_per_address
        self._trusted = networks(settings.trusted_proxies)
        self._open: set[Connection] = set()
        self._from: Counter[str] = Counter()
        self._is_looking = False
        self.is_proxy = lru_cache(maxsize=256)(self._is_proxy)

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, connection: Connection) -> bool:
        """Takes the connection in; False when there is no room for it. Every one taken in has to `leave`."""
        network = customer_of(connection.address)
        if self._from[network] >= self._most_per_address and not self._is_shared(connection.address):
            return False
        if len(self._open) >= self._most and not self._make_room():
            return False
        self._open.add(connection)
        self._from[network] += 1
        if not self._is_looking:
            self._is_looking = True
            self._look_later()
        return True

    def leave(self, connection: Connection) -> None:
        """Frees its place, if it has one."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        network = customer_of(connection.address)
        self._from[network] -= 1
        if not self._from[network]:
            del self._from[network]

    def _is_proxy(self, address: str) -> bool:
        return is_trusted(address, self._trusted)

    def _is_shared(self, address: str) -> bool:
        return is_shared(address, self._trusted)

    def _make_room(self) -> bool:
        idle = sorted((connection for connection in self._open if connection.is_idle), key=lambda idle: idle.since)
        for connection in idle[:MADE_ROOM_FOR]:
            self.leave(connection)
            connection.close_idle()
        return bool(idle)

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._look_on(iter(tuple(self._open)))

    def _look_on(self, left: Iterator[Connection]) -> None:
        """Checks the next of the connections, if they are still open; requests are served between."""
        loop, some = asyncio.get_running_loop(), tuple(islice(left, AT_ONCE))
        try:
            for connection in self._open.intersection(some):
                connection.look(loop.time())
        finally:
            if some:
                loop.call_soon(self._look_on, left)
            elif self._open:
                self._look_later()
            else:
                self._is_looking = False
