"""Warm hits: what is stored and fresh, given without waiting for anything.

A request is looked up step by step: `hit`. When it asks something in words that many use, the way it went is remembered
(`ways.py`), and whoever asks the same goes that way: `again`. Left to look at is what may be another each time: the
moment, what is stored, who asks, and what they agreed to. That takes half the time of all steps.

Its law: `again` gives what `hit` would give, or nothing. Whatever is unusual takes the longer way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.http.message import Own, Question, Request, Response
from proxy.http.outgoing import AT_ONCE_BYTES, assembled_answer
from proxy.http.target import is_for_the_origin, key_of, sought
from proxy.httpcache.directives import NONE, Directives
from proxy.httpcache.memory import Memory
from proxy.httpcache.policy import Why, may_reuse
from proxy.httpcache.stored import cache_control
from proxy.metrics import Metrics
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.compile import Publication
from proxy.rulebook.policy import NO_POLICY
from proxy.serve.accesslog import AccessLog
from proxy.serve.giving import Giving
from proxy.serve.pages import Entry
from proxy.serve.personal import Personal
from proxy.serve.showing import Showing
from proxy.serve.straight import Give
from proxy.serve.ways import Way, Ways
from proxy.settings import Settings
from proxy.visitors.preview import PREVIEWS

_OK = STATUS_LINE[200]


class Warm:
    """Answers of one worker's memory. `clock` gives Unix seconds. What is answered as it is written is noted in
    `accesslog`, which all else gets to later."""

    def __init__(
        self,
        memory: Memory[Entry],
        personal: Personal,
        showing: Showing,
        giving: Giving,
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], float],
        accesslog: AccessLog | None = None,
    ) -> None:
        self._memory = memory
        self._personal = personal
        self._showing = showing
        self._giving = giving
        self._hits = metrics.tally("tailorbird_cache_requests_total", "status", "hit")
        self._clients_may_refresh = settings.clients_may_refresh
        self._clock = clock
        self._note_hit = None if accesslog is None else accesslog.note_hit
        self._declared: Sequence[DeclaredSlot] = ()
        self._policy = NO_POLICY
        self._may_learn = False
        self._ways = Ways()
        self._way_of = self._ways.get

    def publish(self, publication: Publication, declared: Sequence[DeclaredSlot]) -> None:
        """Answers by this publication from now on, with pages that were cut at the slots `declared`."""
        self._declared, self._policy = declared, publication.policy
        self._may_learn = not (publication.is_off or self._clients_may_refresh)
        self._ways.forget()

    def hit(self, request: Request, now: float) -> Response | None:
        """The answer, when it is stored, fresh, and nothing has to be waited for."""
        found = self._at_hand(request, now)
        if found is None:
            return None
        key, entry = found
        answer = self._giving.at_once(entry, request, now)
        if answer is not None:
            self._hits.count += 1
            question = request.question
            if self._may_learn and question is not None and entry.template is not None:
                agreed = self._showing.consents.settled(question.is_private)
                self._ways.learn(question, key, entry, self._showing.asked_by(entry.template), agreed)
        return answer

    def begins(self, request: Request, now: float, give: Give) -> bool:
        """True when nothing but the visitor's profile is missing for `hit` and is being read: `give` is called once,
        later."""
        found = self._at_hand(request, now)
        has_begun = found is not None and self._giving.begins(found[1], request, now, give)
        self._hits.count += has_begun
        return has_begun

    def _at_hand(self, request: Request, now: float) -> tuple[bytes, Entry] | None:
        """What is stored and fresh, and the key it lies under."""
        if request.method not in (b"GET", b"HEAD"):
            return None
        policy = self._policy.of(request.path)
        if policy is not None and self._personal.why_own(policy, request.headers):
            return None
        key = key_of(request) if policy is None else sought(request, policy).key
        entry = self._memory.get(key, request)
        if entry is None or entry.declared is not self._declared or entry.policy is not policy:
            return None
        if now >= entry.fresh_until or is_for_the_origin(request):
            return None
        if self._clients_may_refresh and self._is_refused(entry, request, now):
            return None
        return key, entry

    def _is_refused(self, entry: Entry, request: Request, now: float) -> bool:
        """True when the client wants a newer answer and may say so."""
        wishes = self.wishes(request)
        return wishes is not NONE and may_reuse(entry.stored, now, wishes).reason != Why.FRESH

    def wishes(self, request: Request) -> Directives:
        """What the client says of the answer it wants, where it may."""
        return cache_control(request.headers) if self._clients_may_refresh else NONE

    # -- asked again in the same words

    def again(self, question: Question, own: Own, client: str) -> bytes | Response | None:
        """The answer for one more who asks the same, mostly as it is written; None when it has to be looked up."""
        way_of, clock = self._way_of, self._clock
        way = way_of(question)
        if way is None:
            return None
        entry, now = way.entry, clock()
        if now >= entry.fresh_until or self._memory.only(way.key) is not entry:
            return None
        page = self._showing.show_again(way, question, own, client, now)
        if page is None:
            return self._newly(way, question, own, client, now)
        self._hits.count += 1
        lead = way.lead.of_hit(int(entry.fresh_until - now))
        if b"if-none-match" in own or page.length > AT_ONCE_BYTES:
            return assembled_answer(200, lead, page, question.request(own, client))
        if self._note_hit is not None:
            self._note_hit(now, question, own, client, lead, page.length)
        return b"".join((_OK, lead, page.lines, b"\r\n", *page.chunks))

    def _newly(self, way: Way, question: Question, own: Own, client: str, now: float) -> bytes | Response | None:
        """The same for somebody whose cookies were not verified before, or who gets theirs with this page."""
        if PREVIEWS in own.get(b"cookie", b""):
            return None
        request = question.request(own, client)
        met = self._showing.meet(way.template, request, now)
        if met is None:
            return None
        self._hits.count += 1
        page = self._showing.show(way.template, request, met, now, question.coding, way.recalled)
        lead = way.lead.of_hit(int(way.entry.fresh_until - now))
        answer = assembled_answer(200, lead, page, request, met.set_cookie)
        if answer.status != 200 or page.length > AT_ONCE_BYTES:
            return answer
        if self._note_hit is not None:
            self._note_hit(now, question, own, client, lead, page.length)
        return b"".join((_OK, answer.lead, b"\r\n", *answer.chunks))
