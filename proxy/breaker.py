"""A circuit breaker, for what keeps failing: the profile store, an origin. Further attempts would make requests wait,
and keep what is down from recovering.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

from proxy.settings import DEFAULTS, Settings


class Breaker:
    """Opens after so many failures in a row, or among the last attempts, by the settings `breaker_*`. While open, one
    attempt is let through at the end of each pause. `clock` must be monotonic. `changed` is called when it opens (True)
    and closes."""

    def __init__(
        self,
        clock: Callable[[], float],
        settings: Settings = DEFAULTS,
        changed: Callable[[bool], None] = lambda is_open: None,
    ) -> None:
        self._clock = clock
        self._changed = changed
        self._most_in_a_row = max(1, settings.breaker_failures)
        self._most_failures = max(1.0, settings.breaker_fraction * settings.breaker_attempts)
        self._shortest = settings.breaker_seconds
        self._longest = settings.breaker_longest_seconds
        self._recent: deque[bool] = deque(maxlen=settings.breaker_attempts)
        self._in_a_row = 0
        self._cut_off_at = -inf
        self._failed_for = ""
        self.is_open = False
        self.failure = ""
        self._retry_at = 0.0
        self._pause = self._shortest

    def allows(self) -> bool:
        """True when an attempt may be made. While open, one for each pause, and the next pause is twice as long."""
        if not self.is_open:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + self._pause
        self._pause = min(2 * self._pause, self._longest)
        return True

    def note(self, is_success: bool, failure: str = "", cut_off_since: float = inf, customer: str = "") -> None:
        """Records whether an attempt succeeded, and how it failed. While open, further failures change nothing else.
        `cut_off_since`: when an attempt began that was cut off; all that were under way at that moment count as one,
        since a process of an origin that ends takes its requests with it, while others answer. Failures of one
        `customer` count as one until somebody else fails: who asks again and again for the one page that hangs must not
        take the others from everybody."""
        if is_success:
            if self.is_open:
                self._close()
            self._recent.append(True)
            self._in_a_row = 0
            return
        self.failure = failure
        if self.is_open or cut_off_since <= self._cut_off_at or (customer and customer == self._failed_for):
            return
        self._failed_for = customer
        if cut_off_since < inf:
            self._cut_off_at = self._clock()
        self._recent.append(False)
        self._in_a_row += 1
        is_half_down = len(self._recent) == self._recent.maxlen and self._recent.count(False) >= self._most_failures
        if self._in_a_row >= self._most_in_a_row or is_half_down:
            self._open()

    def _open(self) -> None:
        self.is_open = True
        self._retry_at = self._clock() + self._shortest
        self._pause = min(2 * self._shortest, self._longest)
        self._changed(True)

    def _close(self) -> None:
        self.is_open = False
        self._recent.clear()
        self._in_a_row = 0
        self._changed(False)
