"""Asks the origin for what everybody gets, and asks again where it turns out to choose by what the visitor says.

An origin names what it chooses by (Vary) only in its answer, so the first page of a shop in several languages is
fetched twice: without the visitor's, and with it. Pages beside it are mostly chosen alike, so they are told it from the
start. Where that proves wrong, as where a page is no longer chosen so, it is asked for again without. An answer that
does not name what it was chosen by, as an error or a redirect for whoever says something odd there, is kept for none
but those who say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Set

from proxy.http.message import Request
from proxy.httpcache.ranges import conditions, is_confirmed_by
from proxy.httpcache.response_cache import ResponseCache
from proxy.httpcache.stored import CacheOptions
from proxy.memo import make_room
from proxy.model import Headers
from proxy.ports import UpstreamResponse
from proxy.serve.negotiation import Negotiation, chosen_names, told_cookies
from proxy.serve.pages import Entry
from proxy.serve.shared_fetch import SharedFetch
from proxy.upstream.asking import Asking, is_document

MOST_FOLDERS = 1_000

WhyNot = Callable[[SharedFetch, UpstreamResponse, float], str]
"""Why an answer may not be stored; "" when it may."""


class SharedAsking:
    """Asks for all. `why_not` judges answers; `clock` gives Unix seconds."""

    def __init__(
        self,
        asking: Asking,
        negotiation: Negotiation,
        memory: ResponseCache[Entry],
        options: CacheOptions,
        clock: Callable[[], float],
        why_not: WhyNot,
    ) -> None:
        self._asking = asking
        self._negotiation = negotiation
        self._memory = memory
        self._options = options
        self._clock = clock
        self._why_not = why_not
        self._beside: dict[tuple[bytes, bytes, bool], frozenset[bytes]] = {}

    async def ask(self, fetch: SharedFetch) -> UpstreamResponse:
        """The answer, a 304 only for what is stored. Raises `OriginError`."""
        known, stale = self._memory.varying_names(fetch.key), fetch.stale
        folder = _folder(fetch.request)
        beside = frozenset() if fetch.key in self._memory else self._beside.get(folder, frozenset())
        fields = known | self._asking.untold(fetch.request, beside)
        answer = await self._asked(fetch, fields, () if stale is None else conditions(stale.stored))
        if answer.status == 304 and stale is not None and not is_confirmed_by(stale.stored, answer.headers):
            await answer.aclose()  # RFC 9111 4.3.3: it confirms what is not stored here
            answer = await self._asked(fetch, fields)
        if wrong := self._unnamed(fetch, fields, answer):
            if answer.status < 400 and wrong & beside:
                self._beside[folder] = beside - wrong
            fields = fields - wrong
            await answer.aclose()
            answer = await self._asked(fetch, fields)
        untold = self._negotiation.untold(fetch, answer.headers, fields)
        if untold:
            if not fields and not told_cookies(fetch):
                fetch.plainly = self._why_not(fetch, answer, self._clock()), answer.status
            await answer.aclose()
            answer = await self._asked(fetch, fields | untold)
            make_room(self._beside, MOST_FOLDERS)
            self._beside[folder] = self._beside.get(folder, frozenset()) | untold
        fetch.told = fields | untold
        fetch.unnamed = self._unnamed(fetch, fetch.told, answer)
        return answer

    def _unnamed(self, fetch: SharedFetch, told: Set[bytes], answer: UpstreamResponse) -> Set[bytes]:
        """The fields of the visitor's that the origin was told, and that its answer's Vary does not name. A 304 need
        not say it again."""
        named = told if answer.status == 304 else chosen_names(answer.headers)
        return self._asking.untold(fetch.request, told - named)

    async def _asked(self, fetch: SharedFetch, fields: Set[bytes], asked: Headers = ()) -> UpstreamResponse:
        answer = await self._asking.for_everybody(fetch.request, fields, (*told_cookies(fetch), *asked), fetch.hint)
        if fetch.policy is not None:
            overrides = fetch.policy.overrides
            fetch.needless = overrides.needless_cookies(answer.headers)
            answer.headers = overrides.stored_headers(answer.headers, answer.status, self._clock(), self._options)
        return answer


def _folder(request: Request) -> tuple[bytes, bytes, bool]:
    """What pages beside a page share: host and folder; and whether they are opened as pages."""
    return request.host, request.path.rpartition(b"/")[0], is_document(request)
