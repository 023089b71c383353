"""What the moment decides: which rules are live, and what weekday and hour it is in each rule's time zone.

All of it depends on `now` alone, and changes only at a schedule's ends and on full minutes, so one answer serves every
visitor until the next change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from itertools import count
from math import floor, inf, nextafter

from proxy.conditions.localtime import local_time
from proxy.decide.column import Column

MOST_TIMES = 64


class Clock:
    """The bits that hold at a moment. `latest` is the last answer: good after the first number, up to and with the
    second; the bits; and their `time`. It is a memory only; any moment may be asked, in any order, by any thread."""

    __slots__ = ("_everyone", "_local", "_numbers", "_schedule", "_times", "latest")

    def __init__(self, everyone: int, schedule: Column | None, local: Mapping[tuple[str, str], Column]) -> None:
        """`schedule` asks about Unix seconds; `local` about (`weekday` or `hours`, time zone)."""
        self._everyone = everyone
        self._schedule = schedule
        self._local = local
        self.latest: tuple[float, float, int, int] = (inf, -inf, 0, -1)
        self._times: dict[int, int] = {}
        self._numbers = count()

    def time(self, now: float) -> tuple[int, float]:
        """What time it is to the plan, as a number: the same where the answer is the same, as from nine to five; and up
        to when."""
        after, until, _, time = self.latest
        if not after < now <= until:
            _, until, _, time = self._asked(now)
        return time, until

    def bits(self, now: float) -> int:
        """The bits that hold at `now`, remembered as `latest`."""
        return self._asked(now)[2]

    def _asked(self, now: float) -> tuple[float, float, int, int]:
        bits, after, until = self._everyone, -inf, inf
        if self._schedule is not None:
            bits &= self._schedule.bits(now)
            breaks = self._schedule.breaks
            next_change = bisect_left(breaks, now)
            after = breaks[next_change - 1] if next_change > 0 else -inf
            until = breaks[next_change] if next_change < len(breaks) else inf
        if self._local:
            bits &= self._local_bits(now)
            minute = floor(now / 60) * 60
            after, until = max(after, nextafter(minute, -inf)), min(until, nextafter(minute + 60, -inf))
        if len(self._times) >= MOST_TIMES:
            self._times = {}
        latest = self.latest = after, until, bits, self._times.setdefault(bits, next(self._numbers))
        return latest

    def _local_bits(self, now: float) -> int:
        bits = self._everyone
        for (attribute, timezone), column in self._local.items():
            bits &= column.bits(local_time(now, timezone)[attribute])
        return bits
