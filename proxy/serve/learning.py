"""What a worker learns of products from all events: its own as they are applied, those of others from the store's log,
which it reads from the beginning when it starts.

After an event, the rows of products for its visitor are calculated here at once, so that no page waits for them. When
nothing else is to be done, the rows of related products are prepared, a few at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from proxy.catalogue.shop import LEARNT_KINDS
from proxy.errors import StoreError
from proxy.model import Arrival, Decision, EvaluationContext, Profile
from proxy.page.product_row import ProductRow
from proxy.personalise import Stock, stocked
from proxy.ports import Applied, EventStore
from proxy.processes.ticks import tick
from proxy.stores.record import arrivals_of

log = logging.getLogger("tailorbird.learning")

AT_ONCE = 500
LEARNT_AT_ONCE = 50
"""A millisecond's work."""
FOLLOW_SECONDS = 1.0
MOST_OWN = 100_000
ROWS_AT_ONCE = 20
"""Half a millisecond's work, if each is long."""
RESTS_A_FOLLOW = 50


class Learning:
    """Learns for one worker. `stock` returns what rows of products are filled from; `held` returns a remembered
    profile."""

    def __init__(
        self,
        store: EventStore,
        stock: Callable[[], Stock],
        clock: Callable[[], float] = time.time,
        held: Callable[[str], Profile | None] = lambda _: None,
    ) -> None:
        self._store = store
        self._stock = stock
        self._clock = clock
        self._held = held
        self._own: OrderedDict[int, None] = OrderedDict()
        self._place = ""
        self._begun = 0

    def begin_again(self) -> None:
        """Notes that the shop has forgotten all events: they are learnt again from the beginning of the log."""
        self._place = ""
        self._own.clear()
        self._begun += 1

    def hear(self, applied: Applied) -> None:
        """Learns the events that this worker has applied, and prepares rows for their visitors."""
        noted = arrivals_of(event for event in applied.page_events if event.kind in LEARNT_KINDS)
        learnt = [arrival for arrival in (*applied.new, *noted) if arrival.event.kind in LEARNT_KINDS]
        shop = self._stock().shop
        for arrival in learnt:
            shop.learn(arrival.visitor_id, arrival.event)
        if applied.places is not None and applied.places[0] == self._place:
            self._place = applied.places[1]
        else:
            self._own.update(dict.fromkeys(map(_number_of, learnt)))
            while len(self._own) > MOST_OWN:
                self._own.popitem(last=False)
        if self._stock().asks:
            for profile in filter(None, map(self._held, applied.visitors)):
                self._fill_rows_ahead(profile)

    async def follow(self) -> None:
        """Learns all events in the log, and then new ones. Never ends; cancel it."""
        while True:
            if not await self.catch_up():
                await self._rest()

    async def _rest(self) -> None:
        """Waits until the log is read again; prepares rows meanwhile, a few at a time."""
        rests = RESTS_A_FOLLOW
        while rests and self._stock().shop.covisits.refresh(ROWS_AT_ONCE):
            await asyncio.sleep(FOLLOW_SECONDS / RESTS_A_FOLLOW)
            rests -= 1
        if rests:
            await tick(FOLLOW_SECONDS)

    async def catch_up(self) -> bool:
        """Learns the next events of the log; False when there is nothing new, or no store."""
        after, begun = self._place, self._begun
        try:
            arrivals, place = await self._store.log(after, AT_ONCE)
        except StoreError as error:
            log.debug("the log was not read: %s", error)
            return False
        if self._place != after:  # by what this worker applied meanwhile, which may be among these
            return True
        self._place = place
        for first in range(0, len(arrivals), LEARNT_AT_ONCE):
            for arrival in arrivals[first : first + LEARNT_AT_ONCE]:
                self._learn_of_all(arrival)
            await asyncio.sleep(0)  # requests go first
            if self._begun != begun:
                return True
        return bool(arrivals)

    def _learn_of_all(self, arrival: Arrival) -> None:
        """Learns events of the log, without those this worker has learnt already."""
        if arrival.event.kind not in LEARNT_KINDS:
            return
        if (number := _number_of(arrival)) in self._own:
            del self._own[number]
        else:
            self._stock().shop.learn(arrival.visitor_id, arrival.event)

    def _fill_rows_ahead(self, profile: Profile) -> None:
        fill_rows_ahead(
            EvaluationContext(now=self._clock(), history=profile.history, remembered=profile.remembered), self._stock()
        )


def _number_of(arrival: Arrival) -> int:
    """What an event is known by until the log tells of it. It never does where the visitor is erased before: so this
    says nothing of them (Python keys the hashes of texts with a secret of the process)."""
    return hash((arrival.visitor_id, arrival.event.id))


def fill_rows_ahead(context: EvaluationContext, stock: Stock) -> None:
    """Fills the rows for this visitor in advance, in the presentations shown lately."""
    for variant, ask in stock.asks.items():
        product_row = stock.fragment_of(variant, stock.fragments, context.now)
        if ask.reads_history and isinstance(product_row, ProductRow):
            for presentation in product_row.presentations:
                stocked(product_row, Decision("", variant), context, stock, presentation)
