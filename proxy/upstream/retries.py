"""How often requests may be repeated: a small fraction of all, so that retries never become the load that keeps a
struggling origin down. Pure.
"""

from __future__ import annotations

MOST_SAVED = 10.0


class Retries:
    """A retry budget: each request adds `fraction`, up to ten, and each retry takes one."""

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction
        self._saved = MOST_SAVED if fraction else 0.0

    def earn(self) -> None:
        """Counts a request that was sent."""
        self._saved = min(MOST_SAVED, self._saved + self._fraction)

    def spend(self) -> bool:
        """True when another may be sent a second time; then it counts as sent."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
