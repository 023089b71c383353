"""The pages of one worker: those in memory, the fetches that bring them, and the marks of those that are not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from proxy.http.message import Request
from proxy.http.target import kept_as, sought
from proxy.httpcache.purge import Purge
from proxy.httpcache.response_cache import MarkedKeys, ResponseCache
from proxy.metrics import Metrics
from proxy.page.page_subject import PageSubject
from proxy.page.slots import DeclaredSlot
from proxy.rulebook.policy import Policy
from proxy.serve.comparing import Comparing
from proxy.serve.fetching import Fetching, FillBehind
from proxy.serve.keeping import Keeping
from proxy.serve.pages import Entry
from proxy.serve.reading import PageReader
from proxy.settings import Settings
from proxy.upstream.asking import Asking


class Kept:
    """What is kept in `memory`, and how it comes there. `declared` returns the slots declared at present, `policy` the
    operator's policy; `learn` is told of pages stored, `miss` of those that are gone. `clock` gives Unix seconds."""

    def __init__(
        self,
        asking: Asking,
        reader: PageReader,
        metrics: Metrics,
        settings: Settings,
        clock: Callable[[], float],
        *,
        declared: Callable[[], Sequence[DeclaredSlot]],
        policy: Callable[[], Policy],
        learn: Callable[[PageSubject, Request], None],
        miss: Callable[[Request], None],
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._policy = policy
        self._comparing = Comparing(settings)
        self.memory = ResponseCache[Entry](settings.cache_bytes)
        self.marks = MarkedKeys()
        self.keeping = Keeping(
            asking, self.memory, self.marks, declared=declared, reader=reader, comparing=self._comparing,
            settings=settings, clock=clock, learn=learn, miss=miss,
        )  # fmt: skip
        self.fetching = Fetching(self.keeping, self.memory, metrics, settings.collapse_wait_ms / 1_000)
        self.fill_behind = FillBehind(self.fetching, self.marks, settings, clock)

    def entry(self, page: Request) -> Entry | None:
        """The stored entry that a request is for, if there is one."""
        return self.memory.get(sought(page, self._policy().of(page.path, page.query)).key, page)

    def judge_anew(self) -> None:
        """Forgets which pages are not to be kept: the operator's policy is another."""
        self.marks.clear()
        self._comparing.forget()

    def forget(self, keys: Collection[bytes]) -> None:
        """Deletes what is stored under these keys."""
        self.fetching.forget(keys)

    async def purge(self, purge: Purge) -> int:
        """Purges, and returns the number of addresses. Requests are served meanwhile."""
        purge = replace(purge, urls=frozenset(kept_as(url, self._policy()) for url in purge.urls))
        count = 0
        for keys in self.fetching.purge(purge, self._clock()):
            count += keys
            await asyncio.sleep(0)
        for _ in self.marks.forget(purge):
            await asyncio.sleep(0)
        self._metrics.count("tailorbird_cache_purged_total", "kind", "soft" if purge.is_soft else "hard", count)
        return count

    async def aclose(self) -> None:
        """Gives up the fetches under way."""
        await self.fetching.aclose()
