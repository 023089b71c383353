"""How much may be asked of an origin at once: found out by asking, so that one that slows down is not pushed over.

`Limit` is pure. It compares how long answers take now with how long they took when they took least: when that has
doubled, more at once only means longer, and the limit falls by a tenth; while it has not, and the limit is what holds
requests up, it rises by a tenth (rising by one would take minutes to leave a wrong start). Averages over stretches of
time are compared, not single answers: a shop has quick pages and slow ones.

`Gate` is where requests wait for their turn: the newest first, since whoever waited long has perhaps gone, and for a
moment only. Under lasting overload nobody waits for longer than a blink: a quick no is worth more than a late one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from proxy.errors import OriginError
from proxy.settings import Settings

LEAST = 8
STRETCH_SECONDS = 1.0
LEAST_ANSWERS = 20
"""A stretch with fewer answers says nothing yet, and goes on."""
REMEMBERED_STRETCHES = 60
SLOWER = 2.0
SLACK_SECONDS = 0.05
"""What comes on top of the doubling: a busy machine makes five milliseconds of two, which says nothing of an origin."""
BUSY_SHARE = 0.8
BLINK_SECONDS = 0.005


class Limit:
    """`value` is how many may be under way. Starts with `start`, ends at `most`."""

    def __init__(self, start: int, most: int) -> None:
        self._most = max(1, most)
        self.value = min(max(1, start), self._most)
        self._averages: deque[float] = deque(maxlen=REMEMBERED_STRETCHES)
        self._since: float | None = None
        self._sum, self._count, self._peak = 0.0, 0, 0

    def note(self, seconds: float, under_way: int, now: float) -> None:
        """An answer took so long while so many were under way. `now` is in seconds of a monotonic clock."""
        if self._since is None:
            self._since = now
        self._sum += seconds
        self._count += 1
        self._peak = max(self._peak, under_way)
        if now - self._since >= STRETCH_SECONDS and self._count >= LEAST_ANSWERS:
            self._settle(self._sum / self._count)
            self._since, self._sum, self._count, self._peak = now, 0.0, 0, 0

    def _settle(self, average: float) -> None:
        self._averages.append(average)
        if average > SLOWER * min(self._averages) + SLACK_SECONDS:
            self.value = max(min(LEAST, self._most), int(self.value * 0.9))
        elif self._peak >= BUSY_SHARE * self.value:
            self.value = min(self._most, self.value + max(1, self.value // 10))


class Gate:
    """Lets requests to one origin in. Who has entered has to `leave`, once."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._limit = Limit(settings.concurrency_start, settings.max_connections)
        self._most_waiting = settings.max_waiting
        self._wait_seconds = settings.max_wait_ms / 1_000
        self._clock = clock
        self._waiting: list[asyncio.Future[None]] = []  # the newest last
        self._since_all_went = clock()
        self.under_way = 0

    @property
    def limit(self) -> int:
        """How many may be under way at present."""
        return self._limit.value

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    async def enter(self) -> None:
        """Waits for a turn, if need be. Raises `OriginError` when there is none to be had."""
        if self.under_way < self.limit:
            self.under_way += 1
            return
        if not self._waiting:
            self._since_all_went = self._clock()
        if len(self._waiting) >= self._most_waiting:
            raise _refusal(self.under_way)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience()):
                await turn
        except TimeoutError as error:
            if not _was_given(turn):  # else it came in the very moment of giving up
                raise _refusal(self.under_way) from error
        except asyncio.CancelledError:
            if _was_given(turn):
                self.leave()
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def leave(self) -> None:
        """The request is over; the newest of those that wait has its turn."""
        self.under_way -= 1
        while self._waiting and self.under_way < self.limit:
            turn = self._waiting.pop()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)

    def note(self, seconds: float) -> None:
        """The origin took so long to begin an answer."""
        self._limit.note(seconds, self.under_way, self._clock())

    def _patience(self) -> float:
        """A blink once somebody has been waiting all the time for longer than anybody should."""
        is_lasting = self._clock() - self._since_all_went > self._wait_seconds
        return min(BLINK_SECONDS, self._wait_seconds) if is_lasting else self._wait_seconds


def _was_given(turn: asyncio.Future[None]) -> bool:
    return turn.done() and not turn.cancelled()


def _refusal(under_way: int) -> OriginError:
    return OriginError(
        f"{under_way} requests are under way at once, and the origin takes no more",
        reason="overload",
        status=503,
        help="a faster origin, or more TAILORBIRD_MAX_CONNECTIONS if it can take them",
    )
