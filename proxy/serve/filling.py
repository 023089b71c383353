"""Filling a cut page for somebody whose page is not known yet: it is decided, and put together, unless it was for
others.

Rules may tell visitors apart finely, draw lots, count what somebody was shown: nobody is alike to anybody then, and
still they are shown one of a few pages. So whoever is not known is decided for, and if the same was decided for others
before, what was put together then is theirs. Deciding begins with what all have in common who ask in the same words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Iterable, Sequence
from functools import partial

from proxy.decide.engine import begin, decide
from proxy.model import Decision, EvaluationContext
from proxy.page.encode import Assembled, Coding
from proxy.page.fragments import Fragment
from proxy.page.template import Template
from proxy.personalise import Personalised, Stock, filled, personalise, untouched
from proxy.rulebook.compile import Publication
from proxy.serve.background import Background
from proxy.serve.page_memo import PageMemo, PageMemoEntry, outcome_of

SEAM_BYTES = 32 * 1024 * 1024
"""Memory for the seams of all pages of a worker: some 5,000."""


class Filling:
    """By one publication at a time. `page_memo` has what pages were shown as; `secret` keys their entity tags."""

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
        """The page put together for this visitor alone; `hole_fills` is what fills its holes."""
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
        self._tend(template, coding)
        return done

    def shared(
        self,
        template: Template,
        context: EvaluationContext,
        coding: Coding,
        memo_entry: PageMemoEntry,
        circumstances: Hashable,
        common: Collection[str],
    ) -> Personalised:
        """The same of a page that may be shown to others: of all in these `circumstances` the attributes named in
        `common` are the same."""
        begun = memo_entry.begun(circumstances)
        if begun is None:
            begun = begin(self._plan, common, context.attributes, context.now)
            self._page_memo.begin(memo_entry, circumstances, begun)
        by_slot = decide(self._plan, context, template.slots, begun)
        decisions = tuple([by_slot[slot] for slot in template.slots])
        outcome = outcome_of(decisions, coding)
        known = memo_entry.outcomes.get(outcome)
        if known is not None:
            return known
        done = filled(template, decisions, self._fragments, context, coding, self.key, (), self._stock)
        self._tend(template, coding)
        if is_settled_by(decisions, template, self._stock):
            self._page_memo.keep_outcome(memo_entry, outcome, done)
        return done

    def plain(self, template: Template, coding: Coding, hole_fills: Sequence[Fragment] = ()) -> Assembled:
        """The page as the origin sent it, in the coding asked for."""
        return untouched(template, coding=coding, key=self.key, hole_fills=hole_fills)

    def _tend(self, template: Template, coding: Coding) -> None:
        if coding == "gzip" and template.seams.wanted:  # else a private page were given some to throw away
            self._sewing.make(template.seams, partial(template.seams.make, template.seams.take_wanted()))


def is_settled_by(decisions: Iterable[Decision], template: Template, stock: Stock) -> bool:
    """Whether the page depends on its visitor by nothing but these decisions."""
    return not template.lists and stock.asks.keys().isdisjoint([decision.variant for decision in decisions])
