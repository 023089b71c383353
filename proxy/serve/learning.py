"""What a worker learns of products from the events of all: its own the moment they are applied, everybody's from the
store's log, which it reads from the beginning when it starts.

When a visitor did something, what rows of products will ask of them is worked out here at once, so that no page waits
for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from proxy.errors import StoreError
from proxy.model import Arrival, EvaluationContext, Profile
from proxy.personalise import Stock, foresee
from proxy.ports import Applied, EventStore

log = logging.getLogger("tailorbird.learning")

AT_ONCE = 500
FOLLOW_SECONDS = 1.0
MOST_OWN = 100_000


class Learning:
    """`stock` tells what rows are filled from now."""

    def __init__(self, store: EventStore, stock: Callable[[], Stock], clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._stock = stock
        self._clock = clock
        self._own: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._place = ""

    def hear(self, applied: Applied) -> None:
        """Learns what this worker has applied, and looks ahead for those who did it."""
        for arrival in applied.fresh:
            self._own[arrival.visitor_id, arrival.event.id] = None
            self._learn(arrival)
        while len(self._own) > MOST_OWN:
            self._own.popitem(last=False)
        if self._stock().asks:
            for profile in applied.profiles.values():
                self._foresee(profile)

    async def follow(self) -> None:
        """Learns what others apply, and at first what there is. Never ends; cancel it."""
        while True:
            if not await self.catch_up():
                await asyncio.sleep(FOLLOW_SECONDS)

    async def catch_up(self) -> bool:
        """Learns the next events of the log; False when there is nothing new, or no store."""
        try:
            arrivals, self._place = await self._store.log(self._place, AT_ONCE)
        except StoreError as error:
            log.debug("the log was not read: %s", error)
            return False
        for arrival in arrivals:
            if (arrival.visitor_id, arrival.event.id) in self._own:
                del self._own[arrival.visitor_id, arrival.event.id]
            else:
                self._learn(arrival)
        await asyncio.sleep(0)  # requests go first
        return bool(arrivals)

    def _learn(self, arrival: Arrival) -> None:
        self._stock().shop.learn(arrival.visitor_id, arrival.event)

    def _foresee(self, profile: Profile) -> None:
        foresee(
            EvaluationContext(now=self._clock(), history=profile.history, remembered=profile.remembered), self._stock()
        )
