"""Answering previews: a page as the visitor's own request brings it, or JSON that has slots, filled by a draft for a
persona and with the story of every slot; and what a page or a CDN asks of us besides, slots without their page and
lists. Nothing of it is stored, counted or recorded: it has metrics of its own, which nobody reads.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from proxy.catalogue.shop import Shop
from proxy.diagnostics import mistakes_text
from proxy.errors import OperatorError, OriginError
from proxy.http.message import Request, Response, in_words
from proxy.metrics import Metrics
from proxy.rulebook.compile import Loaded
from proxy.serve.api import API, api_routes, handler_at
from proxy.serve.hole_filling import HoleFilling
from proxy.serve.overlay import explained
from proxy.serve.own import Own
from proxy.serve.pages import Entry, has_json_slots
from proxy.serve.parts import Parts
from proxy.serve.reading import PageReader
from proxy.serve.showing_as import OVERLAY, ProfileOf, ShowingAs
from proxy.settings import Settings
from proxy.upstream.asking import Asking, is_document
from proxy.visitors.places import told_by_requests
from proxy.visitors.preview import NEVER_KEPT, Preview, Tokens

STYLESHEET = (Path(__file__).parent / "static" / "preview.css").read_bytes()
_REPLACED = frozenset(b"cache-control expires etag last-modified age x-robots-tag".split())
# Else the browser would be told that the page it has, which is no preview, will do.
_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since"})
# What a page's own scripts send while it is looked at; to be counted, it would have to be a visitor who looks.
_COUNTED = (b"/_tb/v1/", b"/_tb/g/")
BY_A_SCRIPT = b"empty"
"""What `Sec-Fetch-Dest` says of it."""

DraftOf = Callable[[str], Awaitable[Loaded]]


class Previewing:
    """`draft_of` gives the state of the rules that a token names, `profile_of` the profile of a visitor, `kept` the
    page that a request is for, where it is kept; `shop` is what products are recommended from, None for the draft's own
    catalogue."""

    def __init__(
        self,
        tokens: Tokens,
        asking: Asking,
        draft_of: DraftOf,
        profile_of: ProfileOf,
        kept: Callable[[Request], Entry | None],
        settings: Settings,
        shop: Shop | None = None,
    ) -> None:
        self._shop = shop
        self._tokens = tokens
        self.concerns, self.is_in = tokens.concerns, tokens.is_in
        self._asking = asking
        self._draft_of = draft_of
        self._profile_of = profile_of
        self._kept = kept
        self._settings = settings
        self._told = told_by_requests(settings)

    async def answer(self, request: Request, now: float) -> Response | None:
        """The answer to a preview link, or to a page within a preview; None for any other request, which is answered as
        usual, `without_token`."""
        if self._tokens.is_opened(request):
            return self._tokens.opened(request, now)
        preview = self._tokens.preview_in(request, now)
        if preview is None:
            return None
        if request.path.startswith(_COUNTED):
            return Response(204, NEVER_KEPT)
        if request.path.startswith(b"/_tb/"):
            return await self._api(request, preview, now) if request.path.startswith(API) else None
        if request.method not in (b"GET", b"HEAD"):
            return None
        if is_document(request):
            showing = await self._showing(preview)
            return showing if isinstance(showing, Response) else await self._page(request, showing, now)
        dest = request.get(b"sec-fetch-dest")
        return await self._fetched(request, preview, now, dest == BY_A_SCRIPT) if dest in (None, BY_A_SCRIPT) else None

    async def _fetched(self, request: Request, preview: Preview, now: float, is_script: bool) -> Response | None:
        """What a page's script fetches, as the next page of a router. Where no browser says who asks, as on plain HTTP,
        only JSON that may have slots."""
        showing = await self._showing(preview)
        if isinstance(showing, Response):
            return None
        may_be_filled = is_script or has_json_slots(request.path, showing.publication.declared)
        return await self._page(request, showing, now) if may_be_filled else None

    async def _api(self, request: Request, preview: Preview, now: float) -> Response:
        """Slots without their page, decisions for other channels, or a list."""
        showing = await self._showing(preview)
        if isinstance(showing, Response):
            return showing
        routes = api_routes(showing, self._kept, Metrics(), self._settings, lambda: now)
        handler = handler_at(routes, request.path.decode("latin-1"))
        answer = await handler(request) if handler else in_words(404, "there is nothing here")
        return _as_a_preview(answer, showing)

    async def _showing(self, preview: Preview) -> ShowingAs | Response:
        """What shows the draft; or the message why it cannot be shown."""
        try:
            loaded = await self._draft_of(preview.draft)
        except OperatorError as error:
            return in_words(409, f"this preview cannot be shown: {error}", *NEVER_KEPT)
        publication = loaded.publication
        if publication is None:
            return in_words(
                409, f"this draft has mistakes\n\n{mistakes_text(loaded.findings, loaded.sources)}", *NEVER_KEPT
            )
        case = next((case for case in publication.cases if case.name == preview.persona.case), None)
        if preview.persona.case and case is None:
            gone = f"this draft has no test `{preview.persona.case}` any more, whose visitor to show it to"
            return in_words(409, gone, *NEVER_KEPT)
        return ShowingAs(publication, preview, case, self._profile_of, self._shop, self._told)

    async def _page(self, request: Request, showing: ShowingAs, now: float) -> Response:
        publication, metrics = showing.publication, Metrics()
        declared = (*publication.declared, OVERLAY)
        reader = PageReader(metrics, self._settings)

        async def part(asked: Request, *, is_own: bool) -> Response:
            return await own.answer(asked, await own.ask(asked), now, "fwd=bypass; detail=preview")

        hole_filling = HoleFilling(Parts(part, self._settings, metrics))
        own = Own(
            self._asking, showing, lambda: declared, lambda page: publication.policy.of(page.path, page.query),
            reader, hole_filling, metrics, self._settings,
        )  # fmt: skip
        started = time.perf_counter()
        headers = tuple(field for field in request.headers if field[0] not in _CONDITIONS)
        try:
            answer = await own.ask(replace(request, headers=headers))
            asked_ms = (time.perf_counter() - started) * 1_000
            response = await own.answer(request, answer, now, "fwd=bypass; detail=preview")
        except OriginError as error:
            return _as_a_preview(own.failed(request, error), showing)
        timing = b'origin;dur=%.1f, decide;dur=%.2f;desc="decide and tell why"' % (asked_ms, showing.took_ms)
        return _as_a_preview(response, showing, (b"server-timing", timing))


def _as_a_preview(response: Response, showing: ShowingAs, *more: tuple[bytes, bytes]) -> Response:
    """The answer with the explanations of its slots, not to be stored."""
    kept = [(name, value) for name, value in response.headers if name not in _REPLACED]
    told = ((b"x-tailorbird-explain", explained(showing.stories)), *more, *NEVER_KEPT)
    return Response(response.status, (*kept, *told), response.chunks, response.stream)


async def stylesheet(request: Request) -> Response:
    """The stylesheet of the bar at the bottom of a preview."""
    fields = ((b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"max-age=3600"))
    return Response(200, (*fields, (b"content-length", b"%d" % len(STYLESHEET))), [STYLESHEET])
