"""Warm hits: a stored, fresh page is answered without waiting for anything.

The request is looked up step by step. If it asks in words that many use, how it was answered is remembered for the next
(`again.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.http.message import Request, Response
from proxy.http.target import is_for_the_origin, key_of, sought
from proxy.httpcache.directives import NONE, Directives
from proxy.httpcache.memory import Memory
from proxy.httpcache.policy import Why, may_reuse
from proxy.httpcache.stored import cache_control
from proxy.metrics import Metrics
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.compile import Publication
from proxy.rulebook.policy import NO_POLICY
from proxy.serve.again import Again
from proxy.serve.pages import Entry
from proxy.serve.personal import Personal
from proxy.serve.stored_answers import StoredAnswers
from proxy.serve.straight import Give
from proxy.settings import Settings


class Warm:
    """Answers from the memory of one worker."""

    def __init__(
        self,
        memory: Memory[Entry],
        personal: Personal,
        stored_answers: StoredAnswers,
        again: Again,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self._memory = memory
        self._personal = personal
        self._stored_answers = stored_answers
        self._again = again
        self._hits = metrics.tally("tailorbird_cache_requests_total", "status", "hit")
        self._clients_may_refresh = settings.clients_may_refresh
        self._declared: Sequence[DeclaredSlot] = ()
        self._policy = NO_POLICY
        self._may_learn = False

    def publish(self, publication: Publication, declared: Sequence[DeclaredSlot]) -> None:
        """Answers by this publication from now on, with pages that were cut at the slots `declared`."""
        self._declared, self._policy = declared, publication.policy
        self._may_learn = not (publication.is_off or self._clients_may_refresh)
        self._again.forget()

    def hit(self, request: Request, now: float) -> Response | None:
        """The answer, when it is stored, fresh, and nothing has to be waited for."""
        found = self._at_hand(request, now)
        if found is None:
            return None
        key, entry = found
        answer = self._stored_answers.at_once(entry, request, now)
        if answer is not None:
            self._hits.count += 1
            question = request.question
            if self._may_learn and question is not None:
                self._again.learn(question, key, entry)
        return answer

    def begins(self, request: Request, now: float, give: Give) -> bool:
        """True when nothing but the visitor's profile is missing for `hit` and is being read: `give` is called once,
        later."""
        found = self._at_hand(request, now)
        has_begun = found is not None and self._stored_answers.begins(found[1], request, now, give)
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
