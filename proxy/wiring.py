"""The composition root: the only place that knows all the parts. It joins them into one `Tailorbird`, starts what runs
beside requests (the watch over the rule folder), and stops it again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from proxy.audience.survey import Groups, Typed
from proxy.audience.traits import STRANGER
from proxy.bus import bus_of_machine, bus_of_shop
from proxy.bus.tally import Tally
from proxy.catalogue.hub import Hub
from proxy.decide.plan import Plan
from proxy.decide.why import why, why_text
from proxy.diagnostics import Finding
from proxy.drafts.report import Outlook
from proxy.errors import OperatorError, RequestError, StoreError
from proxy.http.message import Handler
from proxy.httpcache.purge import Purge
from proxy.metrics import Metrics
from proxy.model import AttributeValue, EvaluationContext, Profile
from proxy.outbox.outreach import Outreach, webhooks_in
from proxy.personalise import with_products
from proxy.ports import Store
from proxy.rulebook.compile import Loaded, Publication
from proxy.serve.app import App
from proxy.serve.drafts import Drafts
from proxy.serve.gateway import Gateway
from proxy.serve.headroom import Headroom
from proxy.serve.learning import Learning
from proxy.serve.listener import Certificate, Listener
from proxy.serve.page_products import PageProducts
from proxy.serve.previewing import STYLESHEET_PATH, Previewing, stylesheet
from proxy.serve.protocol import protocols
from proxy.serve.publishing import Publishing
from proxy.serve.rules import Rules, nothing_published
from proxy.serve.survey import Survey
from proxy.serve.tag import Tag
from proxy.serve.tunnel import tunnels
from proxy.serve.vitals import Lag
from proxy.settings import Settings
from proxy.stores import open_outbox, open_sightings, open_store, open_views, server_of
from proxy.stores.batch import built, built_pairs
from proxy.stores.holdings import Places, Receipt, erased, exported
from proxy.stores.ruledir import RuleFolder
from proxy.studio.purging import Purged, purged
from proxy.studio.stocking import Stocked, change, stocked
from proxy.studio.views import Link, Readiness, ShownView, newest, readiness, shown_view, together
from proxy.upstream.asking import Asking
from proxy.upstream.origins import Origins
from proxy.visitors.capture import Capture
from proxy.visitors.collect import Collect
from proxy.visitors.context import languages_of, request_of
from proxy.visitors.erasures import Erasures
from proxy.visitors.joiner import Joiner
from proxy.visitors.journal import Journal
from proxy.visitors.persona import Persona, context_as
from proxy.visitors.preview import Tokens
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Keeper, Recorder
from proxy.visitors.visitor import Cookies
from proxy.visitors.writekeys import WriteKeys

PURGE = "purge"
"""The topic on which processes tell each other what is out of date."""

PRODUCTS = "products"
"""That on which they tell each other what changed of products."""
PROFILES = "profiles"
ERASING = "erasing"
ERASED = "erased"
"""The topic on which they tell whose profiles changed."""
READINESS, LIVE = "readiness", "live"
"""The topics on which workers ask each other how they are, and what they showed last."""


NOTHING_SAID: Mapping[str, str] = {}


class Tailorbird:
    """The joined product: `app` for the public listener, and, as `studio.views.Site`, what the studio may see.

    Use it as an async context manager: entering reads the rules and begins to follow the folder, leaving stops what
    runs and lets go of files and sockets. Raises `OperatorError` for settings that make no sense. `shared` is the
    folder that the workers of this machine share, None for a process alone; `bus` reaches all that serve this shop.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        is_demo: bool = False,
        adapt: Callable[[Publication], Publication] = lambda publication: publication,
        store: Store | None = None,
        shared: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        if settings.rules_mode not in ("folder", "published"):
            raise OperatorError(f"`rules_mode` is `{settings.rules_mode}`", help="write folder or published")
        self.metrics = Metrics()
        self._machine = bus_of_machine(shared)
        self.bus = bus_of_shop(self._machine, server_of(settings.store))
        self._tally = None if shared is None else Tally(shared, self._machine.name, self.metrics)
        self.cookies = Cookies.from_settings(settings, is_demo=is_demo)
        self._origins = Origins(settings.origin, settings)
        self._watch_gates()
        self._lag = Lag(self.metrics)
        self.store = open_store(settings.store, settings) if store is None else store
        self.links: Sequence[Link] = ()
        self.is_stopping = False
        self.now = clock
        self._routes: dict[str, Handler] = {}
        self._profiles = ProfileReader(
            self.store,
            self.metrics,
            budget_ms=settings.profile_budget_ms,
            memory=settings.profile_memory,
            memory_seconds=settings.profile_memory_seconds,
            is_strained=self._is_strained,
            settings=settings,
        )
        self.journal = Journal(self.store, self._profiles, self.metrics, self._tell_of_profiles, clock, settings)
        keys = WriteKeys(settings)
        joiner = Joiner(self.store, self._profiles, self.metrics, self._tell_of_profiles)
        self._routes.update(Collect(keys, self.cookies, self.journal, joiner, self.metrics, settings, clock).routes)
        self._routes.update(Tag(settings).routes)
        self._recorder = Recorder(settings.recorded_a_second)
        self._views = open_views(settings.store)
        self._outbox = open_outbox(settings.store)
        self._places = Places(self.store, self._views, self._outbox)
        self._keeper = Keeper(self._recorder, self._views, most=settings.recorded_views, metrics=self.metrics)
        self._page_products = PageProducts(open_sightings(settings.store), self._hub, clock)
        self._gateway = Gateway(
            self._origins,
            self.cookies,
            self._profiles,
            self.metrics,
            settings,
            nothing_published(),
            clock,
            self._recorder,
            Capture(self.journal, self.cookies, settings, lambda id: self._rules.product(id)),
            self._page_products.read,
            self._page_products.miss,
        )
        self._routes.update(self._gateway.routes)
        self.is_published = settings.rules_mode == "published"
        folder = RuleFolder(Path(settings.rules), is_published=self.is_published, settings=settings)
        self.versions = folder.versions
        self._rules = Rules(folder, settings.catalogue, self.store, adapt, self._gateway.publish, self.metrics, clock)
        self._drafts = Drafts(Path(settings.rules), self._rules.draft)
        self._survey = Survey(self.store, clock)
        self._publishing = Publishing(
            self._rules,
            self._drafts,
            self.versions,
            self._views,
            clock,
            approval=settings.approval,
            is_published=self.is_published,
        )
        self._previewing = Previewing(
            Tokens(settings.secret, is_demo=is_demo),
            Asking(self._origins, settings),
            self.draft,
            self._profile,
            settings,
            self._gateway.stock.shop,
        )
        self._learning = Learning(self.store, lambda: self._gateway.stock, clock, self._profiles.held)
        self.journal.subscribe(self._learning.hear)
        self._routes[STYLESHEET_PATH] = stylesheet
        self._headroom = Headroom(settings, self.metrics, (self._gateway.memory, self._profiles))
        self.app = App(
            self._gateway, self._routes, self.metrics, settings, clock, self._previewing, self._headroom.may_begin
        )
        self.bus.listen(PURGE, self._purge)
        self.bus.listen(PRODUCTS, self._change_products)
        self._machine.listen(READINESS, self._own_readiness)
        self._machine.listen(LIVE, self._own_live)
        self.bus.listen(PROFILES, self._hear_of_profiles)
        self.bus.listen(ERASING, self._hear_of_erasing)
        self.bus.listen(ERASED, self._hear_of_erased)
        webhooks = webhooks_in(settings.webhooks)
        told = self.bus.name, self.store, self._outbox, webhooks, lambda: self.publication, self.metrics, clock
        self._outreach = Outreach(*told) if webhooks else None
        self._beside: Sequence[asyncio.Task[None]] = ()

    def listener(self, host: str = "", port: int = 0, *, bound: socket.socket | None = None) -> Listener:
        """The public listener, at an address or on a socket that is bound."""
        settings = self.settings
        return Listener(
            "proxy",
            self.app,
            host,
            port,
            bound=bound,
            protocol=protocols(self.app.at_once, settings, self.metrics),
            websockets=tunnels(self._origins, settings, self.metrics),
            certificate=Certificate(settings.tls_certificate, settings.tls_key) if settings.tls_certificate else None,
            drain_seconds=settings.drain_seconds,
            backlog=settings.backlog,
        )

    def _is_strained(self) -> bool:
        return self._origins.are_strained or self._lag.is_lasting or self._headroom.is_tight

    def _watch_gates(self) -> None:
        for address, gate in self._origins.gates.items():
            for name, what in (("limit", "limit"), ("requests", "under_way"), ("waiting", "waiting")):
                self.metrics.gauge(f"tailorbird_origin_{name}", partial(getattr, gate, what), "origin", address)

    def _hub(self) -> Hub:
        return self._gateway.stock.shop.hub

    def leave(self) -> None:
        """Says from now on that we are about to stop."""
        self.is_stopping = True

    def route(self, routes: Mapping[str, Handler]) -> None:
        """Adds paths of our own, below `/_tb/`."""
        self._routes.update(routes)

    async def __aenter__(self) -> Tailorbird:
        await self._rules.read()
        if self.settings.affinity:
            path = Path(self.settings.affinity)
            self._gateway.stock.shop.build(built(path), built_pairs(path))
        await self._page_products.open()
        await self.bus.open()
        self.journal.open()
        works = [
            self._rules.follow(),
            self._keeper.run(),
            self._lag.watch(),
            self._headroom.watch(),
            self._learning.follow(),
            Erasures(self.store, self._profiles.forget).follow(),
            self._page_products.follow(),
        ]
        if self._tally is not None:
            works.append(self._tally.keep())
        if self._outreach is not None:
            works.append(self._outreach.run())
        self._beside = [asyncio.create_task(work) for work in works]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._beside:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.journal.aclose()
        await self.bus.aclose()
        await self._views.aclose()
        await self._outbox.aclose()
        await self._page_products.aclose()
        await self._gateway.aclose()
        await self._profiles.aclose()
        await self._origins.aclose()
        await self.store.aclose()

    # -- what previews may see

    async def draft(self, name: str) -> Loaded:
        """A state of the rules: "" is what is live, else as `Drafts.get`. Raises `OperatorError`."""
        return await self._drafts.get(name) if name else Loaded(self.publication, [], {})

    async def _profile(self, visitor_id: str, now: float) -> Profile | None:
        """A visitor's profile, past the counted look-ups; None when the store does not say."""
        try:
            return await self.store.get_profile(visitor_id)
        except StoreError:
            return None

    # -- what the studio may see

    @property
    def publication(self) -> Publication | None:
        """The rules being served; None before the first good folder."""
        return self._rules.publication

    @property
    def findings(self) -> Sequence[Finding]:
        """What is wrong in the folder as it is now."""
        return self._rules.loaded.findings if self._rules.loaded else ()

    async def is_store_ready(self) -> bool:
        """True when a profile could be read now."""
        return await self.store.is_ready()

    async def readiness(self) -> Readiness:
        """That of all workers of this machine."""
        told = await self._machine.send(READINESS)
        said = [msgspec.json.decode(answer, type=Readiness) for answer in told.answers.values()]
        return together(said, len(told.live) - len(told.answers))

    async def _own_readiness(self, _: bytes) -> bytes:
        return msgspec.json.encode(await readiness(self))

    async def live(self) -> list[ShownView]:
        """What the workers of this machine showed last, the newest first."""
        told = await self._machine.send(LIVE)
        lists = [msgspec.json.decode(answer, type=list[ShownView]) for answer in told.answers.values()]
        return newest(chain.from_iterable(lists), self.metrics.live_size)

    async def _own_live(self, _: bytes) -> bytes:
        return msgspec.json.encode([shown_view(shown) for shown in self.metrics.live])

    def counted(self, name: str) -> Mapping[str, int]:
        """What all workers of this machine have counted of `name`, by its label's value."""
        counts = self.metrics.counts() if self._tally is None else self._tally.sums()[0]
        return {value: count for (key, _, value), count in counts.items() if key == name}

    def metrics_text(self) -> str:
        """The same, for Prometheus."""
        return self.metrics.as_text() if self._tally is None else self.metrics.as_text(*self._tally.sums())

    async def groups(self) -> Groups:
        """How large the segments being served are. May raise `StoreError`."""
        return await self._survey.groups(self.publication) if self.publication else Groups(0, 0)

    async def typed(self, text: str) -> Typed:
        """How many visitors a condition is true of. Raises `RequestError` before there are rules."""
        loaded = self._rules.loaded
        if self.publication is None or loaded is None or loaded.names is None:
            raise RequestError("no rules are being served, so nobody knows what may be asked")
        return await self._survey.typed(self.publication, loaded.names, text)

    async def plan(self) -> Outlook:
        """What the draft in the folder would change, and for whom of those seen last."""
        return await self._publishing.plan()

    async def publish(self, author: str, message: str) -> None:
        """Makes the draft in the folder live, or asks for it. Raises `OperatorError`."""
        await self._publishing.publish(author, message)

    async def approve(self, number: int, author: str) -> None:
        """Makes live what somebody else asked for. Raises `OperatorError`."""
        await self._publishing.approve(number, author)

    async def roll_back(self, number: int, author: str) -> None:
        """Makes an earlier version live again. Raises `OperatorError`."""
        await self._publishing.roll_back(number, author)

    async def purge(self, purge: Purge) -> Purged:
        """Makes what the purge means out of date in every process that serves this shop."""
        return purged(await self.bus.send(PURGE, msgspec.msgpack.encode(purge)))

    async def change_products(self, changes: list[dict[str, Any]]) -> Stocked:
        """Changes products in every process that serves this shop."""
        return stocked(await self.bus.send(PRODUCTS, msgspec.msgpack.encode(changes)))

    async def _change_products(self, message: bytes) -> bytes:
        return msgspec.msgpack.encode(change(self._hub(), msgspec.msgpack.decode(message)))

    async def _purge(self, message: bytes) -> bytes:
        return b"%d" % self._gateway.purge(msgspec.msgpack.decode(message, type=Purge))

    async def _tell_of_profiles(self, visitor_ids: Collection[str], waits: bool) -> None:
        told = msgspec.msgpack.encode((self.bus.name, waits, list(visitor_ids)))
        await (self.bus.send if waits else self.bus.tell)(PROFILES, told)

    async def _hear_of_profiles(self, message: bytes) -> bytes:
        teller, waits, visitor_ids = msgspec.msgpack.decode(message, type=tuple[str, bool, list[str]])
        if teller != self.bus.name:
            if waits:
                await self._profiles.renew(visitor_ids, self.now())
            else:
                self._profiles.outdate(visitor_ids)
        return b""

    async def export(self, visitor_id: str) -> Mapping[str, object]:
        """All that is kept of the person a visitor is, as plain JSON values. May raise `StoreError`."""
        return await exported(self._places, visitor_id)

    async def erase(self, visitor_id: str) -> Receipt:
        """Leaves nothing of that person, here and in every process that serves the shop. May raise `StoreError`."""
        await self.bus.send(ERASING)
        receipt = await erased(self._places, visitor_id, self.now())
        await self.bus.send(ERASED)
        return receipt

    async def _hear_of_erasing(self, _: bytes) -> bytes:
        await self._keeper.flush()  # what is not in the store could not be erased there
        return b""

    async def _hear_of_erased(self, _: bytes) -> bytes:
        self._profiles.forget()
        return b""

    async def why(
        self, url: str, visitor_id: str, segments: Sequence[str] = (), said: Mapping[str, str] = NOTHING_SAID
    ) -> str:
        """The story of every slot on that page that has rules, for that visitor, in these segments besides their own;
        `said` is their country, language and device. Raises `RequestError`."""
        if self.publication is None:
            raise RequestError("no rules are being served")
        known: dict[str, AttributeValue] = {**said}
        if languages := languages_of(said.get("language", "").encode()):
            known["language"] = languages
        persona = Persona(visitor_id, tuple(segments), attributes=known)
        context = await self._context(url, persona, self.publication.plan)
        slots = self.publication.slots_on(str(context.attributes["page"]))
        stories = why(self.publication.plan, context, slots)
        return why_text(with_products(stories, context, self._gateway.stock))

    async def _context(self, url: str, persona: Persona, plan: Plan) -> EvaluationContext:
        now = self.now()
        profile = await self._profiles.get(persona.visitor, now) if persona.visitor else STRANGER
        return context_as(plan, request_of(url), persona, profile, now)
