"""One fetch for everybody: ask, see whether the answer may be shared, keep it.

What may not be shared is let go at its head, and the key is marked so that nobody waits for it again; unless it was
asked for with all that the client said: then it is that client's. Pages are read whole and cut; assets flow to the
client that asked first while they are being kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from proxy.errors import OriginError
from proxy.httpcache.key import Varying, vary_names, varying
from proxy.httpcache.memory import Marks, Memory
from proxy.httpcache.policy import Why, may_store
from proxy.httpcache.stored import Choices, StoredResponse, store
from proxy.httpcache.validators import conditions, confirms, refreshed
from proxy.model import Headers
from proxy.page.slots import DeclaredSlot
from proxy.ports import UpstreamResponse
from proxy.serve.asking import Asking, shared_accept_encoding
from proxy.serve.message import Request
from proxy.serve.pages import Entry, PageReader, is_page
from proxy.serve.tee import Tee
from proxy.settings import Settings

# We send these ourselves, the same for every request with that key: they cannot tell answers apart.
_SAME_FOR_ALL = frozenset({b"host", b"via", b"forwarded", b"x-forwarded-host", b"x-forwarded-proto"})
_NEVER_SENT = frozenset({b"cookie", b"authorization"})
# These say something of the page itself; other errors may be the doing of the one request that met them (an odd field,
# a restart), and are not held against it.
_ABOUT_THE_PAGE = frozenset({401, 403, 404, 410})


@dataclass(frozen=True, slots=True)
class NotShared:
    """The answer may not be given to everybody and was let go. `reason` is one word, `status` the origin's."""

    reason: str
    status: int


@dataclass(frozen=True, slots=True)
class Flowing:
    """An asset that is still coming: its head, and its body to be read once, by the client that asked first."""

    head: StoredResponse
    body: Tee


@dataclass(frozen=True, slots=True)
class Passed:
    """The answer may not be given to everybody, but its leader asked for it: whoever gets this closes it."""

    reason: str
    answer: UpstreamResponse


Outcome = Entry | NotShared | OriginError


class Errand:
    """One fetch under way for `key`, on behalf of `request`. `stale` is what it may confirm. `flowing` is resolved
    for its leader when there is one, `passed` is for that leader too; `takes_any` says that nothing but its own answer
    would do as well. `is_void` when the key was forgotten meanwhile."""

    def __init__(
        self, key: bytes, request: Request, stale: Entry | None, *, is_led: bool, takes_any: bool = False
    ) -> None:
        self.key = key
        self.request = request
        self.stale = stale
        self.is_led = is_led
        self.takes_any = takes_any
        self.is_void = False
        self.passed: Passed | None = None
        self.flowing: asyncio.Future[Flowing] = asyncio.get_running_loop().create_future()

    async def leader_left(self) -> None:
        """Its client went away: a body too large to keep, or not to be kept, is not wanted any more."""
        self.is_led = False
        if self.flowing.done():
            await self.flowing.result().body.aclose()
        if self.passed is not None:
            await self.passed.answer.aclose()


class Keeping:
    """Fills `memory`, and marks in `marks` what may not be shared. `declared` gives the slots declared at present."""

    def __init__(
        self,
        asking: Asking,
        memory: Memory[Entry],
        marks: Marks,
        declared: Callable[[], Sequence[DeclaredSlot]],
        reader: PageReader,
        settings: Settings,
        clock: Callable[[], float],
    ) -> None:
        self._asking = asking
        self._memory = memory
        self._marks = marks
        self._declared = declared
        self._settings = settings
        self._choices = Choices.of(settings)
        self._clock = clock
        self._reader = reader

    async def bring(self, errand: Errand) -> Outcome:
        """Runs the errand. Raises `OriginError` when the origin fails."""
        requested_at = self._clock()
        answer = await self._ask(errand)
        try:
            now = self._clock()
            stale = errand.stale
            if answer.status == 304 and stale is not None and confirms(stale.stored, answer.headers):
                return self._confirmed(errand, stale, answer.headers, requested_at, now)
            if refusal := self._refusal(errand, answer, now):
                if errand.is_led and errand.takes_any:
                    errand.passed = Passed(refusal, answer)
                return self._refuse(errand, refusal, answer.status)
            if is_page(answer.headers):
                return await self._take_page(errand, answer, requested_at, now)
            return await self._take_asset(errand, answer, requested_at, now)
        finally:
            if errand.passed is None:
                await answer.aclose()

    async def _ask(self, errand: Errand) -> UpstreamResponse:
        request, fields = errand.request, self._memory.names(errand.key)
        asked = () if errand.stale is None else conditions(errand.stale.stored)
        answer = await self._asking.for_everybody(request, fields, asked)
        untold = self._asking.untold(request, vary_names(answer.headers) - fields - _SAME_FOR_ALL)
        if not untold:
            return answer
        # The origin chooses by fields the visitor sent and we did not pass on, Accept-Language for one.
        await answer.aclose()
        return await self._asking.for_everybody(request, fields | untold)

    # -- may it be kept

    def _refusal(self, errand: Errand, answer: UpstreamResponse, now: float) -> str:
        """The word why not; "" when it may."""
        credentials = self._asking.credentials(errand.request)
        verdict = may_store(b"GET", credentials, answer.status, answer.headers, now, self._choices)
        if not verdict:
            return verdict.reason
        if not answer.is_bounded:
            return "unbounded"  # a cut cannot be told from its end
        most = self._settings.max_page_bytes if is_page(answer.headers) else self._settings.max_stored_bytes
        return "too-big" if _length(answer.headers) > most else ""

    def _refuse(self, errand: Errand, reason: str, status: int) -> NotShared:
        """Marks the key, unless this says nothing of what others would get."""
        if reason != Why.AUTHORIZATION and (status < 400 or status in _ABOUT_THE_PAGE):
            self._memory.discard(errand.key)
            self._marks.put(errand.key, reason, until=self._clock() + self._settings.uncacheable_seconds)
        return NotShared(reason, status)

    # -- keeping it

    async def _take_page(self, errand: Errand, answer: UpstreamResponse, requested_at: float, now: float) -> Outcome:
        body = bytearray()
        async for chunk in answer.body:
            body += chunk
            if len(body) > self._settings.max_page_bytes:
                return self._refuse(errand, "too-big", answer.status)
        declared = self._declared()
        page = await self._reader.read(bytes(body), answer.headers, errand.request.path, declared, is_kept=True)
        stored = self._stored(answer.status, page.headers, page.body, requested_at, now)
        return self._keep(errand, Entry(stored, self._chosen_by(errand.request, stored), declared, page.template))

    async def _take_asset(self, errand: Errand, answer: UpstreamResponse, requested_at: float, now: float) -> Outcome:
        tee = Tee(self._settings.max_stored_bytes)
        errand.flowing.set_result(Flowing(self._stored(answer.status, answer.headers, b"", requested_at, now), tee))
        if not errand.is_led:
            await tee.aclose()
        try:
            async for chunk in answer.body:
                if not await tee.feed(chunk):
                    break
        except BaseException as error:
            tee.end(error if isinstance(error, OriginError) else OriginError("the fetch was given up", reason="closed"))
            raise
        tee.end()
        body = tee.whole()
        if body is None:
            return self._refuse(errand, "too-big", answer.status)
        stored = self._stored(answer.status, answer.headers, body, requested_at, now)
        return self._keep(errand, Entry(stored, self._chosen_by(errand.request, stored), self._declared()))

    def _confirmed(self, errand: Errand, stale: Entry, headers: Headers, requested_at: float, now: float) -> Entry:
        stored = refreshed(stale.stored, headers, requested_at, now, self._choices)
        return self._keep(errand, replace(stale, stored=stored))

    def _keep(self, errand: Errand, entry: Entry) -> Entry:
        if not errand.is_void:
            self._memory.put(errand.key, entry.varying, entry, entry.size, entry.tags)
        return entry

    def _stored(
        self, status: int, headers: Headers, body: bytes, requested_at: float, received_at: float
    ) -> StoredResponse:
        return store(status, headers, body, requested_at, received_at, self._choices)

    def _chosen_by(self, request: Request, stored: StoredResponse) -> Varying:
        """The fields the answer was chosen by, as we sent them. An uncoded page is coded by us as anybody wants it, so
        Accept-Encoding does not tell it apart; what came coded is only for who takes that coding."""
        names = vary_names(stored.headers) - _SAME_FOR_ALL
        if stored.get(b"content-encoding") is not None:
            names |= {b"accept-encoding"}
        elif is_page(stored.headers):
            names -= {b"accept-encoding"}
        unsent = _NEVER_SENT | {b"accept-encoding"}
        sent = tuple(field for field in request.headers if field[0] not in unsent)
        coding = (b"accept-encoding", shared_accept_encoding(request))
        return varying(names, (*sent, *self._asking.credentials(request), coding))


def _length(headers: Headers) -> int:
    value = next((value for name, value in headers if name == b"content-length"), b"")
    return int(value) if value.isdigit() else 0
