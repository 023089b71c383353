"""Warm hits: a page that is stored and fresh is answered without waiting for anything.

This is the full look-up, step by step. For a request whose question may come again, the way it was answered is recorded
for the next ones (`repeat_hits.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.http.message import Request, Response
from proxy.http.target import is_for_the_origin, key_of, sought
from proxy.httpcache.directives import NONE, Directives
from proxy.httpcache.policy import CacheReason, may_reuse
from proxy.httpcache.response_cache import ResponseCache
from proxy.httpcache.stored import cache_control
from proxy.metrics import Metrics
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.compile import Publication
from proxy.rulebook.policy import NO_POLICY
from proxy.serve.pages import Entry
from proxy.serve.pass_through import Give
from proxy.serve.personal import Personal
from proxy.serve.repeat_hits import RepeatHits
from proxy.serve.stored_answers import StoredAnswers
from proxy.settings import Settings


class Warm:
    """Answers from the memory of one worker."""

    def __init__(
        self,
        memory: ResponseCache[Entry],
        personal: Personal,
        stored_answers: StoredAnswers,
        repeat_hits: RepeatHits,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self._memory = memory
        self._personal = personal
        self._stored_answers = stored_answers
        self._repeat_hits = repeat_hits
        self._hits = metrics.tally("tailorbird_cache_requests_total", "status", "hit")
        self._clients_may_refresh = settings.clients_may_refresh
        self._declared: Sequence[DeclaredSlot] = ()
        self._policy = NO_POLICY
        self._may_learn = False

    def publish(self, publication: Publication, declared: Sequence[DeclaredSlot]) -> None:
        """Answers by this publication from now on, with pages that were cut at the slots `declared`."""
        self._declared, self._policy = declared, publication.policy
        self._may_learn = not (publication.is_off or self._clients_may_refresh)
        self._repeat_hits.forget()

    def hit(self, request: Request, now: float) -> Response | None:
        """The answer if it is stored and fresh, and needs neither the store nor the origin; else None."""
        found = self._find_fresh(request, now)
        if found is None:
            return None
        key, entry = found
        answer = self._stored_answers.at_once(entry, request, now)
        if answer is not None:
            self._hits.count += 1
            question = request.question
            if self._may_learn and question is not None:
                self._repeat_hits.learn(question, key, entry)
        return answer

    def begins(self, request: Request, now: float, give: Give) -> bool:
        """True when only the visitor's profile is missing for `hit`, and is now being read: `give` is called once it
        is there."""
        found = self._find_fresh(request, now)
        has_begun = found is not None and self._stored_answers.begins(found[1], request, now, give)
        self._hits.count += has_begun
        return has_begun

    def _find_fresh(self, request: Request, now: float) -> tuple[bytes, Entry] | None:
        """The key and the entry of the stored, fresh answer; None when there is none."""
        if request.method not in (b"GET", b"HEAD"):
            return None
        policy = self._policy.of(request.path, request.query)
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
        """True when the client asks for a newer answer, and is allowed to."""
        wishes = self.wishes(request)
        return wishes is not NONE and may_reuse(entry.stored, now, wishes).reason != CacheReason.FRESH

    def wishes(self, request: Request) -> Directives:
        """The directives of the request's Cache-Control, if clients may send them."""
        return cache_control(request.headers) if self._clients_may_refresh else NONE
