"""One request, from its head to its answer: what is stored answers at once, else the origin is asked.

`hit` is synchronous and answers what needs nobody: a fresh stored page or asset whose visitor is known here. `page`
does the rest. What is asked of the origin, and as whom:

* a page nobody knows yet, by a visitor whose request says nothing personal: a fetch for everybody (`fetching.py`);
* the same by a visitor with cookies of the shop: the visitor's own request, never stored (`own.py`); when its answer
  looks as if it were for everybody, a fetch for everybody fills the cache behind it;
* what turned out not to be for everybody: the visitor's own request, at once, for as long as its mark lasts;
* a stale page whose origin failed a moment ago: nothing, the stale page is shown.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from functools import partial
from math import floor

from proxy.errors import OriginError
from proxy.http.message import Request, Response
from proxy.http.outgoing import detail, error_page, hit
from proxy.http.style import Stylesheets
from proxy.http.target import Sought, changed_by, kept_as, sought, why_never_shared
from proxy.httpcache.policy import CacheReason, may_reuse
from proxy.httpcache.purge import Purge
from proxy.httpcache.response_cache import MarkedKeys, ResponseCache
from proxy.metrics import Metrics
from proxy.model import CacheVerdict
from proxy.page.page_subject import PageSubject
from proxy.page.piece import Piece
from proxy.page.slots import DeclaredSlot
from proxy.personalise import Stock
from proxy.rulebook.compile import Publication
from proxy.rulebook.policy import NO_POLICY
from proxy.serve.accesslog import AccessLog
from proxy.serve.api import api_routes
from proxy.serve.comparing import Comparing
from proxy.serve.fetching import Fetching, FillBehind, StaleFallback
from proxy.serve.hole_filling import HoleFilling
from proxy.serve.keeping import Keeping
from proxy.serve.known_pages import KnownPages
from proxy.serve.own import Own
from proxy.serve.pages import Entry, has_json_slots
from proxy.serve.parts import Parts
from proxy.serve.pass_through import Give, PassThrough
from proxy.serve.personal import Personal
from proxy.serve.reading import PageReader
from proxy.serve.repeat_hits import RepeatHits
from proxy.serve.shared_fetch import Flowing, Outcome, Passed, is_down, let_go
from proxy.serve.showing import Showing
from proxy.serve.stored_answers import StoredAnswers
from proxy.serve.warm import Warm
from proxy.settings import Settings
from proxy.upstream.asking import Asking
from proxy.upstream.origins import Origins
from proxy.visitors.capture import Capture
from proxy.visitors.profiles import ProfileReader
from proxy.visitors.recording import Recorder
from proxy.visitors.visitor import Cookies

_NOT_STORED = CacheVerdict(False, "")
_ONLY_IF_CACHED = OriginError("only what is stored was asked for", reason="only-if-cached", status=504)


class Gateway:
    """Answers the requests of one worker. `clock` gives Unix seconds; `recorder` records views, `capture` events;
    `learn` is told of pages stored, `miss` of those that are gone, `tell_changed` of the keys that a form changed, for
    others to `forget`; `accesslog` logs repeat hits. `routes`: the API."""

    def __init__(
        self,
        origins: Origins,
        cookies: Cookies,
        profiles: ProfileReader,
        metrics: Metrics,
        settings: Settings,
        *,
        publication: Publication,
        clock: Callable[[], float] = time.time,
        recorder: Recorder | None = None,
        capture: Capture | None = None,
        learn: Callable[[PageSubject, Request], None] = lambda about, page: None,
        miss: Callable[[Request], None] = lambda page: None,
        tell_changed: Callable[[Set[bytes]], None] = lambda keys: None,
        accesslog: AccessLog | None = None,
    ) -> None:
        self._metrics, self._clock, self._tell_changed = metrics, clock, tell_changed
        self._declared: Sequence[DeclaredSlot] = ()
        self._policy = NO_POLICY
        asking = Asking(origins, settings)
        self._personal = Personal(settings.ignored_cookies, tells_credentials=asking.tells_credentials)
        self.memory = self._memory = ResponseCache[Entry](settings.cache_bytes)
        self._marks, self._stylesheets = MarkedKeys(), Stylesheets()
        self._stale_fallback = StaleFallback(settings)
        reader, self._comparing = PageReader(metrics, settings), Comparing(settings)
        declared, policy_of = (lambda: self._declared), (lambda path: self._policy.of(path))
        self._keeping = Keeping(
            asking, self._memory, self._marks, declared=declared, reader=reader, comparing=self._comparing,
            settings=settings, clock=clock, learn=learn, miss=miss,
        )  # fmt: skip
        self._fetching = Fetching(self._keeping, self._memory, metrics, settings.collapse_wait_ms / 1_000)
        self._fill = FillBehind(self._fetching, self._marks, settings, clock)
        capture, recorder = capture or Capture(None, cookies, settings), recorder or Recorder()
        self._showing = Showing(cookies, profiles, metrics, settings, recorder, capture)
        hole_filling = HoleFilling(Parts(self._part, settings, metrics))
        self._stored_answers = StoredAnswers(self._showing, hole_filling, metrics, settings)
        repeat_hits = RepeatHits(self._memory, self._showing, self._stored_answers, profiles, metrics, clock, accesslog)
        profiles.on_forget(repeat_hits.forget)
        self._warm = Warm(self._memory, self._personal, self._stored_answers, repeat_hits, metrics, settings)
        self.hit, self.repeat_hit = self._warm.hit, repeat_hits.answer
        self._own = Own(asking, self._showing, declared, policy_of, reader, hole_filling, metrics, settings)
        known_pages = KnownPages(self._showing, reader, capture, declared, metrics, settings, clock)
        self._pass_through = PassThrough(
            self._own, known_pages, memory=self._memory, marks=self._marks, personal=self._personal,
            policy_of=policy_of, fill=self._fill, metrics=metrics, settings=settings, clock=clock,
        )  # fmt: skip
        self.start_quick, self.is_long_poll = self._pass_through.start_quick, self._own.is_long_poll
        self.forget, self.stylesheet = self._fetching.forget, self._stylesheets.get
        self.routes = api_routes(self._showing, self.kept, metrics, settings, clock)
        self.publish(publication)

    def publish(self, publication: Publication) -> None:
        """Decides by this publication from the next request on. Pages are cut again only for other declared slots,
        and fetched again only where the operator's policy is another."""
        if publication.declared != self._declared:
            self._declared = publication.declared
        if publication.policy != self._policy:
            self._policy = publication.policy
            self._marks.clear()
            self._comparing.forget()
        self._stylesheets.add(publication.declared)
        self._showing.publish(publication)
        self._warm.publish(publication, self._declared)
        self._pass_through.forget()

    @property
    def stock(self) -> Stock:
        """What rows of products are filled from now."""
        return self._showing.stock

    async def purge(self, purge: Purge) -> int:
        """Purges, and returns the number of addresses. Requests are served meanwhile."""
        purge = replace(purge, urls=frozenset(kept_as(url, self._policy) for url in purge.urls))
        count = 0
        for keys in self._fetching.purge(purge, self._clock()):
            count += keys
            await asyncio.sleep(0)
        for _ in self._marks.forget(purge):
            await asyncio.sleep(0)
        self._metrics.count("tailorbird_cache_purged_total", "kind", "soft" if purge.is_soft else "hard", count)
        return count

    def kept(self, page: Request) -> Entry | None:
        """The stored entry that a request is for, if there is one."""
        return self._memory.get(sought(page, self._policy.of(page.path)).key, page)

    async def aclose(self) -> None:
        """Gives up the fetches under way."""
        await self._fetching.aclose()

    def begins(self, request: Request, now: float, give: Give) -> bool:
        """True when a request that `hit` did not answer was started without a task: `give` is called once, later."""
        return self._pass_through.begins(request, now, give) or self._warm.begins(request, now, give)

    async def page(self, request: Request, now: float) -> Response:
        """The answer. Raises `RequestError` for a request that may not be passed on."""
        try:
            if request.method in (b"GET", b"HEAD"):
                return await self._read(request, now)
            return await self._write(request, now)
        except OriginError as error:
            return self._own.failed(request, error)

    async def _read(self, request: Request, now: float) -> Response:
        policy = self._policy.of(request.path)
        asked = sought(request, policy, is_json=has_json_slots(request.path, self._declared))
        wishes = self._warm.wishes(request)
        if policy is not None and (reason := self._personal.why_own(policy, request.headers)):
            return await self._as_visitor(request, reason)
        entry = self._memory.get(asked.key, request)
        if entry is not None and entry.policy is not policy:
            entry = None  # stored under another policy: as if it were not there
        if reason := why_never_shared(request, wishes, is_stored=entry is not None):
            is_part = reason == "range" and request.method == b"GET"
            return await self._as_visitor(request, reason, fill=asked if is_part else None)
        verdict = may_reuse(entry.stored, now, wishes) if entry else _NOT_STORED
        if entry and verdict:
            if verdict.reason == CacheReason.WHILE_REVALIDATE:
                self._fetching.in_background(asked, entry)
            if (answer := await self._from_memory(asked, entry, request, now, "hit")) is not None:
                return answer
            entry, verdict = None, _NOT_STORED
        if wishes.only_if_cached:
            return error_page(request, _ONLY_IF_CACHED, f"detail={_ONLY_IF_CACHED.reason}")
        was_refused = verdict.reason == CacheReason.REQUEST
        return await self._not_from_memory(asked, entry, request, now, was_refused=was_refused)

    async def _not_from_memory(
        self, asked: Sought, stale: Entry | None, request: Request, now: float, *, was_refused: bool
    ) -> Response:
        """The answer where nothing usable is stored: none, a stale one, or one refused by the client."""
        if reason := self._marks.reason(asked.key, now):
            return await self._as_visitor(request, reason)
        # Where the operator says what each cookie is, `why_own` has decided already.
        is_settled = asked.policy is not None and asked.policy.cookies is not None
        is_personal = not is_settled and self._personal.is_personal(request)
        if is_personal and (stale is None or stale.stored.lifetime <= 0):
            return await self._as_visitor(request, "cookies", fill=asked)
        stands_in = stale is not None and self._stale_fallback.must(asked.key, stale, now)
        if stale and stands_in and (answer := await self._from_memory(asked, stale, request, now, "stale")):
            return answer
        missed = "vary-miss" if self._memory.varying_names(asked.key) else "uri-miss"
        said = f"fwd={('request' if was_refused else 'stale') if stale else missed}"
        is_plain = not is_personal and request.method == b"GET"
        seconds = None if was_refused else self._stale_fallback.wait_seconds(stale, now)
        return await self._for_everybody(asked, request, stale, said, seconds, is_plain=is_plain)

    async def _from_memory(
        self, asked: Sought, entry: Entry, request: Request, now: float, status: str
    ) -> Response | None:
        """The stored page; None when its slots have changed and it has to be fetched again to be cut."""
        if entry.declared is not self._declared:
            if (recut := await self._keeping.recut(asked.key, entry, request)) is None:
                return None
            entry = recut
        self._count(status)
        return await self._given(entry, request, now, hit(floor(entry.stored.ttl(now))))

    async def _given(self, entry: Entry, request: Request, now: float, said: str) -> Response:
        """The entry for this visitor; if it has a hole that only the origin can fill, their own request."""
        return await self._stored_answers.answer(entry, request, now, said) or await self._as_visitor(request, "hole")

    async def _for_everybody(
        self, asked: Sought, request: Request, stale: Entry | None, said: str, seconds: float | None, *, is_plain: bool
    ) -> Response:
        """The answer by a shared fetch, new (waited for at most `seconds`) or under way; else by a fallback."""
        outcome: Response | Outcome | Flowing | Passed | None
        as_visitor = partial(self._as_visitor, request)
        if self._fetching.is_under_way(asked):
            alone = None if self._stale_fallback.may(stale, self._clock()) else partial(as_visitor, "collapse-wait")
            outcome, status = await self._fetching.join(asked, alone), "collapsed"
            if isinstance(outcome, Response):
                return outcome
        else:
            outcome, status = await self._fetching.lead(asked, stale, seconds, is_plain=is_plain), "stored"
        now = self._clock()
        if isinstance(outcome, Entry):
            self._count(status)
            confirmed = "; fwd-status=304" if stale and outcome.stored.body is stale.stored.body else ""
            return await self._given(outcome, request, now, f"{said}{confirmed}; {status}")
        if isinstance(outcome, Flowing):
            self._count(status)
            return await self._stored_answers.flowing(outcome, request, now, f"{said}; {status}")
        stale = stale and self._memory.get(asked.key, request)  # it may have been purged meanwhile
        if stale is not None and is_down(outcome) and self._stale_fallback.may(stale, now):
            self._stale_fallback.failed(asked.key, now)
            if (answer := await self._from_memory(asked, stale, request, now, "stale")) is not None:
                await let_go(outcome)
                return answer
        if isinstance(outcome, OriginError):
            return self._own.failed(request, outcome, is_told=True)
        if isinstance(outcome, Passed):
            self._count("bypass")
            return await self._own.answer(request, outcome.answer, now, f"{said}; {detail(outcome.reason)}")
        if outcome is None or outcome.status < 500:
            return await as_visitor(outcome.reason if outcome else "collapse-wait")
        answer = await outcome.trial.answer(partial(as_visitor, outcome.reason), self._fetching.wait_seconds)
        return answer or self._own.failed(request, outcome.error, is_told=True)

    async def _as_visitor(self, request: Request, reason: str, *, fill: Sought | None = None) -> Response:
        """The visitor's own request. If its answer looks shareable, a fetch for `fill` follows in the background."""
        answer = await self._own.ask(request)
        if fill is not None:
            self._fill(fill, answer)
        self._count("bypass")
        return await self._own.answer(request, answer, self._clock(), f"fwd=bypass; {detail(reason)}")

    async def _part(self, request: Request, *, is_own: bool) -> Response | Piece:
        """A part of a page, asked for on its visitor's behalf: as themselves, or like any page."""
        if is_own:
            return await self._as_visitor(request, "part")
        answer = self.hit(request, now := self._clock()) or await self._read(request, now)
        return ((kept := self.kept(request)) and kept.piece_of(answer)) or answer

    async def _write(self, request: Request, now: float) -> Response:
        """A method that may change something. If it succeeded, what is stored at its address is forgotten."""
        answer = await self._own.ask(request)
        if keys := changed_by(request, answer.status, answer.headers, self._policy):
            self.forget(keys)
            self._tell_changed(keys)
        self._own.tell_refusal(request, answer.status)
        self._showing.capture.note_form(now, request, answer.status, self._policy.of(request.path))
        self._count("method")
        return await self._own.answer(request, answer, now, "fwd=method")

    def _count(self, status: str) -> None:
        self._metrics.count("tailorbird_cache_requests_total", "status", status)
