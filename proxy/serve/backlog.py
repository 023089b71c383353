"""What waits in our memory for one client to take it, and whether the client takes it fast enough. Pure.

Who keeps up has nothing waiting, however slow the answer itself is: streams of events are never too slow to be read.
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
        """So many bytes were taken, and others may have come in their place."""
        self._replaced += size

    def is_stuck(self, now: float, size: int, next_look: float) -> bool:
        """True when too little was taken in the stretch of time that ends before `next_look`, a number of seconds
        from now. `size` bytes are waiting."""
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
