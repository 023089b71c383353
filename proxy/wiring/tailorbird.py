"""The composition root: builds all parts and joins them into one `Tailorbird`, starts its background tasks (as the
watch over the rule folder), and stops them again."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from proxy.bus import bus_of_machine, bus_of_shop
from proxy.bus.shared_counts import SharedCounts
from proxy.catalogue.product_index import ProductIndex
from proxy.ending import ended
from proxy.errors import StoreError
from proxy.http.message import Handler
from proxy.metrics import Metrics
from proxy.model import Profile
from proxy.outbox.leader import Leader, webhooks_in
from proxy.ports import Store
from proxy.processes.lasting import Work, lasting
from proxy.processes.listener import Listener
from proxy.processes.liveness import Lag
from proxy.processes.memory_limit import MemoryLimit
from proxy.rulebook.compile import Loaded, Publication
from proxy.serve.accesslog import AccessLog
from proxy.serve.affinity import Affinity
from proxy.serve.app import App
from proxy.serve.drafts import Drafts
from proxy.serve.gateway import Gateway
from proxy.serve.learning import Learning
from proxy.serve.page_lists import PageLists
from proxy.serve.previewing import Previewing, stylesheet
from proxy.serve.product_news import ProductNews
from proxy.serve.publishing import Publishing
from proxy.serve.results import KeptResults
from proxy.serve.rules import Rules, nothing_published
from proxy.serve.showing_as import STYLESHEET_PATH
from proxy.serve.survey import Survey
from proxy.serve.tag import Tag
from proxy.settings import Settings
from proxy.stores import open_outbox, open_sightings, open_store, open_views, server_of
from proxy.stores.personal_data import Places
from proxy.stores.ruledir import RuleFolder
from proxy.upstream.asking import Asking
from proxy.upstream.certificates import watch_certificates
from proxy.upstream.origins import Origins
from proxy.upstream.tls import webhook_tls
from proxy.visitors.capture import Capture
from proxy.visitors.collect import Collect
from proxy.visitors.consent_changes import ConsentChanges
from proxy.visitors.invalidation import Invalidation, pause_of
from proxy.visitors.joiner import Joiner
from proxy.visitors.journal import Journal
from proxy.visitors.places import told_by_requests
from proxy.visitors.preview import Tokens
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Keeper, Recorder
from proxy.visitors.visitor import Cookies
from proxy.visitors.writekeys import WriteKeys
from proxy.wiring.changed_pages import ChangedPages
from proxy.wiring.desk import Desk
from proxy.wiring.public_listener import public_listener
from proxy.wiring.visitor_messages import VisitorMessages


class Tailorbird:
    """The whole product: `app` is for the public listener, `desk` for the studio.

    Use it as an async context manager: entering reads the rules and starts the background tasks, leaving stops them and
    closes files and sockets. Raises `OperatorError` for settings that make no sense. `shared` is the folder that the
    workers of this machine share, None for a single process; `bus` reaches all processes that serve this shop.
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
        self.metrics = Metrics()
        self._machine = bus_of_machine(shared)
        self.bus = bus_of_shop(self._machine, server_of(settings.store))
        self._shared_counts = None if shared is None else SharedCounts(shared, self._machine.name, self.metrics)
        self.cookies = Cookies.from_settings(settings, is_demo=is_demo, metrics=self.metrics)
        self._origins = Origins(settings.origin, settings, self.metrics)
        self._asking = Asking(self._origins, settings)
        watch_certificates(settings, self._origins, self.metrics)
        self._lag = Lag(self.metrics)
        self._accesslog = AccessLog.of(settings, self.metrics, clock)
        self.store = open_store(settings.store, settings) if store is None else store
        self.now = clock
        self._routes: dict[str, Handler] = {}
        self._join_visitors()
        self._join_pages()
        self._join_rules(adapt)
        self._join_listener(Tokens(settings.secret, is_demo=is_demo))
        self._join_webhooks()
        self._tasks: Sequence[asyncio.Task[None]] = ()

    # -- the parts, each with those before it

    def _join_visitors(self) -> None:
        """Builds the readers of profiles, the journal of events, and the recording of views."""
        settings, metrics, clock = self.settings, self.metrics, self.now
        self._profiles = ProfileReader(
            self.store,
            metrics,
            memory=settings.profile_memory,
            memory_seconds=settings.profile_memory_seconds,
            is_strained=self._is_strained,
            settings=settings,
        )
        self._recorder = Recorder(settings.recorded_a_second)
        self._views = open_views(settings.store)
        self._keeper = Keeper(self._recorder, self._views, most=settings.recorded_views, metrics=metrics)
        self._invalidation = Invalidation(self.store, self._profiles, clock)
        self._messages = VisitorMessages(self.bus, self._profiles, self._invalidation, self._keeper, clock)
        self.journal = Journal(self.store, self._profiles, metrics, self._messages.send_change, clock, settings)
        self.journal.subscribe(lambda applied: self._invalidation.know(applied.changes))
        joiner = Joiner(self.store, self._profiles, metrics, self._messages.send_change)
        self._consent_changes = ConsentChanges(settings, self.cookies)
        self._messages.on_consents(self._consent_changes.hear)
        self._invalidation.on_changed(self._consent_changes.doubt)
        keys = WriteKeys(settings)
        changes, hub = self._consent_changes, self._hub
        collect = Collect(keys, self.cookies, self.journal, joiner, metrics, settings, changes, clock, hub)
        self._profiles.on_forget(joiner.forget)
        self._routes |= {**collect.routes, **Tag(settings).routes}

    def _join_pages(self) -> None:
        """Builds the cache, and the catalogue with what is learnt of products."""
        settings, clock = self.settings, self.now
        self._product_news = ProductNews(open_sightings(settings.store), self._hub, clock)
        capture = Capture(self.journal, self.cookies, settings, self._hub, self._consent_changes)
        self._profiles.on_forget(capture.forget)
        self._messages.on_events(capture.hear)
        self._changed_pages = ChangedPages(self.bus, lambda keys: self._gateway.forget(keys))
        self._gateway = Gateway(
            self._origins,
            self.cookies,
            self._profiles,
            self.metrics,
            settings,
            publication=nothing_published(),
            clock=clock,
            recorder=self._recorder,
            capture=capture,
            learn=self._product_news.read,
            miss=self._product_news.miss,
            tell_changed=self._changed_pages.tell,
            accesslog=self._accesslog,
        )
        self._profiles.on_forget(lambda: self._gateway.stock.shop.forget_visits())
        self._routes.update(self._gateway.routes)
        self._learning = Learning(self.store, lambda: self._gateway.stock, clock, self._profiles.held)
        self.journal.subscribe(self._learning.hear)
        self._affinity = Affinity(settings.affinity, lambda: self._gateway.stock.shop, self._learning)
        self._memory_limit = MemoryLimit(settings, self.metrics, (self._gateway.memory, self._profiles))

    def _join_rules(self, adapt: Callable[[Publication], Publication]) -> None:
        """Builds the rule folder with its versions and drafts, and the desk."""
        settings, clock = self.settings, self.now
        is_published = settings.rules_mode == "published"
        folder = RuleFolder(Path(settings.rules), is_published=is_published, settings=settings)
        self._rules = Rules(folder, settings.catalogue, self.store, adapt, self._gateway.publish, self.metrics, clock)
        self._drafts = Drafts(Path(settings.rules), self._rules.draft)
        self._outbox = open_outbox(settings.store)
        parts = self._rules, self._drafts, folder.versions, self._views, clock
        publishing = Publishing(*parts, approval=settings.approval, is_published=is_published)
        self._profiles.on_forget((survey := Survey(self.store, clock)).forget)
        self.desk = Desk(
            self._machine,
            self.bus,
            self.metrics,
            self._shared_counts,
            self.store,
            Places(self.store, self._views, self._outbox),
            self._profiles,
            self._memory_limit,
            self.journal,
            self._messages,
            self._origins,
            self._gateway,
            self._product_news,
            self._rules,
            folder.versions,
            self._drafts,
            publishing,
            survey,
            KeptResults(settings.store, self._machine, clock),
            PageLists(self._asking, settings),
            told_by_requests(settings),
            clock,
            is_published,
        )

    def _join_listener(self, tokens: Tokens) -> None:
        """Builds the application of the public listener."""
        settings, shop = self.settings, self._gateway.stock.shop
        previewing = Previewing(tokens, self._asking, self.draft, self._profile, self._gateway.kept, settings, shop)
        self._routes |= {STYLESHEET_PATH: stylesheet, **self.desk.routes}
        may_begin = self._memory_limit.may_begin
        self.app = App(self._gateway, self._routes, self.metrics, settings, self.now, previewing, may_begin)

    def _join_webhooks(self) -> None:
        """Builds what sends messages to webhooks, if there are any."""
        self._webhooks: Leader | None = None
        if webhooks := webhooks_in(self.settings.webhooks):
            telling = self.metrics, self.now, webhook_tls(self.settings)
            self._webhooks = Leader(
                self.bus.name, self.store, self._outbox, webhooks, lambda: self._rules.publication, *telling
            )

    def listener(self, host: str = "", port: int = 0, *, bound: socket.socket | None = None) -> Listener:
        """The public listener, at an address or on a bound socket."""
        parts = self.app, self._gateway, self._origins, self.settings, self.metrics, self._accesslog
        return public_listener(*parts, host=host, port=port, bound=bound)

    def _is_strained(self) -> bool:
        return self._origins.are_strained or self._lag.is_lasting or self._memory_limit.is_tight

    def _hub(self) -> ProductIndex:
        return self._gateway.stock.shop.products

    def add_routes(self, routes: Mapping[str, Handler]) -> None:
        """Adds handlers of paths below `/_tb/`."""
        self._routes.update(routes)

    async def __aenter__(self) -> Tailorbird:
        await self._rules.read()
        await self._affinity.open()
        await self._product_news.open()
        await self.bus.open()
        self.journal.open()
        works: list[Work] = [
            self._rules.follow,
            self._keeper.run,
            self._lag.watch,
            self.desk.watch_clock,
            self._memory_limit.watch,
            self._affinity.run,
            partial(self._invalidation.follow, pause_of(self.settings.profile_memory_seconds)),
            self._product_news.follow,
            self._profiles.follow_store,
        ]
        if self._shared_counts is not None:
            works.append(self._shared_counts.keep)
        if self._webhooks is not None:
            works.append(self._webhooks.run)
        self._tasks = [asyncio.create_task(lasting(work)) for work in works]
        return self

    async def __aexit__(self, *_: object) -> None:
        await ended(*self._tasks)
        if self._accesslog is not None:
            await self._accesslog.aclose()
        await self.desk.aclose()
        await self._changed_pages.aclose()
        await self.journal.aclose()
        await self.bus.aclose()
        await self._views.aclose()
        await self._outbox.aclose()
        await self._product_news.aclose()
        await self._gateway.aclose()
        await self._profiles.aclose()
        await self._origins.aclose()
        await self.store.aclose()

    # -- for previews

    async def draft(self, name: str) -> Loaded:
        """The rules of a draft (as `Drafts.get`); the live rules for "". Raises `OperatorError`."""
        return await self._drafts.get(name) if name else Loaded(self._rules.publication, [], {})

    async def _profile(self, visitor_id: str, now: float) -> Profile | None:
        """A visitor's profile, not counted in the metrics; None if the store does not answer."""
        try:
            return await self.store.get_profile(visitor_id)
        except StoreError:
            return None
