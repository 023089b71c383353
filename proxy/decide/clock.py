"""What the moment decides: which rules are live, and what weekday and hour it is in each rule's time zone.

All of it depends on `now` alone, and changes only at a schedule's ends, on full minutes, and where a share of the
visitors grows or ends, so one answer serves every visitor until the next change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from math import floor, inf, nextafter

from proxy.conditions.localtime import local_time
from proxy.decide.column import Column

MOST_TIMES = 64
MANY_BREAKS = 4_096
"""Moments at which schedules begin or end. Of so many the bits of each stretch would take much memory."""
_STRIDE = 64


class Clock:
    """The bits that hold at a moment. `latest` caches the last answer: valid after its first number, up to and
    including the second; then the bits, and their `time`. Any thread may ask for any moment."""

    __slots__ = ("_everyone", "_local", "_numbers", "_schedule", "_times", "_turns", "latest")

    def __init__(
        self,
        everyone: int,
        schedule: Column | None,
        local: Mapping[tuple[str, str], Column],
        turns: Iterable[float] = (),
    ) -> None:
        """`schedule` asks about Unix seconds; `local` about (`weekday` or `hours`, time zone). From each of the `turns`
        on it is another time, though no bit says so."""
        self._everyone = everyone
        self._schedule: Column | LongSchedule | None = schedule
        if schedule is not None and len(schedule.breaks) >= MANY_BREAKS:
            self._schedule = LongSchedule(schedule)
        self._local = local
        self._turns = sorted({nextafter(turn, -inf) for turn in turns})
        self.latest: tuple[float, float, int, int] = (inf, -inf, 0, -1)
        self._times: dict[tuple[int, int], int] = {}
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
            after, until = _around(now, self._schedule.breaks)
        if self._turns:
            last, following = _around(now, self._turns)
            after, until = max(after, last), min(until, following)
        if self._local:
            bits &= self._local_bits(now)
            minute = floor(now / 60) * 60
            after, until = max(after, nextafter(minute, -inf)), min(until, nextafter(minute + 60, -inf))
        if len(self._times) >= MOST_TIMES:
            self._times = {}
        time = self._times.setdefault((bits, bisect_left(self._turns, now)), next(self._numbers))
        latest = self.latest = after, until, bits, time
        return latest

    def _local_bits(self, now: float) -> int:
        bits = self._everyone
        for (attribute, timezone), column in self._local.items():
            bits &= column.bits(local_time(now, timezone)[attribute])
        return bits


class LongSchedule:
    """The same answers as a column's in a twelfth of its memory: every 64th of its ranges, and which bits turn at each
    break. It is asked when the time has passed one, so that it may take some microseconds."""

    def __init__(self, column: Column) -> None:
        self.breaks = column.breaks
        self._kept = column.ranges[::_STRIDE]
        self._turned = [tuple(_places(before ^ after)) for before, after in pairwise(column.ranges)]

    def bits(self, now: float) -> int:
        """The bits that hold at `now`."""
        stride, rest = divmod(bisect_left(self.breaks, now), _STRIDE)
        bits = self._kept[stride]
        for turned in self._turned[stride * _STRIDE : stride * _STRIDE + rest]:
            for place in turned:
                bits ^= 1 << place
        return bits


def _places(bits: int) -> Iterator[int]:
    """Where it has ones."""
    while bits:
        yield bits.bit_length() - 1
        bits ^= 1 << bits.bit_length() - 1


def _around(now: float, breaks: Sequence[float]) -> tuple[float, float]:
    """The last of the breaks before now, and the next from now on."""
    following = bisect_left(breaks, now)
    last = breaks[following - 1] if following > 0 else -inf
    return last, breaks[following] if following < len(breaks) else inf
