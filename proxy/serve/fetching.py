"""Shared fetches (request coalescing): one at a time for each key; the other requests wait, or are shown a stale page.

A fetch is a task of its own. The client whose request started it may leave: the fetch goes on, fills the cache and
answers those who wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator

from proxy.errors import OriginError
from proxy.http.message import Response
from proxy.http.target import Sought
from proxy.httpcache.key import Varying, matches, varying
from proxy.httpcache.policy import may_serve_on_error, may_store
from proxy.httpcache.purge import Purge
from proxy.httpcache.ranges import whole_length
from proxy.httpcache.response_cache import MarkedKeys, ResponseCache
from proxy.httpcache.stored import CacheOptions
from proxy.metrics import Metrics
from proxy.ports import UpstreamResponse
from proxy.processes.ticks import SLACK_SECONDS
from proxy.serve.keeping import Keeping
from proxy.serve.negotiation import depends_on_credentials
from proxy.serve.pages import Entry
from proxy.serve.shared_fetch import Ask, Flowing, NotShared, Outcome, Passed, SharedFetch, tell_failure
from proxy.settings import Settings
from proxy.upstream.limiter import SHARE

log = logging.getLogger("tailorbird.fetching")

Slot = tuple[bytes, Varying]
"""Identifies requests that get the same answer, by what is known of the key so far."""


class Fetching:
    """Runs shared fetches. A client waits at most `wait_seconds` for another's."""

    def __init__(self, keeping: Keeping, memory: ResponseCache[Entry], metrics: Metrics, wait_seconds: float) -> None:
        self._keeping = keeping
        self._memory = memory
        self._metrics = metrics
        self.wait_seconds = wait_seconds
        metrics.gauge("tailorbird_cache_bytes", lambda: memory.used_bytes)
        metrics.gauge("tailorbird_cache_limit_bytes", lambda: memory.max_bytes)
        metrics.gauge("tailorbird_cache_addresses", lambda: memory.key_count)
        memory.evicted = metrics.tally("tailorbird_cache_evicted_total")
        self._under_way: dict[Slot, tuple[SharedFetch, asyncio.Task[Outcome]]] = {}
        self._tasks: set[asyncio.Task[Outcome]] = set()

    def is_under_way(self, sought: Sought) -> bool:
        """True when there is a fetch this request could wait for."""
        return self._slot(sought) in self._under_way

    async def lead(
        self, sought: Sought, stale: Entry | None, seconds: float | None = None, *, is_plain: bool
    ) -> Outcome | Flowing | Passed | None:
        """Starts a fetch and waits for its outcome. An asset is handed over as it comes; so is an answer that may
        not be shared, to one whose own request, being `is_plain`, would get nothing better. None: it takes longer than
        `seconds`, and goes on by itself."""
        fetch, task = self._start(sought, SharedFetch(sought, stale, is_led=True, is_plain=is_plain))
        try:
            # `wait` cancels nothing when this request's client goes away.
            done, _ = await asyncio.wait((task, fetch.flowing), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await fetch.leader_left()
            raise
        if not done:
            await fetch.leader_left()
            return None
        return fetch.flowing.result() if fetch.flowing.done() else fetch.passed or task.result()

    async def join(
        self, sought: Sought, alone: Ask | None = None, seconds: float | None = None
    ) -> Response | Outcome | Flowing | Passed | None:
        """The outcome of the fetch under way, or of the next, where this one was refused to an address that asks for
        too much; or, if it takes long, the visitor's own answer, by `alone`. None: it took too long, more than
        `seconds` for one, or its answer varies by fields in which this request differs."""
        fetch, task = self._under_way[self._slot(sought)]
        most = self.wait_seconds if seconds is None else min(seconds, self.wait_seconds)
        await asyncio.wait((task,), timeout=most)
        if alone is not None and (answer := await fetch.patience.answer(alone, task)) is not None:
            return answer
        outcome = task.result() if task.done() else None
        if isinstance(outcome, OriginError) and outcome.reason == SHARE:
            if self.is_under_way(sought):
                return await self.join(sought, alone, seconds)
            return await self.lead(sought, None, is_plain=False)
        is_for_others = isinstance(outcome, Entry) and not matches(outcome.varying, sought.shared.headers)
        return None if is_for_others else outcome

    def in_background(self, sought: Sought, stale: Entry | None) -> None:
        """Starts a fetch unless there is one; nobody waits."""
        if not self.is_under_way(sought):
            self._start(sought, SharedFetch(sought, stale, is_led=False))

    def forget(self, keys: Collection[bytes]) -> None:
        """Deletes what is stored under these keys. A fetch under way may be out of date too, so its answer is not
        kept."""
        for key in keys:
            self._memory.discard(key)
        self._void([slot for slot in self._under_way if slot[0] in keys])

    def purge(self, purge: Purge, now: float) -> Iterator[int]:
        """Deletes what the purge covers, or makes it stale, step by step; yields how many keys each step was. Answers
        of fetches under way that may be covered are not kept: their tags are not known yet."""
        self._void([slot for slot in self._under_way if purge.tags or purge.covers(slot[0])])
        for keys in self._memory.keys_covered(purge):
            for key in keys:
                if purge.is_soft:
                    self._memory.replace_entries(key, lambda entry: entry.expired(now))
                else:
                    self._memory.discard(key)
            yield len(keys)

    def _void(self, slots: Iterable[Slot]) -> None:
        for slot in slots:
            fetch, _ = self._under_way.pop(slot)
            fetch.is_void = True

    async def aclose(self) -> None:
        """Gives up the fetches under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _slot(self, sought: Sought) -> Slot:
        # Nobody waits for an answer to somebody else's credentials.
        names = self._memory.varying_names(sought.key) | {b"authorization"}
        if sought.policy and sought.policy.cookies:
            names |= sought.policy.cookies.varying_names
        return sought.key, varying(names, sought.shared.headers)

    def _start(self, sought: Sought, fetch: SharedFetch) -> tuple[SharedFetch, asyncio.Task[Outcome]]:
        slot = self._slot(sought)
        task = asyncio.create_task(self._run(slot, fetch))
        self._under_way[slot] = fetch, task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return fetch, task

    async def _run(self, slot: Slot, fetch: SharedFetch) -> Outcome:
        try:
            outcome = await self._keeping.run(fetch)
            if isinstance(outcome, NotShared):
                self._note(fetch, outcome)
            return outcome
        except OriginError as error:
            tell_failure(self._metrics, fetch.request.path, error)
            return error
        finally:
            if self._under_way.get(slot, (None,))[0] is fetch:
                del self._under_way[slot]

    def _note(self, fetch: SharedFetch, outcome: NotShared) -> None:
        log.info("`%s` is not kept: %s", fetch.request.path.decode("latin-1"), outcome.reason)
        self._metrics.count("tailorbird_pages_not_kept_total", "reason", outcome.reason.partition(" ")[0])


class StaleFallback:
    """Stale pages shown instead of new ones, while an origin is down or too slow (RFC 5861): only for as long as the
    origin or the operator allows, and if nothing in them forbids it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failed = MarkedKeys()
        self._failed_at = 0.0

    def may(self, stale: Entry | None, now: float) -> bool:
        """Whether the stored page, if any, may be shown when no new one can be had."""
        most = self._settings.stale_if_error_seconds
        return stale is not None and bool(may_serve_on_error(stale.stored, now, default_seconds=most))

    def failed(self, key: bytes, now: float) -> None:
        """Notes that the origin failed for this key: for a while it is not asked again."""
        self._failed_at = now
        self._failed.add(key, "origin-down", until=now + self._settings.origin_down_seconds)

    def must(self, key: bytes, stale: Entry, now: float) -> bool:
        """True during that while, which ends when the clock is set back."""
        if now < self._failed_at - SLACK_SECONDS:
            self._failed.clear()
        return self._failed.reason(key, now) is not None and self.may(stale, now)

    def wait_seconds(self, stale: Entry | None, now: float) -> float | None:
        """How long to wait for a new page before the stale one is shown; None: without limit. A page without a lifetime
        is always validated, however slow the origin is."""
        wait = self._settings.stale_wait_ms / 1_000
        return wait if wait and stale and stale.stored.lifetime > 0 and self.may(stale, now) else None


# -- Filling the cache behind a visitor's own request: when its answer looks as if everybody would get the same, that is
# fetched for everybody, in the background.
# The answer itself is never stored: it was given to one visitor. Nor is a part of an asset; but players of video and
# readers of documents may ask for nothing but parts, so the whole is fetched once, if it may be kept.


class FillBehind:
    """Starts a shared fetch for what was asked, if the `answer` to the visitor's own request looks shareable and the
    key is not known to be otherwise."""

    def __init__(self, fetching: Fetching, marks: MarkedKeys, settings: Settings, clock: Callable[[], float]) -> None:
        self._fetching = fetching
        self._marks = marks
        self._choices = CacheOptions.of(settings)
        self._most_bytes = settings.max_stored_bytes
        self._clock = clock

    def __call__(self, asked: Sought, answer: UpstreamResponse) -> None:
        now = self._clock()
        if self._marks.reason(asked.key, now) is None and self._seems_for_all(asked, answer, now):
            self._fetching.in_background(asked, None)

    def _seems_for_all(self, asked: Sought, answer: UpstreamResponse, now: float) -> bool:
        status, headers, choices = answer.status, answer.headers, self._choices
        if status == 206:
            length = whole_length(headers)
            if length is None or length > self._most_bytes:
                return False
            status = 200
        if asked.policy is not None:
            overrides = asked.policy.overrides
            headers = overrides.without_vary_cookie(overrides.stored_headers(headers, status, now, choices))
            choices = overrides.with_own_field(choices)
        is_kept = bool(may_store((), status, headers, now, choices))
        return is_kept and not depends_on_credentials(headers, asked.shared)
