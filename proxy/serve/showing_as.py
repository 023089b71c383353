"""Showing what a draft of the rules shows to a persona: what `Showing` is to visitors, this is to who looks at a
preview, on a page, in its slots without it and in its lists.

Its law: nobody is recognised, counted or recorded by it, and who looks gets no cookie.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence

from proxy.catalogue.shop import Shop
from proxy.decide.engine import decide
from proxy.decide.why import MOST_READ, SlotStory, why
from proxy.http.message import Request
from proxy.metrics import Decided
from proxy.model import EvaluationContext, Profile
from proxy.page.encode import Coding, assemble
from proxy.page.fragments import Fragment
from proxy.page.json_fills import in_json_forms
from proxy.page.slots import DeclaredSlot
from proxy.page.template import Template
from proxy.personalise import Personalised, Stock, fills_of
from proxy.rulebook.compile import Publication
from proxy.rulebook.expectations import Case
from proxy.serve.overlay import overlay
from proxy.serve.showing import Showing, Who
from proxy.stories import with_products
from proxy.visitors.persona import context_as
from proxy.visitors.preview import Preview
from proxy.visitors.visitor import ANONYMOUS

OVERLAY = DeclaredSlot("tailorbird.preview", selector="body", place="end")
"""Where the bar stands that says what one looks at, in a page that has a place for it."""
STYLESHEET_PATH = "/_tb/preview.css"

ProfileOf = Callable[[str, float], Awaitable[Profile | None]]


class ShowingAs:
    """Decides by one publication for a preview's persona. Afterwards `stories` are those of the slots, and `took_ms` is
    what telling took."""

    def __init__(
        self,
        publication: Publication,
        preview: Preview,
        case: Case | None,
        profile_of: ProfileOf,
        shop: Shop | None = None,
        told: Collection[str] = (),
    ) -> None:
        """`shop` is what products are recommended from, None for the publication's own catalogue; `told` are the places
        that proxies tell of visitors."""
        self.publication = publication
        shop, counting = shop or Shop(publication.catalogue), publication.counting
        self.stock = Stock(
            shop, publication.asks, publication.arrangements, counting=counting, contrasts=publication.contrasts
        )
        self._preview = preview
        self._case = case
        self._told = told
        self._profile_of = profile_of
        self.stories: Sequence[SlotStory] = ()
        self.took_ms = 0.0

    def recognise(self, template: Template, request: Request, now: float) -> Who | None:
        """None: a preview is never answered at once."""
        return None

    async def recognise_waiting(self, template: Template, request: Request, now: float) -> Who:
        """The persona's visitor."""
        return await self.recognise_named(self._preview.persona.visitor, now)

    async def recognise_named(self, visitor_id: str, now: float, request: Request | None = None) -> Who:
        """A visitor by id, whatever their consent."""
        return Who(ANONYMOUS, await self._profile_of(visitor_id, now) if visitor_id else None)

    def passed(self, template: Template, request: Request, now: float) -> None:
        """Nothing: a preview is counted nowhere."""

    def context_of(self, template: Template, request: Request, who: Who, now: float) -> EvaluationContext:
        """What deciding looks at, as the persona has it."""
        plan, persona, known = self.publication.plan, self._preview.persona, self.stock.shop.products.get
        return context_as(plan, request, persona, who.profile, now, self._case, known=known, told=self._told)

    def show(
        self,
        template: Template,
        request: Request,
        who: Who,
        now: float,
        coding: Coding,
        *,
        hole_fills: Sequence[Fragment] = (),
    ) -> Personalised:
        """The page as the persona sees it, with what the preview is and why each slot shows what it does."""
        started = time.perf_counter()
        plan, fragments = self.publication.plan, self.publication.fragments
        context = self.context_of(template, request, who, now)
        slots = tuple(dict.fromkeys(slot for slot in template.slots if slot not in ("", OVERLAY.name)))
        decided = decide(plan, context, template.slots)
        decisions = tuple(decided[slot] for slot in template.slots)
        lists = {template.slots[place]: cards.products for place, cards in template.lists.items()}
        self.stories = with_products(why(plan, context, slots, MOST_READ), plan, context, self.stock, lists)
        self.took_ms = (time.perf_counter() - started) * 1_000
        decisions, fills = fills_of(decisions, plan, fragments, context, self.stock, template.lists)
        fills = in_json_forms(fills, template.forms, decisions)
        bar = overlay(self._preview, self.stories, context.now, STYLESHEET_PATH)
        fills = [bar if slot == OVERLAY.name else fill for slot, fill in zip(template.slots, fills, strict=True)]
        for (place, _), fragment in zip(template.holes, hole_fills, strict=True):
            fills[place] = fragment
        page = assemble(template, fills, context.attributes, coding=coding, key=b"preview")
        return Personalised(page, Decided.by(decisions))


Shows = Showing | ShowingAs
"""Whoever fills pages, slots and lists: for visitors, or for a preview."""
