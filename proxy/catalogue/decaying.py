"""Counts of which older ones weigh less: after `memory` seconds a third, as everywhere in the statistics."""

from __future__ import annotations

from math import exp


class DecayingCounts:
    """Counts by name. One without a time counts as of just now; before anything had a time, as of the first that has
    one, so that a past without times does not vanish with it."""

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._counts: dict[str, tuple[float, float]] = {}
        self._has_times = False
        self.latest_at = 0.0

    def add(self, name: str, at: float | None, count: float = 1.0) -> None:
        """Counts it, at a time in seconds; late ones weigh by their own time."""
        if at is None:
            at = self.latest_at
        elif not self._has_times:
            self._has_times, self.latest_at = True, at
            self._counts = {known: (before, at) for known, (before, _) in self._counts.items()}
        elif at > self.latest_at:
            self.latest_at = at
        before, counted_at = self._counts.get(name, (0.0, at))
        if at < counted_at:
            self._counts[name] = before + count * exp((at - counted_at) / self._memory), counted_at
        else:
            self._counts[name] = count + before * exp((counted_at - at) / self._memory), at

    def get(self, name: str) -> float:
        """What its count weighs at `latest_at`."""
        count, counted_at = self._counts.get(name, (0.0, self.latest_at))
        return count * exp((counted_at - self.latest_at) / self._memory)
