"""What a worker learns of products from the events of all: its own the moment they are applied, everybody's from the
store's log, which it reads from the beginning when it starts.

Where no feed tells of a product, its page does, if it is kept for everybody and has JSON-LD: what such pages say is
taken in together, a moment later, for each change has rows chosen anew.

When a visitor did something, what rows of products will ask of them is worked out here at once, so that no page waits
for it. Where nothing else is to be done, the rows of what goes with what are made ready, a few at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from proxy.catalogue.products import Unreadable, product_of
from proxy.errors import StoreError
from proxy.model import Arrival, EvaluationContext, Product, Profile
from proxy.page.about import About
from proxy.personalise import Stock, foresee
from proxy.ports import Applied, EventStore

log = logging.getLogger("tailorbird.learning")

AT_ONCE = 500
FOLLOW_SECONDS = 1.0
MOST_OWN = 100_000
MOST_READ = 1_000
ROWS_AT_ONCE = 20
"""Half a millisecond's work, if each is long."""
RESTS_A_FOLLOW = 50
LEARNT_A_SECOND = 10_000
"""Every so many products that are known make it a second longer until the next are taken in from pages."""


class Learning:
    """`stock` tells what rows are filled from now, `held` what this worker remembers of a visitor."""

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
        self._own: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._place = ""
        self._read: dict[str, Product] = {}
        self._take_at = 0.0

    def hear(self, applied: Applied) -> None:
        """Learns what this worker has applied, and looks ahead for those who did it."""
        for arrival in applied.fresh:
            self._own[arrival.visitor_id, arrival.event.id] = None
            self._learn(arrival)
        while len(self._own) > MOST_OWN:
            self._own.popitem(last=False)
        if self._stock().asks:
            for profile in filter(None, map(self._held, applied.visitors)):
                self._foresee(profile)

    def read(self, about: About, path: bytes) -> None:
        """A page at that path was kept for everybody. What no feed could say of a product is not heard; what is too
        much for now will be when the page is kept again."""
        link = quote(path, safe="/%:@!$&'()*+,;=~")
        try:
            product = product_of({**about.words, "link": link_of(about.words["link"]) or link}, lambda *told: None)
        except Unreadable as error:
            log.debug("`%s` tells nothing of its product: %s", link, error)
            return
        if len(self._read) < MOST_READ:
            self._read[product.id] = product

    def take(self) -> None:
        """Takes in what pages told, unless some was a moment ago."""
        now, hub = self._clock(), self._stock().shop.hub
        if self._read and now >= self._take_at:
            for product in self._read.values():
                hub.learn(product)
            self._read, self._take_at = {}, now + max(FOLLOW_SECONDS, len(hub) / LEARNT_A_SECOND)

    async def follow(self) -> None:
        """Learns what others apply, and at first what there is. Never ends; cancel it."""
        while True:
            self.take()
            if not await self.catch_up():
                await self._rest()

    async def _rest(self) -> None:
        """A while until the log is read again. Rows not worked out yet are, a few at a time."""
        rests = RESTS_A_FOLLOW
        while rests and self._stock().shop.covisits.warm(ROWS_AT_ONCE):
            await asyncio.sleep(FOLLOW_SECONDS / RESTS_A_FOLLOW)
            rests -= 1
        await asyncio.sleep(FOLLOW_SECONDS * rests / RESTS_A_FOLLOW)

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


def link_of(address: str) -> str:
    """Path and query of a product's address, whatever host it names; "" when it has no path."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if not parts.path.startswith("/") or not parts.path.strip("/"):
        return ""
    return f"/{parts.path.lstrip('/')}" + (f"?{parts.query}" if parts.query else "")
