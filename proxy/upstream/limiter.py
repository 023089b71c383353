"""How many requests an origin gets at once, and how many retries: the limit is determined by measuring, so that an
origin that slows down is not overloaded.

`Limit` is pure. It compares how long answers take now with the least they took. When that is 60 % more, further
concurrency only adds waiting, and the limit falls by a tenth; otherwise it rises by a tenth (rising by one would take
minutes to correct a wrong start). A limit that is not reached stays: a few who wait for a slow origin are better off
than if they were refused. Averages over periods are compared, not single answers: a shop has fast pages and slow ones.

The least time is that of the last minute, as long as no request was refused. During overload that would be wrong: after
a minute the slow times would count as normal, and the limit would rise without end. Then it is found by probing: for a
moment only half as many requests are sent. If as many answers come in that moment as before, the other half was only
queueing, and the limit is halved.

`Limiter` is where requests wait for their turn: the newest first, as clients that waited long may have left, and only
for a moment. Under lasting overload nobody waits noticeably: a quick refusal is better than a late one.

One customer holds at most half of the slots, and of the places to wait: who asks for an origin's slowest pages over and
over would else have all of them, and everybody else be refused. Nor is anything measured by who came to hold more than
a quarter, until they hold none: what they ask for would seem to be how slow the origin has become, and the limit fall.
That they wait, or are refused, does not count as overload, in which others would be refused sooner.

A download that waits for its own slow client costs the origin little but a connection: it is set aside, and its slot is
free for others. It goes on counting among what its customer holds, and at most `max_slow_downloads` are set aside.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf

from proxy.errors import OriginError
from proxy.metrics import Times
from proxy.settings import Settings
from proxy.upstream.connection import Connection

LEAST = 8
STRETCH_SECONDS = 1.0
LEAST_ANSWERS = 20
"""A stretch with fewer answers says nothing yet, and goes on."""
REMEMBERED_STRETCHES = 60
SOON_STRETCHES, TRUSTED_STRETCHES = 3, 60
"""After so many there is a look: at first and when the last one found something, else."""
LOOK_STRETCHES = 2
"""It takes two: in the first, what was asked before is still being answered."""
AS_MANY = 0.9
SLOWER = 1.6
SLACK_SECONDS = 0.02
"""What comes on top: a busy machine makes five milliseconds of two, which says nothing of an origin."""
BUSY_SHARE = 0.8
BLINK_SECONDS = 0.005
MUCH = 4
"""Who came to hold more than one in so many slots says nothing of the origin."""
SHARE = "share"
"""The reason why a customer is refused who has their share, while others are not."""


class Limit:
    """`value` is how many requests may be under way, from `start` up to `most`."""

    def __init__(self, start: int, most: int) -> None:
        self._most = max(1, most)
        self.value = min(max(1, start), self._most)
        self._averages: deque[float] = deque(maxlen=REMEMBERED_STRETCHES)
        self._next_check = SOON_STRETCHES
        self._looking = 0
        self._refused, self._has_refused = 0, False
        self._before = (self.value, 0.0)  # the limit, and answers a second, before the look
        self._since: float | None = None
        self._sum, self._count, self._peak = 0.0, 0, 0

    def note(self, seconds: float, under_way: int, now: float) -> None:
        """Records how long an answer took, and how many were under way. `now` is of a monotonic clock."""
        if self._since is None:
            self._since = now
        self._sum += seconds
        self._count += 1
        self._peak = max(self._peak, under_way)
        if now - self._since >= STRETCH_SECONDS and self._count >= LEAST_ANSWERS:
            self._settle(self._sum / self._count)
            self._since, self._sum, self._count, self._peak = now, 0.0, 0, 0

    def refuse(self) -> None:
        """Records that a request was refused."""
        self._refused += 1

    def _settle(self, average: float) -> None:
        refuses, self._refused = self._refused > 0, 0
        refused, self._has_refused = self._has_refused, refuses
        if self._looking or not refuses or average < min(self._averages, default=inf):
            self._averages.append(average)
        self._next_check -= 1
        if self._looking:
            self._look_on(average)
        elif self._next_check <= 0 and refuses and refused:
            self._begin_look(average)
        elif self._peak >= BUSY_SHARE * self.value:
            if average > SLOWER * min(self._averages, default=average) + SLACK_SECONDS:
                self.value = max(min(LEAST, self._most), int(self.value * 0.9))
            else:
                self.value = min(self._most, self.value + max(1, self.value // 10))

    def _begin_look(self, average: float) -> None:
        self._looking, self._before = LOOK_STRETCHES, (self.value, self.value / average)
        self._averages.clear()
        self.value = max(1, self.value // 2)

    def _look_on(self, average: float) -> None:
        self._looking -= 1
        if self._looking:
            return
        limit, answers = self._before
        found = self.value / average >= AS_MANY * answers  # Little's law: under way = answers a second x seconds each
        self._next_check = SOON_STRETCHES if found else TRUSTED_STRETCHES
        self.value = max(min(LEAST, self._most), self.value) if found else limit


class Limiter:
    """Admits requests to one origin. Each one that has entered has to `leave`, once, for the same customer
    (`http/client.py`); "" stands for nobody or for many, who have all slots. `aside` is how many were set aside."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._limit = Limit(settings.concurrency_start, settings.max_connections)
        self._most_waiting = settings.max_waiting
        self._most_aside = settings.max_slow_downloads
        self._wait_seconds = settings.max_wait_ms / 1_000
        self._clock = clock
        self._waiting: list[tuple[asyncio.Future[None], str]] = []  # the newest last
        self._held: dict[str, int] = {}  # a Counter takes a microsecond more
        self._greedy: set[str] = set()
        self._since_all_went = clock()
        self._refused_at = -inf
        self.under_way = self.aside = 0
        self.times = Times()

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return self._limit.value

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return len(self._waiting)

    async def enter(self, customer: str = "") -> None:
        """Returns when the request may begin. Raises `OriginError` when it may not."""
        if self.enters_at_once(customer):
            return
        if all(who in self._greedy for _, who in self._waiting):
            self._since_all_went = self._clock()
        if len(self._waiting) >= self._most_waiting or self._waits_enough(customer):
            raise self._refusal(customer)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = turn, customer
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(self._patience_seconds()):
                await turn
        except TimeoutError as error:
            if not _was_given(turn):  # else it came in the very moment of giving up
                raise self._refusal(customer) from error
        except asyncio.CancelledError:
            if _was_given(turn):
                self.leave(customer)
            raise
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def enters_at_once(self, customer: str = "") -> bool:
        """True when the request may begin at once; it then counts as under way."""
        limit = self._limit.value
        if self.under_way >= limit:
            return False
        if customer:
            held = self._held.get(customer, 0)
            if held >= (limit >> 1 or 1):
                return False
            self._held[customer] = held + 1
            if (held + 1) * MUCH > limit:
                self._greedy.add(customer)
        self.under_way += 1
        return True

    def set_aside(self, connection: Connection) -> None:
        """The answer on it waits for a slow client: others may have its slot, if few enough were set aside."""
        if connection.has_slot and not connection.is_aside and self.aside < self._most_aside:
            connection.is_aside = True
            self.aside += 1
            self.under_way -= 1
            self._begin_waiting()

    def give_back(self, connection: Connection) -> None:
        """Ends the request on it, as `leave`; nothing if it has no slot."""
        if connection.is_aside:
            connection.is_aside = False
            self.aside -= 1
            self.under_way += 1
        if connection.has_slot:
            connection.has_slot = False
            self.leave(connection.customer)

    def leave(self, customer: str = "") -> None:
        """Ends a request; the newest of those waiting may begin."""
        self.under_way -= 1
        if customer:
            held = self._held.pop(customer) - 1
            if held:
                self._held[customer] = held
            else:
                self._greedy.discard(customer)
        if self._waiting:
            self._begin_waiting()

    def _begin_waiting(self) -> None:
        for turn, who in reversed(self._waiting):
            if self.under_way >= self._limit.value:
                break
            if not turn.done() and self.enters_at_once(who):
                turn.set_result(None)

    def _waits_enough(self, customer: str) -> bool:
        return bool(customer) and 2 * sum(who == customer for _, who in self._waiting) >= self._most_waiting

    def note(self, begun: float, now: float, customer: str = "") -> None:
        """Records that the origin, asked at `begun` for this customer, who still has the slot, began its answer at
        `now`."""
        if customer not in self._greedy:
            self._limit.note(now - begun, self.under_way, now)
        self.times.note(now - begun)

    def _patience_seconds(self) -> float:
        """A blink once somebody has been waiting all the time for longer than anybody should, and as long as some are
        sent away: when nobody waits for longer than a blink, there are moments in which nobody waits at all."""
        now = self._clock()
        is_lasting = now - self._since_all_went > self._wait_seconds or now - self._refused_at < self._wait_seconds
        return min(BLINK_SECONDS, self._wait_seconds) if is_lasting else self._wait_seconds

    def _refusal(self, customer: str) -> OriginError:
        held = self._held.get(customer, 0)
        if held and self.under_way < self.limit:
            return OriginError(
                f"{held} requests of `{customer}` are under way, half of what the origin takes",
                reason=SHARE,
                status=503,
                help="if many clients share that address, name it in TAILORBIRD_TRUSTED_PROXIES",
            )
        if customer not in self._greedy:
            self._refused_at = self._clock()
            self._limit.refuse()
        return OriginError(
            f"{self.under_way} requests are under way at once, and the origin takes no more",
            reason="overload",
            status=503,
            help="a faster origin, or more TAILORBIRD_MAX_CONNECTIONS if it can take them",
        )


def _was_given(turn: asyncio.Future[None]) -> bool:
    return turn.done() and not turn.cancelled()


# -- How often requests may be repeated: a small fraction of all, so that retries never become the load that keeps a
# struggling origin down. Pure.

MOST_SAVED = 10.0


class RetryBudget:
    """Each request adds `fraction`, up to ten, and each retry takes one."""

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
