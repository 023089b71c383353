"""The idle connections to one origin, to be used again."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from proxy.settings import Settings
from proxy.upstream.connection import Connection
from proxy.upstream.exchange import SAFE_METHODS

SURE_SECONDS = 0.5
"""No server closes connections that were idle for less, unless it stops; many are set to one second (HAProxy's
`http-keep-alive`, Apache's `KeepAliveTimeout`)."""


class Idle:
    """At most so many connections, each for so long, as the settings say. The newest, which is the warmest, is used
    first; the oldest expire."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.idle_connection_seconds
        self._most = settings.max_idle_connections
        self._newest_last: deque[Connection] = deque()
        self._reaper: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._newest_last)

    def take(self, now: float, method: bytes = b"GET") -> Connection | None:
        """A connection that may be used, if there is one. A method that may change something is never sent twice (RFC
        9110 9.2.2): it gets one that was used a moment ago, which the origin is not about to close. `now` is monotonic
        seconds."""
        newest = self._newest_last[-1] if self._newest_last else None
        if newest is not None and method not in SAFE_METHODS and newest.idle_since <= now - SURE_SECONDS:
            return None
        expired = now - self._seconds
        while self._newest_last:
            connection = self._newest_last.pop()
            if connection.may_be_reused(expired):
                return connection
            connection.abort()
        return None

    def put_back(self, connection: Connection) -> None:
        """Adds one that was taken and not used."""
        self._newest_last.append(connection)

    def add(self, connection: Connection) -> None:
        """Adds one from now on; closes it, if there are as many as there may be."""
        if len(self._newest_last) >= self._most:
            connection.abort()
            return
        connection.idle_since = time.monotonic()
        self._newest_last.append(connection)
        if self._reaper is None:
            self._reap_later()

    def lost(self, connection: Connection) -> None:
        """Removes one that has ended, if it is here."""
        if connection in self._newest_last:
            self._newest_last.remove(connection)

    def keep_for(self, seconds: float) -> None:
        """Keeps each no longer than this from now on."""
        if seconds < self._seconds:
            self._seconds = seconds
            if self._reaper is not None:
                self._reaper.cancel()
                self._reap()

    def close_unused(self, since: float) -> None:
        """Closes those not used since then: an origin that did not answer meanwhile may be gone, as one whose name has
        another address now, and each would be waited for as long."""
        while self._newest_last and self._newest_last[0].idle_since < since:
            self._newest_last.popleft().abort()

    def close(self) -> None:
        """Closes all."""
        if self._reaper is not None:
            self._reaper.cancel()
        while self._newest_last:
            self._newest_last.pop().abort()

    def _reap(self) -> None:
        expired = time.monotonic() - self._seconds
        while self._newest_last and self._newest_last[0].idle_since <= expired:
            self._newest_last.popleft().abort()
        self._reaper = None
        if self._newest_last:
            self._reap_later()

    def _reap_later(self) -> None:
        self._reaper = asyncio.get_running_loop().call_later(self._seconds, self._reap)
