"""When to leave alone what fails again and again: the profile store, an origin. Trying costs whoever waits, and keeps
what is down from getting up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Breaker:
    """Says when to leave what fails alone: after 5 failures in a row or 10 among the last 20, for a second at first,
    for up to ten when it stays down. One attempt is let through at the end of each pause. `clock` must be monotonic."""

    IN_A_ROW = 5
    WINDOW = 20
    SHORTEST_SECONDS = 1.0
    LONGEST_SECONDS = 10.0

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recent: deque[bool] = deque(maxlen=self.WINDOW)
        self._in_a_row = 0
        self.is_open = False
        self._retry_at = 0.0
        self._pause = self.SHORTEST_SECONDS

    def allows(self) -> bool:
        """True when an attempt may be made. While open, only once a pause, and the next pause is twice as long."""
        if not self.is_open:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + self._pause
        self._pause = min(2 * self._pause, self.LONGEST_SECONDS)
        return True

    def note(self, is_success: bool) -> None:
        """An attempt succeeded, or did not. While open, another failure says nothing new."""
        if self.is_open and is_success:
            self._close()
        if self.is_open:
            return
        self._recent.append(is_success)
        self._in_a_row = 0 if is_success else self._in_a_row + 1
        is_half_down = len(self._recent) == self.WINDOW and self._recent.count(False) * 2 >= self.WINDOW
        if self._in_a_row >= self.IN_A_ROW or is_half_down:
            self._open()

    def _open(self) -> None:
        self.is_open = True
        self._retry_at = self._clock() + self.SHORTEST_SECONDS
        self._pause = 2 * self.SHORTEST_SECONDS

    def _close(self) -> None:
        self.is_open = False
        self._recent.clear()
        self._in_a_row = 0
