"""Answering previews: the page as the visitor's own request brings it, filled by a draft for a persona, and with the
story of every slot. Nothing of it is stored, counted or recorded: it has metrics of its own, which nobody reads.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from proxy.catalogue.shop import Shop
from proxy.decide.engine import decide
from proxy.decide.why import SlotStory, why
from proxy.diagnostics import as_text
from proxy.errors import OperatorError
from proxy.http.message import Request, Response
from proxy.metrics import Metrics
from proxy.model import Profile
from proxy.page.encode import Assembled, Coding, assemble
from proxy.page.fragments import Fragment
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.personalise import Stock, fills_of, with_products
from proxy.rulebook.compile import Loaded, Publication
from proxy.rulebook.expectations import Case
from proxy.serve.overlay import explained, overlay
from proxy.serve.own import Own
from proxy.serve.parts import Parts
from proxy.serve.pouring import Pouring
from proxy.serve.reading import PageReader
from proxy.serve.showing import Met
from proxy.settings import Settings
from proxy.upstream.asking import Asking, is_document
from proxy.visitors.persona import context_as
from proxy.visitors.preview import NEVER_KEPT, Preview, Tokens
from proxy.visitors.visitor import ANONYMOUS

OVERLAY = DeclaredSlot("tailorbird.preview", selector="body", place="end")
STYLESHEET = (Path(__file__).parent / "static" / "preview.css").read_bytes()
STYLESHEET_PATH = "/_tb/preview.css"
_REPLACED = frozenset(b"cache-control expires etag last-modified age x-robots-tag".split())
# Else the browser would be told that the page it has, which is no preview, will do.
_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since"})
# What a page's own scripts send while it is looked at; to be counted, it would have to be a visitor who looks.
_COUNTED = (b"/_tb/v1/", b"/_tb/g/")

DraftOf = Callable[[str], Awaitable[Loaded]]
ProfileOf = Callable[[str, float], Awaitable[Profile | None]]


class Previewing:
    """`draft_of` gives the state of the rules that a token names, `profile_of` the profile of a visitor; `shop` is what
    products are recommended from, None for the draft's own catalogue."""

    def __init__(
        self,
        tokens: Tokens,
        asking: Asking,
        draft_of: DraftOf,
        profile_of: ProfileOf,
        settings: Settings,
        shop: Shop | None = None,
    ) -> None:
        self._shop = shop
        self._tokens = tokens
        self.concerns = tokens.concerns
        self._asking = asking
        self._draft_of = draft_of
        self._profile_of = profile_of
        self._settings = settings

    async def answer(self, request: Request, now: float) -> Response | None:
        """What answers a link, or a page asked for by who opened one; None for all else, which is answered as for
        anybody, `without_token`."""
        if self._tokens.is_opened(request):
            return self._tokens.opened(request, now)
        preview = self._tokens.preview_in(request, now)
        if preview is None:
            return None
        if request.path.startswith(_COUNTED):
            return Response(204, NEVER_KEPT)
        if request.method not in (b"GET", b"HEAD") or not is_document(request) or request.path.startswith(b"/_tb/"):
            return None
        return await self._page(request, preview, now)

    async def _page(self, request: Request, preview: Preview, now: float) -> Response:
        try:
            loaded = await self._draft_of(preview.draft)
        except OperatorError as error:
            return _told(f"this preview cannot be shown: {error}")
        publication = loaded.publication
        if publication is None:
            return _told(f"this draft has mistakes\n\n{as_text(loaded.findings, loaded.sources)}")
        case = next((case for case in publication.cases if case.name == preview.persona.case), None)
        if preview.persona.case and case is None:
            return _told(f"this draft has no test `{preview.persona.case}` any more, whose visitor to show it to")
        showing = ShowingAs(publication, preview, case, self._profile_of, self._shop)
        metrics = Metrics()
        declared = (*publication.declared, OVERLAY)
        reader = PageReader(metrics, self._settings)

        async def part(asked: Request, *, is_own: bool) -> Response:
            return await own.answer(asked, await own.ask(asked), now, "fwd=bypass; detail=preview")

        pouring = Pouring(Parts(part, self._settings, metrics))
        policy_of = publication.policy.of
        own = Own(self._asking, showing, lambda: declared, policy_of, reader, pouring, metrics, self._settings)
        started = time.perf_counter()
        headers = tuple(field for field in request.headers if field[0] not in _CONDITIONS)
        answer = await own.ask(replace(request, headers=headers))
        asked_ms = (time.perf_counter() - started) * 1_000
        response = await own.answer(request, answer, now, "fwd=bypass; detail=preview")
        kept = [(name, value) for name, value in response.headers if name not in _REPLACED]
        timing = b'origin;dur=%.1f, decide;dur=%.2f;desc="decide and tell why"' % (asked_ms, showing.took_ms)
        told = ((b"x-tailorbird-explain", explained(showing.stories)), (b"server-timing", timing), *NEVER_KEPT)
        return Response(response.status, (*kept, *told), response.chunks, response.stream)


class ShowingAs:
    """Fills a page for a persona. Afterwards `stories` are those of its slots, and `took_ms` is what telling took."""

    def __init__(
        self,
        publication: Publication,
        preview: Preview,
        case: Case | None,
        profile_of: ProfileOf,
        shop: Shop | None = None,
    ) -> None:
        self._shop = shop
        self._publication = publication
        self._preview = preview
        self._case = case
        self._profile_of = profile_of
        self.stories: Sequence[SlotStory] = ()
        self.took_ms = 0.0

    def meet(self, template: Template, request: Request, now: float) -> Met | None:
        """Nobody at once: a preview is never asked for straight."""
        return None

    async def meet_waiting(self, template: Template, request: Request, now: float) -> Met:
        """The persona's visitor. Who looks gets no cookie."""
        visitor = self._preview.persona.visitor
        return Met(ANONYMOUS, await self._profile_of(visitor, now) if visitor else None)

    def passed(self, template: Template, request: Request, now: float) -> None:
        """A preview counts nowhere."""

    def show(
        self,
        template: Template,
        request: Request,
        met: Met,
        now: float,
        coding: Coding,
        *,
        poured: Sequence[Fragment] = (),
    ) -> Assembled:
        """The page as the persona sees it, with what the preview is and why each slot shows what it does."""
        started = time.perf_counter()
        plan, fragments = self._publication.plan, self._publication.fragments
        context = context_as(plan, request, self._preview.persona, met.profile, now, self._case)
        slots = tuple(dict.fromkeys(slot for slot in template.slots if slot != OVERLAY.name))
        decided = decide(plan, context, template.slots)
        stock = Stock(
            self._shop or Shop(self._publication.catalogue), self._publication.asks, self._publication.arrangements
        )
        lists = {template.slots[place]: cards.products for place, cards in template.lists.items()}
        self.stories = with_products(why(plan, context, slots), context, stock, lists)
        self.took_ms = (time.perf_counter() - started) * 1_000
        bar = overlay(self._preview, self.stories, context.now, STYLESHEET_PATH)
        fills = fills_of([decided[slot] for slot in template.slots], fragments, context, stock, template.lists)
        fills = [bar if slot == OVERLAY.name else fill for slot, fill in zip(template.slots, fills, strict=True)]
        for (place, _), fragment in zip(template.holes, poured, strict=True):
            fills[place] = fragment
        return assemble(template, fills, context.attributes, coding=coding, key=b"preview")


async def stylesheet(request: Request) -> Response:
    """What dresses the bar at the foot of a preview."""
    fields = ((b"content-type", b"text/css; charset=utf-8"), (b"cache-control", b"max-age=3600"))
    return Response(200, (*fields, (b"content-length", b"%d" % len(STYLESHEET))), [STYLESHEET])


def _told(what: str) -> Response:
    body = what.encode() + b"\n"
    head = ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body)))
    return Response(409, (*head, *NEVER_KEPT), (body,))
