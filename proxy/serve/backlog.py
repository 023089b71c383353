"""The bytes that wait in our memory for one client, and whether the client reads fast enough. Pure.

For a client that keeps up nothing waits, however slow the answer itself is: streams of events are never read too
slowly.
"""

from __future__ import annotations

from proxy.settings import Settings


class Backlog:
    """Enforces the settings `download_seconds` and `download_bytes`, over stretches of time that begin when bytes are
    first seen waiting."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.download_seconds
        self._least = settings.download_bytes
        self._since: float | None = None
        self._before = 0
        self._replaced = 0

    def replaced(self, size: int) -> None:
        """Notes that so many bytes were handed to the connection, for others that the client read."""
        self._replaced += size

    def is_stuck(self, now: float, size: int, next_look: float) -> bool:
        """True when the client read too little in the period that ends before the next check, `next_look` seconds from
        now. `size` bytes are waiting."""
        if not size or self._since is None:
            self._begin(now, size)
            return False
        if now + next_look < self._since + self._seconds:
            return False
        taken = self._before + self._replaced - size
        self._begin(now, size)
        return taken < self._least

    def _begin(self, now: float, size: int) -> None:
        self._since, self._before, self._replaced = now if size else None, size, 0
