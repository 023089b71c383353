"""What is told of products beside the catalogue's file: by pages that pass, and by changes. It is kept in the store, so
that all workers have it, and one that starts does too.

A page is heard when it is kept as one for everybody, and taken in together with what other workers heard, a moment
later, for each change has rows chosen anew. What is told again is put again once a day, so that the store knows what
is still for sale; a page that is gone takes its product along. Changes are told to all at once, over the bus; here
they are kept for who was not there. A catalogue has the last word on pages, and on a change when it says something
new (`catalogue/product_index.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from math import inf
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from proxy.catalogue.product_index import MOST_LEARNT, ProductIndex
from proxy.catalogue.products import Unreadable, product_of
from proxy.errors import StoreError
from proxy.http.message import Request
from proxy.memo import make_room
from proxy.model import Product, Sighting
from proxy.page.page_subject import PageSubject
from proxy.ports import Sightings
from proxy.processes.ticks import tick

log = logging.getLogger("tailorbird.products")

SHARE_SECONDS = 1.0
AT_ONCE = 500
MOST_HEARD = 1_000
LEARNT_A_SECOND = 10_000
"""Every so many products that are known make it a second longer until the next are taken in from pages."""
STORE_SECONDS = 2.0
"""Who starts, stops or tells a change waits no longer for the store."""
AGAIN_SECONDS = 86_400.0
KEPT_SECONDS = 30 * 86_400.0
"""What no page told of for so long is not taken in by a worker that starts."""


class ProductNews:
    """`hub` gives the products as they are now."""

    def __init__(
        self,
        kept: Sightings,
        hub: Callable[[], ProductIndex],
        clock: Callable[[], float],
        patience_seconds: float = STORE_SECONDS,
    ) -> None:
        self._kept = kept
        self._patience = patience_seconds
        self._hub = hub
        self._clock = clock
        self._heard: dict[str, Product | None] = {}
        self._others: dict[str, Product | None] = {}
        self._news: dict[str, Sighting] = {}
        self._told_at: dict[str, float] = {}
        self._changes: set[str] = set()
        self._unchecked: set[str] = set()  # of these, since the catalogue was this one
        self._checked_with = -1
        self._hosts: dict[bytes, None] = {}  # that told of a product, the latest last
        self._place = 0
        self._taken_at = -inf

    # -- hearing

    def read(self, about: PageSubject, page: Request) -> None:
        """Takes a page that was kept for everybody. Ignored: what no feed could say of a product, and what is too much
        at once (it comes again when the page is kept again)."""
        link, told = _link_of_page(page.path), about.product_data
        own = {"link": link_of(told["link"]) or link, "image": picture_of(told.get("image", ""), page.host)}
        try:
            product = product_of({**told, **own}, lambda *told: None)
        except Unreadable as error:
            log.debug("`%s` tells nothing of its product: %s", link, error)
            return
        self._hosts.pop(page.host, None)
        make_room(self._hosts, MOST_HEARD)
        self._hosts[page.host] = None
        self._hear(product.id, product)

    def miss(self, page: Request) -> None:
        """Says that this page is there no more. Not believed of a host that has told of no product yet: whoever asks
        may name another, at which the shop has no pages at all."""
        product = self._hub().at_path(unquote(page.path.decode("latin-1"))) if page.host in self._hosts else None
        if product is not None and link_of(product.link) == _link_of_page(page.path):
            self._hear(product.id, None)

    def _hear(self, product_id: str, product: Product | None) -> None:
        if len(self._heard) < MOST_HEARD:
            self._heard[product_id] = product

    def take(self) -> None:
        """Applies what pages said, here and elsewhere, unless some was applied a moment ago."""
        now, hub = self._clock(), self._hub()
        pause = max(SHARE_SECONDS, len(hub) / LEARNT_A_SECOND)
        if not (self._heard or self._others) or 0 <= now - self._taken_at < pause:  # less: the clock was set back
            return
        for product_id, product in self._others.items():
            _take(hub, product_id, product)
        for product_id, product in self._heard.items():
            is_new = _take(hub, product_id, product)
            is_due = hub.page_data(product_id) is not None and now >= self._told_at.get(product_id, 0.0) + AGAIN_SECONDS
            if is_new or is_due:
                self._tell(Sighting(product_id, now, product))
        self._heard, self._others = {}, {}
        self._taken_at = now

    def _note(self, sighting: Sighting) -> None:
        if sighting.id not in self._told_at:
            make_room(self._told_at, 2 * MOST_LEARNT)
        self._told_at[sighting.id] = sighting.at

    def _tell(self, sighting: Sighting) -> None:
        self._note(sighting)
        if len(self._news) < MOST_HEARD or sighting.id in self._news:
            self._news[sighting.id] = sighting

    # -- sharing

    async def keep_changes(self, product_ids: Iterable[str]) -> None:
        """Stores these changes, so that they hold when all workers are restarted. Without the store they do not."""
        now, hub = self._clock(), self._hub()
        changed = {id: change for id in product_ids if (change := hub.change_of(id))}
        self._changes.update(changed)
        told = [Sighting(id, now, product, base, True) for id, (base, product) in changed.items()]
        try:
            await asyncio.wait_for(self._kept.put_sightings(told, most=MOST_LEARNT), self._patience)
        except (StoreError, TimeoutError) as error:
            log.warning("changes of products may end with the workers there are, the store is away: %s", error)

    async def open(self) -> None:
        """Reads all that is stored, before there are pages. Without the store it starts empty."""
        try:
            while (found := await asyncio.wait_for(self._next(), self._patience)) is not None:
                for sighting in found:
                    _take(self._hub(), sighting.id, sighting.product)
        except (StoreError, TimeoutError) as error:
            log.warning("what pages told of products is not known yet: %s", str(error) or "the store does not answer")

    async def follow(self) -> None:
        """Takes in and shares from now on. Never ends; cancel it."""
        while True:
            self.take()
            try:
                await self.share()
            except StoreError as error:
                log.debug("what pages told of products was not shared: %s", error)
            await tick(SHARE_SECONDS)

    async def share(self) -> None:
        """Stores what is new here, and reads what is new there. Raises `StoreError`."""
        await self._forget_changes()
        if self._news:
            news = list(self._news.values())
            await self._kept.put_sightings(news, most=MOST_LEARNT)
            for sighting in news:
                if self._news.get(sighting.id) is sighting:
                    del self._news[sighting.id]
        self._others.update((sighting.id, sighting.product) for sighting in await self._next() or ())

    async def _forget_changes(self) -> None:
        """Drops changes of which the catalogue says something else now; for good, also if it says the same again
        later. All are gone through only with another catalogue: for 100,000 it takes 50 ms, in which pages wait."""
        hub = self._hub()
        catalogue = hub.replaced
        unchecked = self._unchecked if catalogue == self._checked_with else self._changes
        over = [id for id in unchecked if hub.change_of(id) is None]
        if over:
            now = self._clock()
            await self._kept.put_sightings([Sighting(id, now, None, None, True) for id in over], most=MOST_LEARNT)
            self._changes.difference_update(over)
        self._checked_with, self._unchecked = catalogue, set()

    async def aclose(self) -> None:
        """Stores what is left, if it can."""
        try:
            await asyncio.wait_for(self.share(), self._patience)
        except (StoreError, TimeoutError) as error:
            log.info("what pages told of products last is not kept: %s", str(error) or "the store does not answer")
        await self._kept.aclose()

    async def _next(self) -> list[Sighting] | None:
        """What is worth knowing of what pages told next, changes being taken in; None when there is nothing new."""
        found, place = await self._kept.get_sightings(self._place, AT_ONCE)
        if place == self._place:
            return None
        self._place, long_ago = place, self._clock() - KEPT_SECONDS
        of_pages: list[Sighting] = []
        for sighting in found:
            if not sighting.is_change:
                self._note(sighting)
                of_pages.append(sighting)
            elif sighting.product is not None:
                self._changes.add(sighting.id)
                self._unchecked.add(sighting.id)
                self._hub().reapply_change(sighting.base, sighting.product)
        return [sighting for sighting in of_pages if sighting.at > long_ago]


def _take(hub: ProductIndex, product_id: str, product: Product | None) -> bool:
    return hub.forget_page(product_id) if product is None else hub.learn_page(product)


def _link_of_page(path: bytes) -> str:
    return quote(path, safe="/%:@!$&'()*+,;=~")


def picture_of(address: str, host: bytes) -> str:
    """The address of a picture; without its host where that is the page's own. Whoever asks for a page may name another
    host, which many shops write into such addresses, and all hosts are told of the product."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    named, own = parts.netloc.lower(), host.decode("latin-1")
    is_own = bool(named) and named in (own, own.rpartition(":")[0] if own[-1:].isdigit() else "")
    return urlunsplit(("", "", f"/{parts.path.lstrip('/')}", parts.query, "")) if is_own else address


def link_of(address: str) -> str:
    """Path and query of a product's address, whatever host it names; "" when it has no path."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if not parts.path.startswith("/") or not parts.path.strip("/"):
        return ""
    return f"/{parts.path.lstrip('/')}" + (f"?{parts.query}" if parts.query else "")
