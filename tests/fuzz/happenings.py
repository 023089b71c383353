"""What happens in a shop while visitors come, drawn by dice: rules are published, pages purged, orders and logins come
in, profiles are imported, devices joined and parted, people erased, and clocks go on, or back."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from proxy.httpcache.purge import purge_of
from proxy.model import Arrival, Event, Item, Profile
from proxy.processes.ticks import SLACK_SECONDS
from proxy.rulebook.compile import Publication, load
from proxy.stores.joining import join, part
from proxy.stores.logs import expire
from proxy.wiring import Tailorbird
from tests.fuzz.test_lane import CACHE, RULES
from tests.fuzz.twins import Shop
from tests.wire.site import NOON

EDITIONS = 4
ROWS = ("recently viewed", "{in category: shoes}")
HAPPENS = 0.25
"""How often something does before a request."""


def edition(number: int) -> dict[str, str]:
    """A rule folder: of each edition rules of the same names say something else."""
    more = f"""version: 1
scores:
  keen: {{points: {{bought: {number % 3 + 1}}}, halves every: 7 days}}
rules:
  - name: Looked
    slot: home.side
    priority: high
    when: {{viewed: {{times: at least {number + 1}, within: {number + 1} days}}}}
    limit: at most {number + 2} times per visitor per day
    show: {{banner: {{title: "Looked {number}"}}}}
  - name: Keen
    slot: home.foot
    priority: high
    when: {{keen: at least 3}}
    show: {{banner: {{title: "Keen {number}"}}}}
  - name: Buyers
    slot: home.side
    when: {{orders: at least {number % 3 + 1}}}
    show: {{banner: {{title: "Bought {number}"}}}}
  - name: Fond
    slot: home.hero
    priority: high
    when: {{favourite category: shoes}}
    show: {{banner: {{title: "Fond of {{favourite category|x}} {number}"}}}}
  - name: Row
    slot: home.foot
    priority: low
    show: {{products: {{title: "Row {number}", strategy: {ROWS[number % 2]}}}}}
"""
    products = [
        {
            "id": f"P{n}",
            "title": f"Product {n}",
            "link": f"/p/{n}",
            "price": n + 1,
            "category": ("shoes", "hats")[n % 2],
        }
        for n in range(6)
    ]
    rules = RULES["a.rules.yaml"].replace("For our VIPs", f"For our VIPs {number}")
    folder = {**RULES, "a.rules.yaml": rules, "b.rules.yaml": more, **(CACHE if number > 1 else {})}
    return {**folder, "products.jsonl": "\n".join(map(json.dumps, products))}


def published(folder: Mapping[str, str]) -> Publication:
    publication = load({name: text.encode() for name, text in folder.items()}).publication
    assert publication is not None
    return publication


class Drawn(NamedTuple):
    """What dice said: whom it is about, and beside whom; a number of its own; which edition, product and grade."""

    visitor: str
    other: str
    number: int
    edition: int
    product: str
    grade: str
    is_soft: bool


class Happenings:
    """Those of a shop with so many visitors. All its servers are of one time, which is `now`."""

    def __init__(self, dice: random.Random, visitors: int) -> None:
        self._dice = dice
        self._visitors = visitors
        self._publications = list(map(published, map(edition, range(EDITIONS))))
        self.now = NOON
        self.counts: Counter[str] = Counter()
        self._erased_until = 0.0
        self._does: dict[str, Callable[[Tailorbird, Drawn], Awaitable[object]]] = {
            "published": self._publish,
            "purged": lambda bird, drawn: bird.desk.purge(
                purge_of(prefixes=["http://shop.example/"], is_soft=drawn.is_soft)
            ),
            "ordered": lambda bird, drawn: self._did(bird, drawn, "order completed"),
            "viewed": lambda bird, drawn: self._did(bird, drawn, "product viewed"),
            "logged in": self._log_in,
            "imported": self._import,
            "erased": lambda bird, drawn: bird.desk.erase(drawn.visitor),
            "joined": lambda bird, drawn: join(bird.store, drawn.visitor, drawn.other, self.now),
            "parted": lambda bird, drawn: part(bird.store, drawn.visitor, self.now),
            "expired": lambda bird, drawn: expire(bird.store, bird._views, bird._outbox, self.now - 86_400),
            "stocked": self._stock,
        }

    async def any(self, shops: list[Shop]) -> None:
        """The next one, everywhere."""
        dice = self._dice
        who = [f"visitor-{dice.randrange(self._visitors)}" for _ in range(2)]
        product, grade = f"P{dice.randrange(6)}", f"g{dice.randrange(self._visitors)}"
        drawn = Drawn(*who, sum(self.counts.values()), dice.randrange(EDITIONS), product, grade, dice.random() < 0.5)
        name = dice.choice([*self._does, "later", "later", "before"])
        self.counts[name] += 1
        if name == "later":
            self.now += dice.choice((0.3, 1, 5, 61, 700, 3 * 86_400))
        was = self.now
        if name == "before":
            self.now = max(self.now - dice.choice((0.3, 5, 700)), self._erased_until)
        for shop in shops:
            bird = shop.behind.tailorbird
            if name in self._does:
                await self._does[name](bird, drawn)
            if self.now < was - SLACK_SECONDS:  # else each would notice in a second of its own
                await bird.desk._mark_all_stale("the clock was set back")
            await bird._invalidation.look()
        if (
            name == "erased"
        ):  # up to when that was done, by the machine's clock: what is noted of then is one's memory's
            self._erased_until = self.now + 30
            self.now += 61

    async def _publish(self, bird: Tailorbird, drawn: Drawn) -> None:
        bird._gateway.publish(self._publications[drawn.edition])

    async def _did(self, bird: Tailorbird, drawn: Drawn, kind: str) -> None:
        event = Event(self.now - 1, f"shop:{drawn.number}", kind, "", (Item(drawn.product, "shoes"),), 10.0)
        await bird.journal.record([Arrival(drawn.visitor, event, "shop", self.now)], 100)

    async def _log_in(self, bird: Tailorbird, drawn: Drawn) -> None:
        event = Event(self.now, f"shop:{drawn.number}", "identified")
        await bird.journal.record([Arrival(drawn.visitor, event, "shop", self.now, {"grade": drawn.grade})], 100)

    async def _import(self, bird: Tailorbird, drawn: Drawn) -> None:
        await bird.store.put_profiles([Profile(drawn.visitor, {"grade": drawn.grade}, updated_at=self.now)])

    async def _stock(self, bird: Tailorbird, drawn: Drawn) -> None:
        availability = "out_of_stock" if drawn.is_soft else "in_stock"
        await bird.desk.change_products([{"id": drawn.product, "availability": availability}])


async def all_written(shop: Shop) -> None:
    """Once what pages told is in the store, and all know."""
    journal, profiles = shop.behind.tailorbird.journal, shop.behind.tailorbird._profiles
    async with asyncio.timeout(60):
        while journal._left or journal._awaited.rows or profiles._unsaved.all() or journal._telling:
            await asyncio.sleep(0.002)
