"""Makes the answer of what is stored: a page filled for the visitor, a page without slots, or an asset."""

from __future__ import annotations

from functools import partial

from proxy.http.message import Request, Response
from proxy.http.outgoing import (
    NO_PROFILE,
    PERSONALISED,
    Lead,
    assembled_answer,
    coding_for,
    hit,
    holds_copy_of,
    in_any_coding,
    not_modified,
    packed_answer,
    passed_head,
    slotless_answer,
    stored_answer,
    stored_head,
)
from proxy.httpcache.coding import page_codings
from proxy.httpcache.stored import StoredResponse
from proxy.metrics import Metrics, Tally
from proxy.model import Headers
from proxy.page.template import Template
from proxy.serve.hole_filling import NO_FILLS, FilledHoles, HoleFilling
from proxy.serve.pages import Entry
from proxy.serve.pass_through import Give
from proxy.serve.precompression import CODED_BYTES, Background, Precompressed, is_precompressible
from proxy.serve.shared_fetch import Flowing
from proxy.serve.showing import Showing, Who
from proxy.settings import Settings


class StoredAnswers:
    """Makes answers of entries. `said` is what Cache-Status says of how we came by them."""

    def __init__(self, showing: Showing, hole_filling: HoleFilling, metrics: Metrics, settings: Settings) -> None:
        self._codings = page_codings(settings)
        self._showing = showing
        self._hole_filling = hole_filling
        self._metrics = metrics
        self._assets = metrics.tally("tailorbird_requests_total", "result", "asset")
        self._defaults = metrics.tally("tailorbird_requests_total", "result", "default")
        self._background = Background("precompression", CODED_BYTES)

    def at_once(self, entry: Entry, request: Request, now: float) -> Response | None:
        """The answer of what was found in memory; None when the visitor's profile, or what fills a hole, has to be
        waited for."""
        ttl = int(entry.fresh_until - now)
        if entry.template is None or entry.lead is None:
            return self._plain(entry, request, now, hit(ttl))
        hole_fills = self._hole_filling.at_once(entry, request) if entry.template.holes else NO_FILLS
        who = self._showing.recognise(entry.template, request, now)
        if hole_fills is None or who is None:
            return None
        return self._filled(entry, entry.template, request, who, now, entry.lead.of_hit(ttl), hole_fills)

    def begins(self, entry: Entry, request: Request, now: float, give: Give) -> bool:
        """True when nothing but the visitor's profile is missing for `at_once`, and is being read: `give` is called
        once, later."""
        if entry.template is None or entry.lead is None or entry.template.holes:
            return False
        then = partial(self._give, entry, entry.template, entry.lead, request, now, give)
        return self._showing.recognises_soon(request, now, then)

    def _give(
        self, entry: Entry, template: Template, lead: Lead, request: Request, now: float, give: Give, who: Who
    ) -> None:
        answer, ttl = None, int(entry.fresh_until - now)
        try:
            is_without = self._goes_without(template, who)
            lines = lead.saying(hit(ttl), NO_PROFILE) if is_without else lead.of_hit(ttl)
            answer = self._filled(entry, template, request, who, now, lines, NO_FILLS)
        finally:
            give(request, answer)

    async def answer(self, entry: Entry, request: Request, now: float, said: str) -> Response | None:
        """The answer, after the profile and what fills holes if need be; None when a hole of the page can be filled by
        nobody but the origin."""
        if entry.template is None or entry.lead is None:
            return self._plain(entry, request, now, said)
        hole_fills = (
            await self._hole_filling.fill(entry.template, request, entry.policy, entry.needless)
            if entry.template.holes
            else NO_FILLS
        )
        if hole_fills is None:
            return None
        who = await self._showing.recognise_waiting(entry.template, request, now)
        detail = NO_PROFILE if self._goes_without(entry.template, who) else PERSONALISED
        lead = entry.lead.saying(said, detail)
        return self._filled(entry, entry.template, request, who, now, lead, hole_fills)

    async def flowing(self, flowing: Flowing, request: Request, now: float, said: str) -> Response:
        """An asset that is still coming."""
        if not request.depth:  # a part is none of a client's requests
            self._metrics.count("tailorbird_requests_total", "result", "asset")
        head, body = flowing.head, flowing.body
        if holds_copy_of(head, request):
            await body.aclose()
            return not_modified(_as_later(head, stored_head(head, now, said)))
        headers = _as_later(head, (*passed_head(head.headers, said), (b"age", b"%d" % head.age(now))))
        if request.method == b"HEAD":
            await body.aclose()
            return Response(head.status, headers)
        return Response(head.status, headers, stream=body)

    def _plain(self, entry: Entry, request: Request, now: float, said: str) -> Response:
        if not request.depth:
            self.results_of(entry).count += 1
        if entry.template is not None and entry.packed is None and entry.stored.status == 200:
            self._showing.passed(entry.template, request, now)
        return self.plain(entry, request, now, said)

    def results_of(self, entry: Entry) -> Tally:
        """The counter of answers like this one."""
        return self._assets if entry.template is None else self._defaults

    def plain(self, entry: Entry, request: Request, now: float, said: str) -> Response:
        """A page without slots, or an asset; not counted."""
        if entry.packed is not None:
            return self._packed(entry.stored, entry.packed, request, now, said)
        if entry.template is None:
            return stored_answer(entry.stored, request, now, said)
        coding = coding_for(request, self._codings)
        page = self._showing.filling.plain(entry.template, coding)
        return slotless_answer(entry.stored, page, coding, request, now, said, is_as_came=entry.is_as_came)

    def _packed(
        self, stored: StoredResponse, packed: Precompressed, request: Request, now: float, said: str
    ) -> Response:
        """A text in the best coding that is ready. A part of it is a part of the text as it came."""
        accepted = request.get_list(b"accept-encoding")
        packed.tend(accepted, self._background)
        coded = None if request.get(b"range") is not None else packed.get(accepted)
        return packed_answer(stored, coded, request, now, said)

    def _goes_without(self, template: Template, who: Who) -> bool:
        """True if the visitor's profile was needed, and could not be had in time."""
        return who.profile is None and bool(who.visitor.id) and self._showing.inputs_of(template).needs_profile

    def _filled(
        self,
        entry: Entry,
        template: Template,
        request: Request,
        who: Who,
        now: float,
        lead: bytes,
        hole_fills: FilledHoles,
    ) -> Response:
        coding = coding_for(request, self._codings)
        page = self._showing.show(template, request, who, now, coding, entry.memo_entry, hole_fills.fragments).page
        if hole_fills is not NO_FILLS:
            lead = hole_fills.lead(lead)
        return assembled_answer(entry.stored.status, lead, page, request, who.set_cookie)


def _as_later(head: StoredResponse, headers: Headers) -> Headers:
    """What is told of an asset that is still coming, so that a cache behind us takes the coded ones to come for the
    same."""
    return in_any_coding(headers) if is_precompressible(head) else headers
