"""New visitors with their cookies, several made at once where many come.

Making one takes 2 us, and several times as much between two requests, when the CPU's caches are cold: random digits and
two hashes touch much that nothing else does. A cookie tells the second in which it was made, so what is left at the end
of a second is dropped.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy.model import Visitor

MOST_AT_ONCE = 16
"""Some 30 us: others wait meanwhile."""

NewVisitor = tuple[Visitor, bytes]
"""A visitor, and the Set-Cookie value for their cookie."""


class FirstCookies:
    """The new visitors of one worker. `make` makes so many for a second (Unix time)."""

    __slots__ = ("_at_once", "_make", "_ready", "_second")

    def __init__(self, make: Callable[[int, int], list[NewVisitor]]) -> None:
        self._make = make
        self._ready: list[NewVisitor] = []
        self._second = -1
        self._at_once = 1

    def take(self, now: float) -> NewVisitor:
        """A new visitor. At first in a second one is made, and then twice as many each time."""
        second = int(now)
        if second != self._second or not self._ready:
            self._at_once = 1 if second != self._second else min(2 * self._at_once, MOST_AT_ONCE)
            self._second = second
            self._ready = self._make(second, self._at_once)
        return self._ready.pop()
