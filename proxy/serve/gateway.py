"""One request, from its head to its answer: what is stored answers at once, else the origin is asked.

`hit` is synchronous and answers what needs nobody: a fresh stored page or asset whose visitor is known here. `page`
does the rest: reads as `retrieval.py` says, and what may change something.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence, Set

from proxy.errors import OriginError
from proxy.http.message import Request, Response
from proxy.http.style import Stylesheets
from proxy.http.target import changed_by
from proxy.metrics import Metrics
from proxy.page.page_subject import PageSubject
from proxy.page.piece import Piece
from proxy.page.slots import DeclaredSlot
from proxy.personalise import Stock
from proxy.rulebook.compile import Publication
from proxy.rulebook.policy import NO_POLICY
from proxy.serve.accesslog import AccessLog
from proxy.serve.api import api_routes
from proxy.serve.hole_filling import HoleFilling
from proxy.serve.kept import Kept
from proxy.serve.known_pages import KnownPages
from proxy.serve.own import Own
from proxy.serve.parts import Parts
from proxy.serve.pass_through import Give, PassThrough
from proxy.serve.personal import Personal
from proxy.serve.reading import PageReader
from proxy.serve.repeat_hits import RepeatHits
from proxy.serve.retrieval import Retrieval
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

log = logging.getLogger("tailorbird.forms")

_REFUSED = frozenset({400, 403, 422})
"""What frameworks answer to a form that seems to come from another site."""


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
        self._metrics = metrics
        self._clock = clock
        self._tell_changed = tell_changed
        self._declared: Sequence[DeclaredSlot] = ()
        self._policy = NO_POLICY
        declared, policy_of = (lambda: self._declared), (lambda page: self._policy.of(page.path, page.query))
        asking = Asking(origins, settings)
        personal = Personal(settings.ignored_cookies, tells_credentials=asking.tells_credentials)
        reader = PageReader(metrics, settings)

        self._kept = Kept(
            asking, reader, metrics, settings, clock,
            declared=declared, policy=lambda: self._policy, learn=learn, miss=miss,
        )  # fmt: skip
        self.memory = self._kept.memory

        capture = capture or Capture(None, cookies, settings)
        self._showing = Showing(cookies, profiles, metrics, settings, recorder or Recorder(), capture)
        hole_filling = HoleFilling(Parts(self._part, settings, metrics))
        stored_answers = StoredAnswers(self._showing, hole_filling, metrics, settings)
        repeat_hits = RepeatHits(self.memory, self._showing, stored_answers, profiles, metrics, clock, accesslog)
        profiles.on_forget(repeat_hits.forget)
        self._warm = Warm(self.memory, personal, stored_answers, repeat_hits, metrics, settings)

        self._own = Own(asking, self._showing, declared, policy_of, reader, hole_filling, metrics, settings)
        known_pages = KnownPages(self._showing, reader, capture, declared, metrics, settings, clock)
        self._pass_through = PassThrough(
            self._own, known_pages, memory=self.memory, marks=self._kept.marks, personal=personal,
            policy_of=policy_of, fill=self._kept.fill_behind, metrics=metrics, settings=settings, clock=clock,
        )  # fmt: skip
        self._retrieval = Retrieval(
            self._kept, personal, self._warm, stored_answers, self._own, metrics, settings, clock
        )

        self.hit = self._warm.hit
        self.repeat_hit = repeat_hits.answer
        self.start_quick = self._pass_through.start_quick
        self.is_long_poll = self._own.is_long_poll
        self.forget, self.purge, self.kept = self._kept.forget, self._kept.purge, self._kept.entry
        self._stylesheets = Stylesheets()
        self.stylesheet = self._stylesheets.get
        self.routes = api_routes(self._showing, self.kept, metrics, settings, clock)
        self.publish(publication)

    def publish(self, publication: Publication) -> None:
        """Decides by this publication from the next request on. Pages are cut again only for other declared slots,
        and fetched again only where the operator's policy is another."""
        if publication.declared != self._declared:
            self._declared = publication.declared
        if publication.policy != self._policy:
            self._policy = publication.policy
            self._kept.judge_anew()
        self._stylesheets.add(publication.declared)
        self._showing.publish(publication)
        self._warm.publish(publication, self._declared)
        self._retrieval.publish(self._declared, self._policy)
        self._pass_through.forget()

    @property
    def stock(self) -> Stock:
        """What rows of products are filled from now."""
        return self._showing.stock

    async def aclose(self) -> None:
        """Gives up the fetches under way."""
        await self._kept.aclose()

    def begins(self, request: Request, now: float, give: Give) -> bool:
        """True when a request that `hit` did not answer was started without a task: `give` is called once, later."""
        return self._pass_through.begins(request, now, give) or self._warm.begins(request, now, give)

    async def page(self, request: Request, now: float) -> Response:
        """The answer. Raises `RequestError` for a request that may not be passed on."""
        try:
            if request.method in (b"GET", b"HEAD"):
                return await self._retrieval.answer(request, now)
            return await self._write(request, now)
        except OriginError as error:
            return self._own.failed(request, error)

    async def _part(self, request: Request, *, is_own: bool) -> Response | Piece:
        """A part of a page, asked for on its visitor's behalf: as themselves, or like any page."""
        now = self._clock()
        if is_own:
            return await self._retrieval.as_visitor(request, "part")
        answer = self.hit(request, now) or await self._retrieval.answer(request, now)
        return ((kept := self.kept(request)) and kept.piece_of(answer)) or answer

    async def _write(self, request: Request, now: float) -> Response:
        """A method that may change something. If it succeeded, what is stored at its address is forgotten."""
        answer = await self._own.ask(request)
        if keys := changed_by(request, answer.status, answer.headers, self._policy):
            self.forget(keys)
            self._tell_changed(keys)
        self._tell_refusal(request, answer.status)
        self._showing.capture.note_form(now, request, answer.status, self._policy.of(request.path, request.query))
        self._metrics.count("tailorbird_cache_requests_total", "status", "method")
        return await self._own.answer(request, answer, now, "fwd=method")

    def _tell_refusal(self, request: Request, status: int) -> None:
        """Logs that the origin refused a form of one of our own pages, where it was asked at another address than the
        browser's: many compare the two, against forgery."""
        ours, asked_at = b"%b://%b" % (request.scheme.encode(), request.host), self._own.asking.asked_at(request)
        if status in _REFUSED and asked_at != ours == request.get(b"origin"):
            where, told = request.path.decode("latin-1"), asked_at.decode("latin-1")
            says = "`%s` answered %d to a form of `%s`, having been asked at `%s`: if it takes that for forgery, %s"
            log.warning(says, where, status, ours.decode("latin-1"), told, "see `keep_host`, and docs/storefronts.md")
