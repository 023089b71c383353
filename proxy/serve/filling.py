"""Filling a page for a visitor for whom it is not remembered: decides, and puts it together, unless it was put together
for others with the same decisions.

Rules may tell visitors apart finely, split them at random, or count impressions, so that no two visitors are
equivalent; still there are few different pages. The first step of deciding is shared by all requests in the same
circumstances.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Sequence
from functools import partial

from proxy.decide.engine import decide, shared_bits_of
from proxy.memo import make_room
from proxy.model import Decision, EvaluationContext
from proxy.page.encode import Assembled, Coding
from proxy.page.fragments import Fragment
from proxy.page.product_row import VisitorFragment
from proxy.page.template import Template
from proxy.personalise import Personalised, Stock, arranged, filled, personalise, unmet_in, untouched
from proxy.rulebook.compile import Publication
from proxy.serve.page_memo import PageMemo, PageMemoEntry, outcome_of
from proxy.serve.precompression import Background

SEAM_BYTES = 32 * 1024 * 1024
"""Memory for the seams of all pages of a worker: some 5,000 seams."""
MOST_ORDERS = 256
"""The most pages that are remembered with a list. One takes some 750 bytes."""


class Filling:
    """Fills pages by one publication at a time. `page_memo` has the variants made before; `secret` keys their ETags."""

    def __init__(self, page_memo: PageMemo, secret: str) -> None:
        self._page_memo = page_memo
        self._sewing = Background("sewing", SEAM_BYTES)
        self.key = hashlib.sha256(b"tailorbird etag v1\n" + secret.encode()).digest()

    def publish(self, publication: Publication, stock: Stock) -> None:
        """Decides by this publication from now on, with rows of products filled from the stock."""
        self._plan, self._fragments, self._stock = publication.plan, publication.fragments, stock

    def compose_unshared(
        self, template: Template, context: EvaluationContext, coding: Coding, hole_fills: Sequence[Fragment] = ()
    ) -> Personalised:
        """The page put together for this visitor alone; `hole_fills` fills its holes."""
        done = personalise(
            template,
            self._plan,
            self._fragments,
            context,
            coding=coding,
            key=self.key,
            hole_fills=hole_fills,
            stock=self._stock,
        )
        self._make_seams(template, coding)
        return done

    def compose_shared(
        self,
        template: Template,
        context: EvaluationContext,
        coding: Coding,
        memo_entry: PageMemoEntry,
        circumstances: Hashable,
        common: Collection[str],
    ) -> Personalised:
        """The page, shared with other visitors: all in these `circumstances` have the same values of the attributes
        named in `common`."""
        shared_bits = memo_entry.shared_bits(circumstances)
        if shared_bits is None:
            shared_bits = shared_bits_of(self._plan, common, context.attributes, context.now)
            self._page_memo.shared_bits_of(memo_entry, circumstances, shared_bits)
        by_slot = decide(self._plan, context, template.slots, shared_bits)
        decisions = tuple([by_slot[slot] for slot in template.slots])
        if template.lists:
            return self._compose_in_order(template, decisions, context, coding)
        outcome = outcome_of(decisions, coding)
        known = memo_entry.outcomes.get(outcome)
        if known is not None:
            return known
        done = filled(template, decisions, self._plan, self._fragments, context, coding, self.key, (), self._stock)
        self._make_seams(template, coding)
        if self._stock.is_settled_by(decisions):
            self._page_memo.keep_outcome(memo_entry, outcome, done)
        return done

    def _compose_in_order(
        self, template: Template, decisions: tuple[Decision, ...], context: EvaluationContext, coding: Coding
    ) -> Personalised:
        """The page with its lists in this visitor's order. That of a single list is shared with the visitors whose
        order and decisions are the same."""
        place, cards = next(iter(template.lists.items()))
        order = arranged(decisions[place], cards, context, self._stock)
        is_unmet = bool(self._stock.contrasts and unmet_in(template.lists, decisions, context, self._stock))
        key = (id(order), is_unmet, *outcome_of(decisions, coding))
        made_with, known = cards.pages.get(key, (None, None))
        if made_with is order and isinstance(known, Personalised):
            return known
        done = filled(template, decisions, self._plan, self._fragments, context, coding, self.key, (), self._stock)
        self._make_seams(template, coding)
        is_shared = len(template.lists) == 1 and not isinstance(order, VisitorFragment)
        if is_shared and done.page.is_settled and self._stock.is_settled_by(decisions):
            make_room(cards.pages, MOST_ORDERS)
            cards.pages[key] = order, done
        return done

    def plain(self, template: Template, coding: Coding, hole_fills: Sequence[Fragment] = ()) -> Assembled:
        """The page with its defaults, in the coding asked for."""
        return untouched(template, coding=coding, key=self.key, hole_fills=hole_fills)

    def _make_seams(self, template: Template, coding: Coding) -> None:
        if coding == "gzip" and template.seams.wanted:  # else seams would be made for a private page, and thrown away
            self._sewing.make(template.seams, partial(template.seams.make, template.seams.take_wanted()))
