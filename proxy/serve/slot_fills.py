"""What fills slots on pages that are not kept.

Of such a page no byte is kept, so what it was shown as cannot be remembered, as that of a stored page is
(`page_memo.py`). But what fills its slots depends on who asks for what and when, not on the rest of the page: visitors
who are alike, or for whom the same is decided, get the same on another version of the page, and on another page with
the same slots.

Its law is that of `page_memo.py`: the key holds everything that deciding and filling may look at; and the result is
what `Showing.show` would give."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass, field

from proxy.decide.engine import Begun, begin, decide
from proxy.http.message import OwnFields, Question, Request
from proxy.memo import make_room
from proxy.metrics import Decided, Metrics
from proxy.model import Consent, Decision, EvaluationContext, Visitor
from proxy.page.encode import Content
from proxy.page.piece import Piece
from proxy.personalise import fills_of
from proxy.rulebook.compile import Publication
from proxy.serve.showing import Met, Showing
from proxy.serve.slot_maps import SlotMap
from proxy.visitors.equivalence import NO_NUMBER, EquivalenceClasses
from proxy.visitors.inputs import Inputs
from proxy.visitors.known import NOBODY
from proxy.visitors.visitor import Verified

log = logging.getLogger("tailorbird.showing")

MOST = 16_384
"""Of all slots of a worker's pages, by who is alike; and as many by what was decided. Where everybody is shown
something else, one of both takes 1.5 KB (25 MB in all); where somebody was shown the same, a fifth. Measured."""

MOST_BEGUN = 1_024

Slots = tuple[str, ...]


@dataclass(slots=True)
class SlotFills:
    """What fills the slots of a page (None: the page's own content), and what each shows and why. `is_constant`: no
    visitor's own words are in it. `view_cache` is a cache."""

    contents: tuple[Content | None, ...]
    decisions: tuple[Decision, ...]
    is_constant: bool = False
    decided: Decided = field(init=False, repr=False, compare=False)
    view_cache: object = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.decided = Decided.by(self.decisions)


class FillCache:
    """Caches what fills slots, by who is alike and by what was decided, for the present publication of `showing`."""

    def __init__(self, showing: Showing, metrics: Metrics) -> None:
        self._showing = showing
        self._metrics = metrics
        self._by_who: dict[tuple[Slots, Hashable, int], SlotFills] = {}
        self._by_what: dict[tuple[Slots, tuple[int, ...]], SlotFills] = {}
        self._begun: dict[tuple[Slots, Hashable], Begun] = {}
        self._publication: Publication | None = None
        self._verified: Verified | None = None  # the last: mostly whose page is filled next

    def of(self, page: SlotMap, request: Request, met: Met, now: float) -> SlotFills:
        """What the page's slots are filled with for this visitor, counted and noted; with their own when deciding or
        rendering fails."""
        if self._publication is not self._showing.publication:
            self._publication = self._showing.publication
            self._by_who.clear()
            self._by_what.clear()
            self._begun.clear()
        try:
            fills = self._of(page, request, met, now)
        except Exception:  # as in `Showing.show`: it must not cost the page
            log.exception("`%s` is shown with its defaults", request.path.decode("latin-1"))
            self._metrics.count("tailorbird_decide_errors_total")
            return SlotFills((None,) * len(page.slots), ())
        self._tell(page, request, met, now, fills)
        return fills

    def _tell(self, page: SlotMap, request: Request, met: Met, now: float, fills: SlotFills) -> None:
        """As `Showing.tell`; a view of one whose cookies were verified just now is counted with others."""
        question, capture = request.question, self._showing.capture
        is_verified = question is not None and self._is_verified(met.visitor, now)
        view = capture.page_of(question, page.about) if question is not None and is_verified else None
        if question is None or view is None:
            self._showing.tell(page.about, request, met, now, fills)
        else:
            self._metrics.show(now, request.path, fills.decided)
            capture.note_again(now, question, view, met.visitor.id, fills)

    def again(self, page: SlotMap, question: Question, own: OwnFields, now: float) -> SlotFills | None:
        """The same for one more who asks a question and whose number is kept with their cookies, so that nothing else
        has to be found out of them; None for all others."""
        showing, (whose, request_values) = self._showing, question.request_values
        inputs, cookies = showing.inputs_of(page), own.get(b"cookie", b"")
        if inputs.tells_visitors_apart:
            return None
        verified = self._verified = showing.cookies.verified(cookies, now)
        if verified is None or whose is not inputs or not self._goes_on(now):
            return None
        if showing.consents.level(cookies, question.is_private) is not Consent.PROFILE:
            return None
        classes, capture = showing.classes(inputs), showing.capture
        if not classes.is_lasting:
            showing.remembered.flush_visitor(verified.visitor_id)
        membership = verified.membership
        if not (membership.holds(classes, now) and showing.remembered.is_fresh(membership.known, now)):
            return None
        fills = self._by_who.get(
            (page.slots, showing.circumstances("identity", request_values, now)[0], membership.number)
        )
        view = capture.page_of(question, page.about)
        if fills is None or view is None:
            return None
        membership.known.is_used = True
        classes.found.count += 1
        self._metrics.show(now, question.path, fills.decided)
        capture.note_again(now, question, view, verified.visitor_id, fills)
        return fills

    def _goes_on(self, now: float) -> bool:
        """Whether nothing is due but to show the same again."""
        publication = self._showing.publication
        return publication is self._publication and not publication.is_off and now < self._showing.recorder.due_at

    def _of(self, page: SlotMap, request: Request, met: Met, now: float) -> SlotFills:
        showing = self._showing
        inputs, classes, of_request, of_visitor = showing.inputs_and_values(page, request, met, now)
        number = NO_NUMBER
        if not inputs.tells_visitors_apart:
            number = classes.number(of_visitor, met.visitor, met.profile, now)
        circumstances, _ = showing.circumstances("identity", of_request, now)
        key = page.slots, circumstances, number
        fills = self._by_who.get(key) if number != NO_NUMBER else None
        if fills is None:
            context = showing.context(inputs, request, met, now, of_request + of_visitor)
            begun = self._begun.get((page.slots, circumstances)) or self._begins(page, circumstances, inputs, context)
            fills = self._decided(page.slots, context, begun)
            if number != NO_NUMBER and fills.is_constant:
                make_room(self._by_who, MOST)
                self._by_who[key] = fills
        if number != NO_NUMBER:
            self._keep(number, classes, inputs, met.visitor, now)
        if now >= showing.recorder.due_at:
            showing.record(inputs, request, met, now, of_request + of_visitor, fills)
        return fills

    def _keep(self, number: int, classes: EquivalenceClasses, inputs: Inputs, visitor: Visitor, now: float) -> None:
        """Keeps the visitor's number with their cookies, for `again`."""
        known = self._showing.remembered.basis(visitor.id) if inputs.needs_profile else NOBODY
        if known is not None and self._verified is not None and self._is_verified(visitor, now):
            self._verified.remember(classes, number, known, now)

    def _is_verified(self, visitor: Visitor, now: float) -> bool:
        """Whether it was their cookies that were verified last, and they agree to be known by them."""
        return self._verified is not None and self._verified.at(now) is visitor

    def _begins(self, page: SlotMap, circumstances: Hashable, inputs: Inputs, context: EvaluationContext) -> Begun:
        """What deciding for all in these circumstances begins with."""
        begun = begin(self._showing.publication.plan, inputs.of_request, context.attributes, context.now)
        make_room(self._begun, MOST_BEGUN)
        self._begun[page.slots, circumstances] = begun
        return begun

    def _decided(self, slots: Slots, context: EvaluationContext, begun: Begun) -> SlotFills:
        """By what is decided for somebody: known by where the decisions are, since a plan has one of each."""
        publication, stock = self._showing.publication, self._showing.stock
        by_slot = decide(publication.plan, context, slots, begun)
        decisions = tuple([by_slot[slot] for slot in slots])
        outcome = slots, tuple(map(id, decisions))
        known = self._by_what.get(outcome)
        if known is not None:
            return known
        fills = fills_of(decisions, publication.fragments, context, stock)
        contents = [None if fill is None else fill.constant or fill.fill(context.attributes) for fill in fills]
        is_constant = all(content is None or type(content) is Piece for content in contents)
        made = SlotFills(tuple(contents), decisions, is_constant)
        if made.is_constant and stock.asks.keys().isdisjoint([decision.variant for decision in decisions]):
            make_room(self._by_what, MOST)
            self._by_what[outcome] = made  # which has the decisions, so that nothing else comes to be where they are
        return made
