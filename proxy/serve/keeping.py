"""One shared fetch: request the page, decide whether the answer may be shared, store it.

An answer that may not be shared is dropped at its head, and the key is marked so that nobody waits for it again; if the
fetch had all fields of its client, the answer is passed to that client. Pages are read whole and cut; assets are
streamed to the client that asked first while they are stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from proxy.errors import OriginError
from proxy.http.body import read_whole
from proxy.http.message import Request
from proxy.http.target import Sought
from proxy.httpcache.key import Varying, confirmed
from proxy.httpcache.policy import CacheReason, may_store
from proxy.httpcache.ranges import updated_headers
from proxy.httpcache.response_cache import MarkedKeys, ResponseCache
from proxy.httpcache.stored import CacheOptions, StoredResponse, stored_response
from proxy.model import Headers
from proxy.page.differences import differences
from proxy.page.page_subject import PageSubject
from proxy.page.redaction import NotRedacted
from proxy.page.slots import DeclaredSlot
from proxy.page.tokens import ids_in, session_in
from proxy.ports import UpstreamResponse
from proxy.serve.comparing import Comparing
from proxy.serve.negotiation import Negotiation, depends_on_credentials, judged_headers, without_choices
from proxy.serve.pages import DAMAGED, UNREADABLE, Entry, Page, is_cut, is_html, is_page, may_hold
from proxy.serve.reading import PageReader, redacted_head
from proxy.serve.shared_asking import SharedAsking
from proxy.serve.shared_fetch import Failures, Flowing, NotShared, Outcome, Passed, SharedFetch
from proxy.settings import Settings
from proxy.upstream.asking import Asking, is_document
from proxy.upstream.origin import OriginTransport
from proxy.upstream.tee import Tee

log = logging.getLogger("tailorbird.fetching")

OLD = "`%s` lives for %d s, comes %d s old from `%s` and is asked for each time (help: set its clock, as by NTP)"
TOLD_SECONDS = 3_600
SLOW_SECONDS = 10
"""A page that lives no longer may be old because it took so long to come."""
DIFFERS_SECONDS = 3_600
"""How long a page is remembered as one that is new each time: to find out takes two fetches."""

# These say something of the page itself; other errors may be the doing of the one request that met them (an odd field,
# a restart), and are not held against it.
_ABOUT_THE_PAGE = frozenset({401, 403, 404, 410})
_GONE = frozenset({404, 410})


class Keeping:
    """Fills `memory`, and marks keys that may not be shared in `marks`. `declared` returns the slots declared at
    present; `learn` is told what each stored page is about, if all visitors get the same; `miss` is told of pages that
    are gone."""

    def __init__(
        self,
        asking: Asking,
        memory: ResponseCache[Entry],
        marks: MarkedKeys,
        *,
        declared: Callable[[], Sequence[DeclaredSlot]],
        reader: PageReader,
        comparing: Comparing,
        settings: Settings,
        clock: Callable[[], float],
        learn: Callable[[PageSubject, Request], None],
        miss: Callable[[Request], None],
    ) -> None:
        self._asking = asking
        self._negotiation = Negotiation(asking)
        self._memory = memory
        self._marks = marks
        self._declared = declared
        self._comparing = comparing
        self._settings = settings
        self._choices = CacheOptions.of(settings)
        self._clock = clock
        self._reader = reader
        self._told_old: dict[OriginTransport, float] = {}
        self._failures = Failures(settings.origin_down_seconds, clock)
        shared_asking = SharedAsking(asking, self._negotiation, memory, self._choices, clock, self._refusal)
        self._request = shared_asking.ask
        self._learn = learn
        self._miss = miss

    async def run(self, fetch: SharedFetch) -> Outcome:
        """Runs the fetch. Raises `OriginError` when the origin fails."""
        fetch.requested_at = self._clock()
        answer = await self._request(fetch)
        try:
            now, stale = self._clock(), fetch.stale
            if answer.status == 304 and stale is not None:
                return self._confirmed(fetch, stale, answer.headers, now)
            refusal = others = self._refusal(fetch, answer, now)
            if refusal or answer.status in _GONE:
                others, status = await self._plainly(fetch, refusal, answer.status)
                if status in _GONE and not fetch.request.query:
                    self._miss(fetch.request)
            if refusal:
                if fetch.is_led and self._is_all_it_would_get(fetch, answer.status):
                    fetch.passed = Passed(refusal, answer)
                return self._refuse(fetch, refusal, answer.status) if others else NotShared(refusal, answer.status)
            if self._is_cut(fetch, answer.headers):
                return await self._take_page(fetch, answer, now)
            return await self._take_asset(fetch, answer, now)
        finally:
            if fetch.passed is None and not fetch.is_handed_over:
                await answer.aclose()

    async def _plainly(self, fetch: SharedFetch, refusal: str, status: int) -> tuple[str, int]:
        """The word why not, and the status, for who says nothing to choose by. Else whoever is refused for what they
        say, as for an `Origin` that may not ask, could have any page forgotten for all."""
        plain = without_choices(fetch)
        if plain is None or fetch.plainly:
            return fetch.plainly or (refusal, status)
        try:
            answer = await self._request(plain)
        except OriginError:
            return "", 0
        await answer.aclose()
        return self._refusal(plain, answer, self._clock()), answer.status

    async def recut(self, key: bytes, entry: Entry, request: Request) -> Entry | None:
        """The entry cut for the present slots, stored in place of the old one. None: it has to be fetched again."""
        new = await self._reader.recut(entry, request.path, self._declared())
        if new is not None and self._memory.get(key, request) is entry:
            self._memory.put(key, new.varying, new, new.size, new.tags)
        return new

    # -- may it be kept

    def _refusal(self, fetch: SharedFetch, answer: UpstreamResponse, now: float) -> str:
        """The reason why the answer may not be stored; "" when it may."""
        no = self._forbidden(fetch, answer.status, answer.headers, now)
        if no := no or fetch.why_not_replaced(answer.status, now, self._settings.stale_if_error_seconds):
            return no
        if fetch.policy and fetch.policy.holes and not is_page(answer.headers) and is_html(answer.headers):
            return "no-transform"  # its holes could not be filled
        if any(id in value for id in ids_in(fetch.needless) for _, value in answer.headers):
            return "session-id"
        if not answer.is_bounded:
            return "unbounded"  # a cut cannot be told from its end
        most = self._settings.max_page_bytes if self._is_cut(fetch, answer.headers) else self._settings.max_stored_bytes
        length = next((value for name, value in answer.headers if name == b"content-length"), b"")
        return "too-big" if length.isdigit() and int(length) > most else ""

    def _forbidden(self, fetch: SharedFetch, status: int, headers: Headers, now: float) -> str:
        """The reason in the origin's fields; "" when there is none."""
        credentials, judged = self._asking.credentials(fetch.request), judged_headers(fetch.policy, headers)
        verdict = may_store(credentials, status, judged, now, self._choices_of(fetch))
        if verdict and not credentials and depends_on_credentials(judged, fetch.request):
            return CacheReason.AUTHORIZATION
        return "" if verdict else verdict.reason

    def _refuse(self, fetch: SharedFetch, reason: str, status: int, seconds: float = 0) -> NotShared:
        """Marks the key, for `seconds` or as the setting says, unless it is this request's alone, or a stale page's."""
        if reason == DAMAGED and fetch.stale is not None:
            return NotShared(reason, status)
        is_coded = reason in (UNREADABLE, DAMAGED) and not is_document(fetch.request)  # which asks for it uncoded
        if reason != CacheReason.AUTHORIZATION and not is_coded and (status < 400 or status in _ABOUT_THE_PAGE):
            self._memory.discard(fetch.key)
            self._marks.add(fetch.key, reason, until=self._clock() + max(seconds, self._settings.uncacheable_seconds))
        elif status >= 500 and not self._tells_all_of(fetch) and fetch.key not in self._memory:
            self._marks.add(fetch.key, reason, until=self._clock() + self._settings.origin_down_seconds)
        return NotShared(reason, status, self._failures.trial(self._asking.origin_of(fetch.request), status))

    def _tells_all_of(self, fetch: SharedFetch) -> bool:
        return fetch.is_plain and self._asking.tells_all

    def _is_all_it_would_get(self, fetch: SharedFetch, status: int) -> bool:
        """Whether the client's own request would hardly get another answer."""
        origin = self._asking.origin_of(fetch.request)
        return self._tells_all_of(fetch) or (fetch.is_plain and self._failures.are_for_all(origin, status))

    # -- keeping it

    async def _whole(self, answer: UpstreamResponse) -> bytes | None:
        """The answer's body; None when it is larger than a page may be."""
        settings = self._settings
        body = await read_whole(answer, most_bytes=settings.max_page_bytes, most_ms=settings.page_timeout_ms)
        return body if isinstance(body, bytes) else None

    async def _take_page(self, fetch: SharedFetch, answer: UpstreamResponse, now: float) -> Outcome:
        body = await self._whole(answer)
        if body is None:
            return self._refuse(fetch, "too-big", answer.status)
        declared, policy = self._declared(), fetch.policy
        again = fetch.stale.read_again(body, answer.headers, declared, policy) if fetch.stale else None
        page = again or await self._reader.read_to_keep(body, answer.headers, fetch.request.path, declared, policy)
        if not isinstance(page, NotRedacted) and (own := session_in(page.body, fetch.needless)):
            page = NotRedacted("session-id", own)
        if isinstance(page, NotRedacted):
            return self._refuse(fetch, str(page), answer.status)
        stored = self._stored(fetch, answer.status, page.headers, page.body, now)
        said, status = stored.is_explicit, stored.status
        if self._comparing.must_compare(fetch.key, fetch.request.path, policy, is_said=said, status=status):
            if no := await self._differs(fetch, page, status):
                return no
            self._comparing.agreed(fetch.key)
        varying = self._chosen_by(fetch, stored)
        entry = Entry(stored, varying, declared, page.template, policy, fetch.needless, page.body is body)
        return self._keep(fetch, replace(entry, memo_entry=fetch.stale.memo_entry) if again and fetch.stale else entry)

    async def _differs(self, fetch: SharedFetch, page: Page, status: int) -> NotShared | None:
        """The refusal, if a second fetch brings a different page."""
        again = SharedFetch(Sought(fetch.key, fetch.request, fetch.policy), None, is_led=False)
        other = await self._fetch_again(again, status)
        if other is None:
            return NotShared("differs", 200)
        places = await asyncio.to_thread(differences, page.body, other, 1)
        if not places:
            return None
        return self._refuse(fetch, f"differs at {places[0].place}", 200, DIFFERS_SECONDS)

    async def _fetch_again(self, fetch: SharedFetch, status: int) -> bytes | None:
        """The page by a second fetch; None when it brings none of that status that could be stored."""
        try:
            answer = await self._request(fetch)
            try:
                body = await self._whole(answer)
            finally:
                await answer.aclose()
        except OriginError:
            return None
        if body is None or answer.status != status or not self._is_cut(fetch, answer.headers):
            return None
        page = await self._reader.read_to_keep(body, answer.headers, fetch.request.path, self._declared(), fetch.policy)
        return None if isinstance(page, NotRedacted) else page.body

    async def _take_asset(self, fetch: SharedFetch, answer: UpstreamResponse, now: float) -> Outcome:
        tee = Tee(self._settings.max_stored_bytes)
        head = self._stored(fetch, answer.status, answer.headers, b"", now)
        fetch.flowing.set_result(Flowing(head, tee))
        if not fetch.is_led:
            await tee.aclose()
        try:
            async for chunk in answer.body:
                if not tee.feed(chunk):
                    fetch.is_handed_over = True
                    await tee.hand_over(answer)
                    return self._refuse(fetch, "too-big", answer.status)
        except BaseException as error:
            tee.end(error if isinstance(error, OriginError) else OriginError("the fetch was given up", reason="closed"))
            raise
        tee.end()
        whole, ids = tee.whole(), ids_in(fetch.needless)
        if bool(ids) and await asyncio.to_thread(may_hold, whole, answer.headers, ids, self._settings):
            return self._refuse(fetch, "session-id", answer.status)
        stored = self._stored(fetch, answer.status, answer.headers, whole, now)
        return self._keep(fetch, Entry(stored, self._chosen_by(fetch, stored), self._declared(), policy=fetch.policy))

    def _confirmed(self, fetch: SharedFetch, stale: Entry, headers: Headers, now: float) -> Outcome:
        """The stale page, renewed, unless the fields of its 304 forbid that, as by setting a visitor's cookie."""
        old, overrides = stale.stored, fetch.policy.overrides if fetch.policy else None
        said = old.headers if overrides is None else overrides.without_own_field(old.headers, old.status)
        head = updated_headers(said, redacted_head(headers, fetch.policy))
        if overrides is not None:
            head = overrides.stored_headers(head, old.status, now, self._choices)
        if no := self._forbidden(fetch, old.status, head, now):
            return self._refuse(fetch, no, 304)
        stored = self._stored(fetch, old.status, head, old.body, now)
        varying = confirmed(stale.varying, self._chosen_by(fetch, stored))
        return self._keep(fetch, replace(stale, stored=stored, varying=varying))

    def _keep(self, fetch: SharedFetch, entry: Entry) -> Entry:
        if not fetch.is_void:
            self._memory.put(fetch.key, entry.varying, entry, entry.size, entry.tags)
            is_one_for_all = all(name == b"accept-encoding" for name, _ in entry.varying)
            if entry.template and entry.template.about.product_data and is_one_for_all and entry.stored.status == 200:
                self._learn(entry.template.about, fetch.request)
        return entry

    def _stored(self, fetch: SharedFetch, status: int, headers: Headers, body: bytes, now: float) -> StoredResponse:
        stored = stored_response(status, headers, body, fetch.requested_at, now, self._choices_of(fetch))
        if SLOW_SECONDS < stored.lifetime <= stored.initial_age:
            self._tell_old(fetch.request, stored)
        return stored

    def _tell_old(self, page: Request, stored: StoredResponse) -> None:
        """Warns of an origin whose pages are stale when they come, once an hour: each is asked for again and again."""
        origin, now = self._asking.origin_of(page), stored.received_at
        if not 0 <= now - self._told_old.get(origin, 0.0) < TOLD_SECONDS:
            self._told_old[origin] = now
            log.warning(OLD, page.path.decode("latin-1"), stored.lifetime, stored.initial_age, origin.address)

    def _is_cut(self, fetch: SharedFetch, headers: Headers) -> bool:
        return is_cut(headers, fetch.request.path, self._declared())

    def _choices_of(self, fetch: SharedFetch) -> CacheOptions:
        return self._choices if fetch.policy is None else fetch.policy.overrides.with_own_field(self._choices)

    def _chosen_by(self, fetch: SharedFetch, stored: StoredResponse) -> Varying:
        return self._negotiation.chosen_by(fetch, stored, is_cut=self._is_cut(fetch, stored.headers))
