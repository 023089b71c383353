"""What a GET or HEAD is answered with that memory does not answer at once. What is asked of the origin, and as whom:

* a page nobody knows yet, by a visitor whose request says nothing personal: a fetch for everybody (`fetching.py`);
* the same by a visitor with cookies of the shop: the visitor's own request, never stored (`own.py`); when its answer
  looks as if it were for everybody, a fetch for everybody fills the cache behind it;
* what turned out not to be for everybody: the visitor's own request, at once, for as long as its mark lasts;
* a stale page whose origin failed a moment ago: nothing, the stale page is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import floor

from proxy.errors import OriginError
from proxy.http.message import Request, Response
from proxy.http.outgoing import detail, error_page
from proxy.http.target import Sought, sought, why_never_shared
from proxy.httpcache.policy import CacheReason, may_reuse
from proxy.metrics import Metrics
from proxy.model import CacheVerdict
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.policy import NO_POLICY, Policy
from proxy.serve.fetching import StaleFallback
from proxy.serve.kept import Kept
from proxy.serve.own import Own
from proxy.serve.pages import Entry, has_json_slots
from proxy.serve.personal import Personal
from proxy.serve.shared_fetch import Flowing, Outcome, Passed, is_down, let_go, said_of_vain
from proxy.serve.stored_answers import StoredAnswers
from proxy.serve.warm import Warm
from proxy.settings import Settings

_NOT_STORED = CacheVerdict(False, "")
_ONLY_IF_CACHED = OriginError("only what is stored was asked for", reason="only-if-cached", status=504)


class Retrieval:
    """Answers the GETs and HEADs of one worker, from what is `kept` or from the origin."""

    def __init__(
        self,
        kept: Kept,
        personal: Personal,
        warm: Warm,
        stored_answers: StoredAnswers,
        own: Own,
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._memory = kept.memory
        self._marks = kept.marks
        self._keeping = kept.keeping
        self._fetching = kept.fetching
        self._fill_behind = kept.fill_behind
        self._personal = personal
        self._warm = warm
        self._stored_answers = stored_answers
        self._own = own
        self._metrics = metrics
        self._clock = clock
        self._stale_fallback = StaleFallback(settings)
        self._declared: Sequence[DeclaredSlot] = ()
        self._policy = NO_POLICY

    def publish(self, declared: Sequence[DeclaredSlot], policy: Policy) -> None:
        """Answers by these from the next request on."""
        self._declared, self._policy = declared, policy

    async def answer(self, request: Request, now: float) -> Response:
        policy = self._policy.of(request.path, request.query)
        asked = sought(request, policy, is_json=has_json_slots(request.path, self._declared))
        wishes = self._warm.wishes(request)
        if policy is not None and (reason := self._personal.why_own(policy, request.headers)):
            return await self.as_visitor(request, reason)
        entry = self._memory.get(asked.key, request)
        if entry is not None and entry.policy is not policy:
            entry = None  # stored under another policy: as if it were not there
        if reason := why_never_shared(request, wishes, is_stored=entry is not None):
            is_part = reason == "range" and request.method == b"GET"
            return await self.as_visitor(request, reason, fill=asked if is_part else None)
        verdict = may_reuse(entry.stored, now, wishes) if entry else _NOT_STORED
        if entry and verdict:
            if verdict.reason == CacheReason.WHILE_REVALIDATE:
                self._fetching.in_background(asked, entry)
            if (answer := await self._from_memory(asked, entry, request, now)) is not None:
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
            return await self.as_visitor(request, reason)
        # Where the operator says what each cookie is, `why_own` has decided already.
        is_settled = asked.policy is not None and asked.policy.cookies is not None
        is_personal = not is_settled and self._personal.is_personal(request)
        if is_personal and (stale is None or stale.stored.lifetime <= 0):
            return await self.as_visitor(request, "cookies", fill=asked)
        stands_in = stale is not None and self._stale_fallback.must(asked.key, stale, now)
        if stale and stands_in and (answer := await self._from_memory(asked, stale, request, now, status="stale")):
            return answer
        missed = "vary-miss" if self._memory.varying_names(asked.key) else "uri-miss"
        said = f"fwd={('request' if was_refused else 'stale') if stale else missed}"
        is_plain = not is_personal and request.method == b"GET"
        seconds = None if was_refused else self._stale_fallback.wait_seconds(stale, now)
        return await self._for_everybody(asked, request, stale, said, seconds, is_plain=is_plain)

    async def _from_memory(
        self, asked: Sought, entry: Entry, request: Request, now: float, *, said: str = "hit", status: str = "hit"
    ) -> Response | None:
        """The stored page; None when its slots have changed and it has to be fetched again to be cut. `said`: how it
        came to that."""
        if entry.declared is not self._declared:
            if (recut := await self._keeping.recut(asked.key, entry, request)) is None:
                return None
            entry = recut
        self._count(status)
        return await self._given(entry, request, now, f"{said}; ttl={floor(entry.stored.ttl(now))}")

    async def _given(self, entry: Entry, request: Request, now: float, said: str) -> Response:
        """The entry for this visitor; if it has a hole that only the origin can fill, their own request."""
        return await self._stored_answers.answer(entry, request, now, said) or await self.as_visitor(request, "hole")

    async def _for_everybody(
        self, asked: Sought, request: Request, stale: Entry | None, said: str, seconds: float | None, *, is_plain: bool
    ) -> Response:
        """The answer by a shared fetch, new or under way, that is waited for at most `seconds`, None as long as for any
        page; else by a fallback."""
        outcome: Response | Outcome | Flowing | Passed | None
        as_visitor = partial(self.as_visitor, request)
        if self._fetching.is_under_way(asked):
            alone = partial(as_visitor, "collapse-wait") if seconds is None else None
            outcome, status = await self._fetching.join(asked, alone, seconds), "collapsed"
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
            said = said_of_vain(outcome, f"{said}; {status}" if status == "collapsed" else said)
            answer = await self._from_memory(asked, stale, request, now, said=said, status="stale")
            if answer is not None:
                await let_go(outcome)
                return answer
        if isinstance(outcome, OriginError):
            return self._own.failed(request, outcome, is_told=True, said=said)
        if isinstance(outcome, Passed):
            self._count("bypass")
            return await self._own.answer(request, outcome.answer, now, f"{said}; {detail(outcome.reason)}")
        if outcome is None or outcome.status < 500:
            return await as_visitor(outcome.reason if outcome else "collapse-wait")
        answer = await outcome.trial.answer(partial(as_visitor, outcome.reason), self._fetching.wait_seconds)
        return answer or self._own.failed(request, outcome.error, is_told=True, said=said)

    async def as_visitor(self, request: Request, reason: str, *, fill: Sought | None = None) -> Response:
        """The visitor's own request. If its answer looks shareable, a fetch for `fill` follows in the background."""
        answer = await self._own.ask(request)
        if fill is not None:
            self._fill_behind(fill, answer)
        self._count("bypass")
        return await self._own.answer(request, answer, self._clock(), f"fwd=bypass; {detail(reason)}")

    def _count(self, status: str) -> None:
        self._metrics.count("tailorbird_cache_requests_total", "status", status)
