"""A visitor's own page that is passed on while it comes: up to the first place that filling may change, then, once it
is whole, the rest. So a browser fetches styles, fonts and pictures while the origin still makes the page.

Its law: the body is byte for byte what it would be had the page been read whole first, or it breaks off. The head is
that of a page with slots, so a page is begun only where that takes nothing from one that turns out to have none.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable, Iterator, Sequence

from proxy.errors import Fault, OriginError
from proxy.http.message import Request, Response
from proxy.http.outgoing import forbids_storing, personal_head
from proxy.httpcache.coding import GzipPieces, accepts_gzip
from proxy.metrics import Metrics
from proxy.model import Headers
from proxy.page.beginning import Beginning, Bounds
from proxy.page.piece import Piece
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.ports import UpstreamResponse
from proxy.rulebook.policy import PagePolicy
from proxy.serve.pages import coding_of
from proxy.serve.reading import PageReader
from proxy.serve.showing import Who
from proxy.serve.showing_as import Shows
from proxy.settings import Settings
from proxy.upstream.asking import is_document
from proxy.upstream.exchange import Exchange

log = logging.getLogger("tailorbird.begun")

BEGIN_SECONDS = 0.02
"""A page that is whole by then is answered whole: with its length, and with a tag to ask by next time."""
NO_SLOTS = Template((), (Piece(b""),), ())
"""A page of which nothing was read."""


class BegunPages:
    """Finds the pages whose beginning may be passed on. `declared` returns the slots declared at present, `policy_of`
    the operator's policy for a page."""

    def __init__(
        self,
        showing: Shows,
        declared: Callable[[], Sequence[DeclaredSlot]],
        policy_of: Callable[[Request], PagePolicy | None],
        reader: PageReader,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self.showing = showing
        self._declared = declared
        self._policy_of = policy_of
        self.reader = reader
        self.metrics = metrics
        self.streams = metrics.tally("tailorbird_requests_total", "result", "bypass")
        self.most_bytes = settings.max_page_bytes
        self.seconds = settings.page_timeout_ms / 1_000

    def of(self, request: Request, answer: UpstreamResponse, now: float) -> BegunPage | None:
        """The page, if its beginning may be passed on; None if it has to be whole first.

        One that is not known to have slots is begun only if it says `no-store`, for then no browser misses the tag and
        the lifetime that its head lacks. With it a newcomer gets the cookie, as with their first page with slots, but
        not with what a script asks for."""
        is_coming = isinstance(answer.body, Exchange) and not answer.body.is_over
        if not is_coming or answer.status != 200 or request.method != b"GET" or request.depth:
            return None
        declared, policy = self._declared(), self._policy_of(request)
        found = self.reader.bounds_of(answer.headers, request.path, declared, policy)
        if found is None or request.get(b"if-none-match") is not None:
            return None
        if (who := self.showing.recognise(NO_SLOTS, request, now)) is None:
            return None
        may_have_none = forbids_storing(answer.headers) and (who.set_cookie is None or is_document(request))
        bounds, has_slots = found
        if not (has_slots or may_have_none):
            return None
        return BegunPage(self, request, answer, bounds, who, now, declared, policy)


class BegunPage:
    """One page, read once by iterating. `aclose` lets go of the origin's answer."""

    def __init__(
        self,
        pages: BegunPages,
        request: Request,
        answer: UpstreamResponse,
        bounds: Bounds,
        who: Who,
        now: float,
        declared: Sequence[DeclaredSlot],
        policy: PagePolicy | None,
    ) -> None:
        self._pages, self._request, self._answer = pages, request, answer
        self._beginning = Beginning(bounds)
        self._who, self._now, self._declared, self._policy = who, now, declared, policy
        is_coded = bool(coding_of(answer.headers))
        self._gzip = GzipPieces() if is_coded else None
        takes_gzip = is_coded and accepts_gzip(request.get_list(b"accept-encoding"))
        self._coder = zlib.compressobj(1, zlib.DEFLATED, 31) if takes_gzip else None  # not more than the origin did
        self._deadline: float | None = asyncio.get_running_loop().time() + pages.seconds
        self._came: list[bytes] = []
        self._came_bytes = 0
        self._pieces: Iterator[bytes] = iter(())
        self._page = bytearray()
        self._sent = 0
        self._is_too_big = self._is_over = False

    async def is_late(self) -> bool:
        """Waits a moment for the rest; False when it is there, or failed."""
        late: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def tell(is_late: bool) -> None:
            if not late.done():
                late.set_result(is_late)

        assert isinstance(self._answer.body, Exchange)
        self._answer.body.when_whole(self._pages.most_bytes, BEGIN_SECONDS, lambda _: tell(False), lambda: tell(True))
        try:
            return await late
        except BaseException:
            await self.aclose()
            raise

    def response(self, headers: Headers) -> Response:
        """The answer; `headers` are the origin's fields as they are passed on."""
        coding = ((b"content-encoding", b"gzip"),) if self._coder else ()
        cookie = ((b"set-cookie", self._who.set_cookie),) if self._who.set_cookie is not None else ()
        return Response(200, (*personal_head(headers), *coding, *cookie), stream=self)

    def __aiter__(self) -> BegunPage:
        return self

    async def __anext__(self) -> bytes:
        while not self._is_over:
            piece = await self._next()
            if piece is None:
                self._is_over = True
                out = await self._rest()
            else:
                out = piece if self._is_too_big else self._begun(piece)
            if self._coder is not None:
                out = await self._coded(self._coder, out)
            if out:
                return out
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """As for every stream of ours."""
        await self._answer.aclose()

    async def _next(self) -> bytes | None:
        """The next piece, decoded; None at the end. Raises `OriginError`."""
        while (piece := next(self._pieces, None)) is None:
            try:
                async with asyncio.timeout_at(self._deadline):
                    came = await anext(self._answer.body, None)
            except TimeoutError as error:
                raise OriginError("the origin took too long over a page", reason="timeout", status=504) from error
            if came is None:
                return None
            if not self._is_too_big:
                self._came.append(came)
                self._came_bytes += len(came)
            self._pieces = iter((came,)) if self._gzip is None else self._gzip.of(came)
        return piece

    def _begun(self, piece: bytes) -> bytes:
        """What may be sent now that this piece is there."""
        self._page += piece
        self._beginning.look_on(self._page)
        end = self._beginning.end
        if max(len(self._page), self._came_bytes) > self._pages.most_bytes:
            self._pages.metrics.count("tailorbird_page_passthrough_total", "reason", "too-big")
            self._pages.streams.count += 1
            self._is_too_big, self._deadline, end = True, None, len(self._page)
        out, self._sent = bytes(memoryview(self._page)[self._sent : end]), end
        if self._is_too_big:
            self._came, self._page = [], bytearray()
        return out

    async def _rest(self) -> bytes:
        """What follows the beginning, filled. Raises `OriginError`."""
        if self._gzip is not None and not self._gzip.is_whole:
            raise OriginError("the page's gzip breaks off", reason="malformed")
        if self._is_too_big:
            return b""
        page = await self._filled()
        if page[: self._sent] != self._page[: self._sent]:
            log.error("filling changed the beginning of `%s`", self._request.path.decode("latin-1"))
            raise Fault
        return page[self._sent :]

    async def _filled(self) -> bytes:
        pages, request, now = self._pages, self._request, self._now
        body, headers = b"".join(self._came), self._answer.headers
        page = await pages.reader.read(body, headers, request.path, self._declared, self._policy)
        template, who = page.template, self._who
        if template is None or not template.slots:
            pages.streams.count += 1
            if template is not None:
                pages.showing.passed(template, request, now)
            return bytes(self._page)
        if who.visitor.id and not who.is_new:
            who = await pages.showing.recognise_waiting(template, request, now)
        return b"".join(pages.showing.show(template, request, who, now, "identity").page.chunks)

    async def _coded(self, coder: zlib._Compress, out: bytes) -> bytes:
        """In gzip; flushed, for what is not sent now waits for the origin."""
        if self._is_over:
            return await asyncio.to_thread(lambda: coder.compress(out) + coder.flush())
        return coder.compress(out) + coder.flush(zlib.Z_SYNC_FLUSH) if out else b""
