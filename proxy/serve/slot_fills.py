"""What fills the slots of pages that are not stored.

No byte of such a page is kept, so its variants cannot be remembered as those of a stored page are (`page_memo.py`). But
what fills its slots depends on the visitor, the question and the time only, not on the rest of the page: it is the same
for visitors of one class, or with the same decisions, on another version of the page and on other pages with these
slots.

Its law is that of `page_memo.py`: the key holds everything that deciding and filling may look at; and the result is
what `Showing.show` would give."""

from __future__ import annotations

import logging
from collections.abc import Hashable

import msgspec

from proxy.decide.engine import SharedBits, decide, shared_bits_of
from proxy.http.message import OwnFields, Question, Request
from proxy.memo import make_room
from proxy.metrics import Decided, Metrics
from proxy.model import Consent, Decision, EvaluationContext, Visitor
from proxy.page.encode import Content
from proxy.page.piece import Piece
from proxy.personalise import fills_of
from proxy.rulebook.compile import Publication
from proxy.serve.showing import Showing, Who
from proxy.serve.slot_maps import SlotMap
from proxy.visitors.equivalence import NO_NUMBER, EquivalenceClasses
from proxy.visitors.inputs import Inputs
from proxy.visitors.known import NOBODY
from proxy.visitors.visitor import NOBODYS, Verified

log = logging.getLogger("tailorbird.showing")

MOST = 16_384
"""Entries by class of visitors; and as many by decisions. Where each visitor is shown something else, an entry takes
1.5 KB (25 MB in all); where its content is shared, a fifth. Measured."""

MOST_SHARED_BITS = 1_024

Slots = tuple[str, ...]


class SlotFills(msgspec.Struct, gc=False):
    """What fills the slots of a page (None: the default), and what was `decided`. `is_constant`: nothing of the visitor
    is in it. `view_cache` is a cache for `visitors/view_content.py`."""

    contents: tuple[Content | None, ...]
    decided: Decided
    is_constant: bool = False
    view_cache: object = None

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decision of each slot, in page order."""
        return self.decided.decisions


class FillCache:
    """Remembers what fills slots, by class of visitors and by decisions, for the current publication of `showing`."""

    def __init__(self, showing: Showing, metrics: Metrics) -> None:
        self._showing = showing
        self._metrics = metrics
        self._by_who: dict[tuple[Slots, Hashable, int], SlotFills] = {}
        self._by_what: dict[tuple[Slots, tuple[int, ...]], SlotFills] = {}
        self._shared_bits: dict[tuple[Slots, Hashable], SharedBits] = {}
        self._publication: Publication | None = None
        self._verified: Verified | None = None  # the last one: mostly their page is filled next

    def of(self, page: SlotMap, request: Request, who: Who, now: float) -> SlotFills:
        """What fills the page's slots for this visitor, counted and captured; defaults when deciding or rendering
        fails."""
        if self._publication is not self._showing.publication:
            self._publication = self._showing.publication
            self._by_who.clear()
            self._by_what.clear()
            self._shared_bits.clear()
        try:
            fills = self._of(page, request, who, now)
        except Exception:  # as in `Showing.show`: it must not cost the page
            log.exception("`%s` is shown with its defaults", request.path.decode("latin-1"))
            self._metrics.count("tailorbird_decide_errors_total")
            return SlotFills((None,) * len(page.slots), Decided.by(()))
        self._showing.tell(page.about, request, who, now, fills)
        return fills

    def repeat(self, page: SlotMap, question: Question, own: OwnFields, now: float) -> SlotFills | None:
        """The same for a visitor whose class number is kept with their cookies, so that nothing else has to be looked
        up; None for others."""
        showing, (whose, request_values) = self._showing, question.request_values
        inputs, cookies = showing.inputs_of(page), own.get(b"cookie", b"")
        if inputs.tells_visitors_apart or inputs.of_place:
            return None
        verified = showing.cookies.verified(cookies, now)
        self._verified = verified = None if verified is NOBODYS else verified
        if verified is None or whose is not inputs or not self._is_unchanged(now):
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
            (page.slots, showing.circumstances(inputs, "identity", request_values, now)[0], membership.number)
        )
        view = capture.page_of(question, page.about)
        if fills is None or view is None:
            return None
        membership.known.is_used = True
        classes.found.count += 1
        self._metrics.show(now, question.path, fills.decided)
        capture.note_again(now, question, view, verified.visitor_id, fills)
        return fills

    def _is_unchanged(self, now: float) -> bool:
        """Whether the rules are the same and no view is to be recorded."""
        publication = self._showing.publication
        return publication is self._publication and not publication.is_off and now < self._showing.recorder.due_at

    def _of(self, page: SlotMap, request: Request, who: Who, now: float) -> SlotFills:
        showing = self._showing
        inputs, classes, of_request, of_visitor = showing.inputs_and_values(page, request, who, now)
        number = NO_NUMBER
        if not inputs.tells_visitors_apart:
            number = classes.number(of_visitor, who.visitor, who.profile, now)
        circumstances, _ = showing.circumstances(inputs, "identity", of_request, now)
        key = page.slots, circumstances, number
        fills = self._by_who.get(key) if number != NO_NUMBER else None
        if fills is None:
            context = showing.context(inputs, request, who, now, of_request + of_visitor)
            shared_bits = self._shared_bits.get((page.slots, circumstances)) or self._find_shared_bits(
                page, circumstances, inputs, context
            )
            fills = self._decided(page.slots, context, shared_bits)
            if number != NO_NUMBER and fills.is_constant:
                make_room(self._by_who, MOST)
                self._by_who[key] = fills
        if number != NO_NUMBER:
            self._keep(number, classes, inputs, who.visitor, now)
        if now >= showing.recorder.due_at:
            showing.record(inputs, request, who, now, of_request + of_visitor, fills)
        return fills

    def _keep(self, number: int, classes: EquivalenceClasses, inputs: Inputs, visitor: Visitor, now: float) -> None:
        """Keeps the visitor's number with their cookies, for `repeat`."""
        known = self._showing.remembered.basis(visitor.id) if inputs.needs_profile else NOBODY
        if known is not None and self._verified is not None and self._is_verified(visitor, now):
            self._verified.remember(classes, number, known, now)

    def _is_verified(self, visitor: Visitor, now: float) -> bool:
        """Whether the visitor is the one whose cookies were verified last, with consent."""
        return self._verified is not None and self._verified.at(now) is visitor

    def _find_shared_bits(
        self, page: SlotMap, circumstances: Hashable, inputs: Inputs, context: EvaluationContext
    ) -> SharedBits:
        """The first step of deciding, for all in these circumstances."""
        shared_bits = shared_bits_of(self._showing.publication.plan, inputs.of_request, context.attributes, context.now)
        make_room(self._shared_bits, MOST_SHARED_BITS)
        self._shared_bits[page.slots, circumstances] = shared_bits
        return shared_bits

    def _decided(self, slots: Slots, context: EvaluationContext, shared_bits: SharedBits) -> SlotFills:
        """Decides, and fills; the fills are remembered by the decisions, which are compared by identity."""
        publication, stock = self._showing.publication, self._showing.stock
        by_slot = decide(publication.plan, context, slots, shared_bits)
        decisions = tuple([by_slot[slot] for slot in slots])
        outcome = slots, tuple(map(id, decisions))
        known = self._by_what.get(outcome)
        if known is not None:
            return known
        settled, fills = fills_of(decisions, publication.plan, publication.fragments, context, stock)
        contents = [None if fill is None else fill.constant or fill.fill(context.attributes) for fill in fills]
        is_constant = all(content is None or type(content) is Piece for content in contents)
        made = SlotFills(tuple(contents), Decided.by(settled, fills, stock.asks), is_constant)
        if made.is_constant and stock.is_settled_by(decisions):
            make_room(self._by_what, MOST)
            self._by_what[outcome] = made  # it holds the decisions, so that their identities stay valid
        return made
