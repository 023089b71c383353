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
    """The bits that hold at a moment. `latest` caches the last answer: it is valid after its first number, up to and
    including the second; then come the bits, and their `time`. Any thread may ask for any moment."""

    __slots__ = ("_everyone", "_local", "_numbers", "_other_changes", "_schedule", "_times", "latest")

    def __init__(
        self,
        everyone: int,
        schedule: Column | None,
        local: Mapping[tuple[str, str], Column],
        other_changes: Iterable[float] = (),
    ) -> None:
        """`schedule` is the column of Unix seconds, `local` those of (`weekday` or `hours`, time zone). At each of the
        `other_changes` the `time` changes, too, though no bit does."""
        self._everyone = everyone
        self._schedule: Column | LongSchedule | None = schedule
        if schedule is not None and len(schedule.breaks) >= MANY_BREAKS:
            self._schedule = LongSchedule(schedule)
        self._local = local
        self._other_changes = sorted({nextafter(turn, -inf) for turn in other_changes})
        self.latest: tuple[float, float, int, int] = (inf, -inf, 0, -1)
        self._times: dict[tuple[int, int], int] = {}
        self._numbers = count()

    def time(self, now: float) -> tuple[int, float]:
        """A number for the period that the moment is in, the same while all answers are the same, as from nine to five;
        and until when that lasts."""
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
        if self._other_changes:
            last, following = _around(now, self._other_changes)
            after, until = max(after, last), min(until, following)
        if self._local:
            bits &= self._local_bits(now)
            minute = floor(now / 60) * 60
            after, until = max(after, nextafter(minute, -inf)), min(until, nextafter(minute + 60, -inf))
        if len(self._times) >= MOST_TIMES:
            self._times = {}
        time = self._times.setdefault((bits, bisect_left(self._other_changes, now)), next(self._numbers))
        latest = self.latest = after, until, bits, time
        return latest

    def _local_bits(self, now: float) -> int:
        bits = self._everyone
        for (attribute, timezone), column in self._local.items():
            bits &= column.bits(local_time(now, timezone)[attribute])
        return bits


class LongSchedule:
    """Gives the same answers as a column in a twelfth of the memory: it keeps every 64th range, and which bits change
    at each break. It is asked only when the time has passed a break, so it may take some microseconds."""

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
    """The positions of its ones."""
    while bits:
        yield bits.bit_length() - 1
        bits ^= 1 << bits.bit_length() - 1


def _around(now: float, breaks: Sequence[float]) -> tuple[float, float]:
    """The last of the breaks before now, and the next from now on."""
    following = bisect_left(breaks, now)
    last = breaks[following - 1] if following > 0 else -inf
    return last, breaks[following] if following < len(breaks) else inf
