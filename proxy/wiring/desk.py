"""What the studio and the admin API can see of the running product and do with it. Implements `studio.views.Site`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import msgspec

from proxy.audience.stored_results import ResultsStatus
from proxy.audience.survey import ConditionSize, SegmentSurvey
from proxy.audience.traits import STRANGER
from proxy.bus.shared_counts import SharedCounts
from proxy.decide.why import MOST_READ, why, why_text
from proxy.diagnostics import Finding
from proxy.drafts.report import Outlook
from proxy.errors import OriginError, RequestError
from proxy.http.incoming import HEALTH_PATH
from proxy.http.message import NOT_STORED, Handler, Request, Response, in_words
from proxy.httpcache.purge import Purge
from proxy.metrics import Counts, Metrics
from proxy.model import EvaluationContext, View
from proxy.page.slots import INTERNAL, LISTING
from proxy.ports import MISSED, Bus, Store
from proxy.processes.memory_limit import MemoryLimit
from proxy.processes.ticks import set_back
from proxy.rulebook.compile import Loaded, Publication
from proxy.rulebook.mending import mended
from proxy.serve.drafts import Drafts
from proxy.serve.gateway import Gateway
from proxy.serve.page_lists import PageLists
from proxy.serve.product_news import ProductNews
from proxy.serve.publishing import Publishing
from proxy.serve.results import KeptResults
from proxy.serve.rules import Rules
from proxy.serve.survey import Survey
from proxy.stores.history import GOES_LIVE, Entry
from proxy.stores.personal_data import Places, Receipt, exported
from proxy.stores.versions import Versions
from proxy.stories import with_products
from proxy.studio.product_changes import ProductsChanged, change, products_changed
from proxy.studio.purging import Purged, purged
from proxy.studio.readiness import STOPPING, Observed, Readiness, readiness, state_gauges, together
from proxy.studio.views import Link, ShownView, newest, shown_view
from proxy.upstream.origins import Origins
from proxy.visitors.context import request_of
from proxy.visitors.journal import Journal
from proxy.visitors.persona import Persona, context_as
from proxy.visitors.profiles import ProfileReader
from proxy.wiring.visitor_messages import VisitorMessages

log = logging.getLogger("tailorbird.bus")

PURGE, PRODUCTS = "purge", "products"
"""Topics of messages to all processes: what to remove from the cache, and changes of products."""
READINESS, LIVE = "readiness", "live"
"""Topics of messages between workers that ask for their readiness, and for the pages they showed last."""

MOST_SEARCHED = 20_000
"""How many of the last recorded views are searched for those of a visitor."""
LIVE_SECONDS = 3.0
"""How long a button of the studio waits until this worker has taken over what it published."""
UNKNOWN_SECONDS = 60.0
"""When events could not be stored, and none was tried for so long since, nothing is known of whether they can be."""


@dataclass(eq=False)
class Desk:
    """The operations of the studio. They include all workers of this machine (through the bus `machine`), or all
    processes (through `bus`). The places `told` are those that proxies tell of visitors."""

    machine: Bus
    bus: Bus
    metrics: Metrics
    shared_counts: SharedCounts | None
    store: Store
    places: Places
    profiles: ProfileReader
    memory_limit: MemoryLimit
    journal: Journal
    messages: VisitorMessages
    origins: Origins
    gateway: Gateway
    product_news: ProductNews
    rules: Rules
    versions: Versions
    drafts: Drafts
    publishing: Publishing
    survey: Survey
    kept_results: KeptResults
    page_lists: PageLists
    told: Collection[str]
    now: Callable[[], float]
    is_published: bool
    links: Sequence[Link] = ()
    is_stopping: bool = False

    def __post_init__(self) -> None:
        self._changing_products = asyncio.Lock()
        self.bus.listen(PURGE, self._on_purge)
        self.bus.listen(MISSED, self._on_missed)
        self.bus.listen(PRODUCTS, self._on_products)
        self.machine.listen(READINESS, self._on_readiness)
        self.machine.listen(LIVE, self._on_live)

    def stop_accepting(self) -> None:
        """Makes the health check fail from now on, because this process is about to stop."""
        self.is_stopping = True

    async def aclose(self) -> None:
        """Ends calculations under way for the studio; idempotent."""
        await self.kept_results.aclose()

    @property
    def routes(self) -> Mapping[str, Handler]:
        """The health check on the public listener, for a load balancer that cannot reach the admin listener."""
        return {HEALTH_PATH.decode(): self._ready}

    async def _ready(self, _: Request) -> Response:
        return in_words(*((503, STOPPING) if self.is_stopping else (200, "ready")), *NOT_STORED)

    @property
    def publication(self) -> Publication | None:
        return self.rules.publication

    @property
    def findings(self) -> Sequence[Finding]:
        return self.rules.loaded.findings if self.rules.loaded else ()

    async def readiness(self) -> Readiness:
        replies = await self.machine.request(READINESS)
        each = [msgspec.json.decode(answer, type=Readiness) for answer in replies.answers.values()]
        return together(each, len(replies.live) - len(replies.answers))

    async def _on_readiness(self, _: bytes) -> bytes:
        is_store_ready = await self.store.is_ready()
        is_known = self.now() - self.journal.failed_at <= UNKNOWN_SECONDS
        seen = Observed(
            publication=self.publication,
            findings=self.findings,
            is_stopping=self.is_stopping,
            is_store_ready=is_store_ready,
            does_store_forget=is_store_ready and await self.store.forgets(),
            is_tight=self.memory_limit.is_tight,
            is_full=not self.memory_limit.may_begin(),
            why_not_stored=self.journal.why_not if is_known else "",
            left_alone=self.origins.left_alone,
        )
        return msgspec.json.encode(readiness(seen))

    async def live(self) -> list[ShownView]:
        replies = await self.machine.request(LIVE)
        lists = [msgspec.json.decode(answer, type=list[ShownView]) for answer in replies.answers.values()]
        return newest(chain.from_iterable(lists), self.metrics.live_size)

    async def _on_live(self, _: bytes) -> bytes:
        return msgspec.json.encode([shown_view(shown) for shown in self.metrics.live])

    async def counted(self, name: str) -> Mapping[str, int]:
        counts, _ = await self._sums()
        return {value: count for (key, _, value), count in counts.items() if key == name}

    async def metrics_text(self) -> str:
        counts, gauges = await self._sums()
        gauges.update(state_gauges(await self.readiness(), self.findings, self.publication))
        return await asyncio.to_thread(self.metrics.as_text, counts, gauges)  # long, with thousands of rules

    async def _sums(self) -> tuple[Counts, Counts]:
        own = Counts(self.metrics.counts()), self.metrics.gauges()
        shared = self.shared_counts
        return own if shared is None else await asyncio.to_thread(shared.sums, *own)

    async def groups(self) -> SegmentSurvey:
        return await self.survey.groups(self.publication) if self.publication else SegmentSurvey(0, 0)

    async def typed(self, text: str) -> ConditionSize:
        loaded = self.rules.loaded
        if self.publication is None or loaded is None or loaded.names is None:
            raise RequestError("no rules are being served, so no condition can be read")
        return await self.survey.typed(self.publication, loaded.names, text)

    async def results(self, days: int, by: str, patience: float) -> ResultsStatus:
        of = self.publication
        return await self.kept_results.look(of, days, by, patience) if of else ResultsStatus(None, False)

    async def load(self, files: dict[str, bytes]) -> Loaded:
        return await self.drafts.loaded(files)

    async def mend(self, files: dict[str, bytes], name: str) -> bytes:
        def check(files: Mapping[str, bytes]) -> list[Finding]:
            return [finding for finding in self.rules.draft(dict(files)).findings if finding.place.file == name]

        return (await asyncio.to_thread(mended, files, check))[0][name]

    async def plan(self) -> Outlook:
        return await self.publishing.plan()

    async def publish(self, author: str, message: str, compared: str = "") -> None:
        await self._until_live(self.publishing.publish(author, message, compared))

    async def approve(self, number: int, author: str) -> None:
        await self._until_live(self.publishing.approve(number, author))

    async def roll_back(self, number: int, author: str) -> None:
        await self._until_live(self.publishing.roll_back(number, author))

    async def _until_live(self, doing: Awaitable[Entry]) -> None:
        """Waits, for a while, until what goes live is live here, so that the page which follows shows it."""
        live = self.rules.next_live
        if (await doing).action in GOES_LIVE:
            with suppress(TimeoutError):
                await asyncio.wait_for(live.wait(), LIVE_SECONDS)

    async def purge(self, purge: Purge) -> Purged:
        return purged(await self.bus.request(PURGE, msgspec.msgpack.encode(purge)))

    async def change_products(self, changes: list[dict[str, Any]]) -> ProductsChanged:
        replies = await self.bus.request(PRODUCTS, msgspec.msgpack.encode(changes))
        await self.product_news.keep_changes(str(words.get("id")) for words in changes)
        return products_changed(replies)

    async def _on_products(self, message: bytes) -> bytes:
        async with self._changing_products:
            result = await change(self.gateway.stock.shop.products, msgspec.msgpack.decode(message))
        return msgspec.msgpack.encode(result)

    async def _on_purge(self, message: bytes) -> bytes:
        return b"%d" % await self.gateway.purge(msgspec.msgpack.decode(message, type=Purge))

    async def _on_missed(self, _: bytes) -> bytes:
        """Makes all pages stale, as purges may have been missed. They may still stand in for an origin that is down."""
        await self._mark_all_stale("purges by other machines may have been missed")
        return b""

    async def watch_clock(self) -> None:
        """Makes all pages stale whenever the clock is set back: else they would stay fresh for as long. Never ends;
        cancel it."""
        async for seconds in set_back(self.now):
            await self._mark_all_stale(f"the clock was set back by {seconds:,.0f} seconds")

    async def _mark_all_stale(self, reason: str) -> None:
        count = await self.gateway.purge(Purge(prefixes=(b"/",), is_soft=True))
        log.warning("%s: %s kept pages are asked about again", reason, count)

    async def export(self, visitor_id: str) -> Mapping[str, object]:
        return await exported(self.places, visitor_id)

    async def erase(self, visitor_id: str) -> Receipt:
        return await self.messages.erase(self.places, visitor_id)

    async def why(self, url: str, persona: Persona, publication: Publication) -> str:
        context = await self._context(url, persona, publication)
        path = str(context.attributes["page"])
        slots = [slot for slot in publication.slots_on(path) if not slot.startswith(INTERNAL)]
        lists, missing = await self._lists(request_of(url), slots, publication)
        stories = await asyncio.to_thread(why, publication.plan, context, slots, MOST_READ)  # may take 0.1 s
        stories = with_products(stories, publication.plan, context, self.gateway.stock, lists)
        told = [
            replace(story, products=missing) if story.slot.startswith(LISTING) and story.slot not in lists else story
            for story in stories
        ]
        return why_text(told)

    async def seen(self, visitor: str) -> list[View]:
        views = await self.places.views.get_views(MOST_SEARCHED)
        return [view for view in reversed(views) if view.visitor == visitor]

    async def _lists(
        self, page: Request, slots: Sequence[str], publication: Publication
    ) -> tuple[Mapping[str, Sequence[str]], tuple[str, ...]]:
        """The products of each list of the page, if rules sort any; and what to print of one that is missing."""
        if not any(slot.startswith(LISTING) for slot in slots):
            return {}, ()
        try:
            return await self.page_lists.of(page, publication), ("the page has no such list",)
        except OriginError as error:
            return {}, (f"where its cards go is not known: {error}",)

    async def _context(self, url: str, persona: Persona, publication: Publication) -> EvaluationContext:
        case = next((case for case in publication.cases if case.name == persona.case), None)
        if persona.case and case is None:
            raise RequestError(f"there is no test `{persona.case}`")
        now = self.now()
        profile = await self.profiles.get(persona.visitor, now) if persona.visitor else STRANGER
        known = self.gateway.stock.shop.products.get
        return context_as(publication.plan, request_of(url), persona, profile, now, case, known=known, told=self.told)
