"""The conditions that depend on `now` alone: schedules, and weekday and hours in each rule's time zone.

Their bits change only when a schedule begins or ends, on full minutes, and when a share of the visitors grows or ends,
so one result serves all visitors until the next change. What countdowns show changes with the periods too."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from math import floor, inf, nextafter

from proxy.conditions.countdown import left
from proxy.conditions.localtime import local_time
from proxy.decide.column import Column
from proxy.model import Countdown

MOST_PERIODS = 64
MANY_BREAKS = 4_096
"""With so many moments at which schedules begin or end, the bits of every range would take much memory."""
_STRIDE = 64


class Clock:
    """The bits that hold at a moment. `latest` caches the last result: (after, until, bits, period), valid for times
    after the first number, up to and including the second. Thread-safe."""

    __slots__ = ("_all_bits", "_countdowns", "_local", "_numbers", "_other_changes", "_periods", "_schedule", "latest")

    def __init__(
        self,
        all_bits: int,
        schedule: Column | None,
        local: Mapping[tuple[str, str], Column],
        other_changes: Iterable[float] = (),
        countdowns: Iterable[tuple[Countdown, str]] = (),
    ) -> None:
        """`schedule` is the column of Unix seconds, `local` has those of (`weekday` or `hours`, time zone). At each of
        the times in `other_changes`, and when one of the `countdowns` (with its time zone) changes, a new period
        begins, though no bit changes."""
        self._all_bits = all_bits
        self._schedule: Column | CompactSchedule | None = schedule
        if schedule is not None and len(schedule.breaks) >= MANY_BREAKS:
            self._schedule = CompactSchedule(schedule)
        self._local = local
        self._other_changes = sorted({nextafter(turn, -inf) for turn in other_changes})
        self.latest: tuple[float, float, int, int] = (inf, -inf, 0, -1)
        self._countdowns = tuple(dict.fromkeys(countdowns))
        self._periods: dict[tuple[int, int, tuple[int, ...]], int] = {}
        self._numbers = count()

    def period(self, now: float) -> tuple[int, float]:
        """The number of the period that the moment is in, and the last moment for which it is known to hold. The number
        is the same as long as all results are, for example from nine to five."""
        after, until, _, time = self.latest
        if not after < now <= until:
            _, until, _, time = self._calculate(now)
        return time, until

    def bits(self, now: float) -> int:
        """The bits that hold at `now`; stored in `latest`."""
        return self._calculate(now)[2]

    def _calculate(self, now: float) -> tuple[float, float, int, int]:
        bits, after, until = self._all_bits, -inf, inf
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
        shown = [left(countdown, timezone, now) for countdown, timezone in self._countdowns]
        for _, begins, ends in shown:
            after, until = max(after, nextafter(begins, -inf)), min(until, nextafter(ends, -inf))
        if len(self._periods) >= MOST_PERIODS:
            self._periods = {}
        key = bits, bisect_left(self._other_changes, now), tuple([number for number, _, _ in shown])
        time = self._periods.setdefault(key, next(self._numbers))
        latest = self.latest = after, until, bits, time
        return latest

    def _local_bits(self, now: float) -> int:
        bits = self._all_bits
        for (attribute, timezone), column in self._local.items():
            bits &= column.bits(local_time(now, timezone)[attribute])
        return bits


class CompactSchedule:
    """The schedule column in a twelfth of the memory: it keeps every 64th range, and the bits that change at each
    break. A look-up takes some microseconds, and is needed only when the time has passed a break."""

    def __init__(self, column: Column) -> None:
        self.breaks = column.breaks
        self._every_64th = column.ranges[::_STRIDE]
        self._changed_bits = [tuple(_positions(before ^ after)) for before, after in pairwise(column.ranges)]

    def bits(self, now: float) -> int:
        """The bits that hold at `now`."""
        stride, rest = divmod(bisect_left(self.breaks, now), _STRIDE)
        bits = self._every_64th[stride]
        for turned in self._changed_bits[stride * _STRIDE : stride * _STRIDE + rest]:
            for place in turned:
                bits ^= 1 << place
        return bits


def _positions(bits: int) -> Iterator[int]:
    """The positions of the bits that are set."""
    while bits:
        yield bits.bit_length() - 1
        bits ^= 1 << bits.bit_length() - 1


def _around(now: float, breaks: Sequence[float]) -> tuple[float, float]:
    """The last break before now, and the first at or after it; infinite where there is none."""
    following = bisect_left(breaks, now)
    last = breaks[following - 1] if following > 0 else -inf
    return last, breaks[following] if following < len(breaks) else inf
