"""Finds the slots of a page: the byte ranges that a fill may replace.

The page is read by an HTML parser, once, when it is stored (a regular expression would take some texts for tags, and
allow cross-site scripting). A slot is:

* the content of an element with `data-slot="home.hero"`, or of `<tb-slot name="home.hero">`;
* of the element that a selector of `slots.yaml` finds on that path, if it finds exactly one: its content, or the empty
  place right after its start tag or right before its end tag.

A marker in a script, comment, title, textarea, noscript or attribute is text, not a slot. A slot within another one
does not count. A name may occur several times in a page; all its slots are filled the same.

Every marker is either a slot or the reason why the page is not cut. A slot must have a written end tag, be a block or
custom element, and be isolated (`isolation.py`): filling it changes nothing else in the page. In any doubt the page is
left unchanged.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import turbohtml
from turbohtml import Document, Element, Namespace

from proxy.errors import EditorError
from proxy.page.isolation import SlotCandidate, are_isolated
from proxy.page.markup import Markup
from proxy.page.selecting import TooManySiblings, elements_by, has_nested_has
from proxy.page.slots import SLOT_NAME, DeclaredSlot, Place

MARKER = "data-slot"
_MARKED = f"[{MARKER}],tb-slot"

BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dt",
    "fieldset", "figcaption", "figure", "footer", "header", "li", "main", "nav", "search", "section", "td", "th",
})  # fmt: skip
"""HTML elements that may contain any flow content, and so a banner."""

_PLACES: tuple[Place, ...] = ("start", "inside", "end")
"""In page order, for slots that begin at the same offset."""


class UncutReason(enum.StrEnum):
    """Why a page is not cut: the word that metrics, logs and `doctor` print."""

    NO_SLOTS = "no_slots"
    CHARSET = "charset"
    SLOT_NAME = "slot_name"
    NOT_A_BLOCK = "not_a_block"
    NO_END_TAG = "no_end_tag"
    SEVERAL_MATCHES = "several_matches"
    NOT_APART = "not_apart"
    TOO_MANY_SLOTS = "too_many_slots"
    NOT_JSON = "not_json"
    SEVERAL_VALUES = "several_values"
    CARD_TWICE = "card_twice"
    CARD_NOT_CLOSED = "card_not_closed"
    CARDS_NOT_APART = "cards_not_apart"
    TOO_MANY_CARDS = "too_many_cards"
    SLOT_AMONG_CARDS = "slot_among_cards"
    TOO_MANY_SIBLINGS = "too_many_siblings"


_EXPLANATIONS = {
    UncutReason.NO_SLOTS: "has no slots",
    UncutReason.CHARSET: "is in an encoding whose markup cannot be told from its text",
    UncutReason.SLOT_NAME: "has a slot whose name `{slot}` is not dotted lower case, like `home.hero`",
    UncutReason.NOT_A_BLOCK: "has slot `{slot}` on an element that cannot hold a banner; put it on a `div`",
    UncutReason.NO_END_TAG: "has slot `{slot}` without a closing tag",
    UncutReason.SEVERAL_MATCHES: "has several elements for slot `{slot}`; narrow its selector in `slots.yaml`",
    UncutReason.NOT_APART: (
        "has slot `{slot}` where tags around it are not closed properly, or where no block may stand"
    ),
    UncutReason.NOT_JSON: "is no JSON that can be read",
    UncutReason.SEVERAL_VALUES: "has the value of slot `{slot}` twice",
    UncutReason.CARD_TWICE: "has one product twice in `{slot}`",
    UncutReason.CARD_NOT_CLOSED: "has a card without a closing tag in `{slot}`",
    UncutReason.CARDS_NOT_APART: (
        "has cards in `{slot}` that cannot change places without changing more: tags are left open"
    ),
    UncutReason.TOO_MANY_CARDS: "has more cards in `{slot}` than are put in order",
    UncutReason.SLOT_AMONG_CARDS: "has a slot among the cards of `{slot}`; put it before the first or after the last",
    UncutReason.TOO_MANY_SIBLINGS: (
        "has thousands of elements side by side, among which the selector of `{slot}` would be looked for too long; "
        "write it without `:nth-...`, `:only-...`, `...-of-type` and `:has()`"
    ),
    UncutReason.TOO_MANY_SLOTS: "has more slots than `max_slots`; the first too many is `{slot}`",
}


@dataclass(frozen=True, slots=True)
class Uncut:
    """The page is not cut, for this reason. `offset` is the byte that shows it, `slot` the name of the slot, "" if the
    reason is not about a slot."""

    reason: UncutReason
    offset: int
    slot: str = ""

    def __str__(self) -> str:
        where = "" if self.reason is UncutReason.NO_SLOTS else f" (byte {self.offset})"
        return f"the page {_EXPLANATIONS[self.reason].format(slot=self.slot)}{where}"


@dataclass(frozen=True, slots=True)
class SlotRange:
    """The bytes `start` to `end` (exclusive) of a page are the default content of slot `name`."""

    name: str
    start: int
    end: int

    def overlaps(self, other: SlotRange) -> bool:
        """Whether a byte is part of both."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: SlotRange) -> bool:
        """Whether each byte of the other is part of this one."""
        return self.start <= other.start and other.end <= self.end


class CannotCut(Exception):
    """Raised during the search, with the result in `verdict`."""

    def __init__(self, reason: UncutReason, offset: int, slot: str = "") -> None:
        super().__init__(reason)
        self.verdict = Uncut(reason, offset, slot)


def find_slots(
    page: Markup,
    *,
    path: str,
    declared: Iterable[DeclaredSlot] = (),
    max_slots: int = 50,
    names_slot: bool = True,
) -> tuple[SlotRange, ...] | Uncut:
    """The slots of a page, in page order, none overlapping another; or why it cannot be cut.

    `path` is percent-decoded. The selectors of `declared` have passed `check_selector`. With
    `names_slot`, the slot that is not isolated is searched for, which takes some parsing; without it, the first slot is
    named.
    """
    wanted = [slot for slot in declared if slot.selector and slot.is_on(path) and not slot.is_list]
    if not wanted and page.foreign_at < 0 and page.document.select_one(_MARKED) is None:
        return Uncut(UncutReason.NO_SLOTS, 0)
    try:
        must_be_ascii_superset(page)
        return _Search(page, wanted).run(max_slots, names_slot=names_slot)
    except CannotCut as doubt:
        return doubt.verdict


def check_selector(selector: str) -> None:
    """Raises `EditorError` if `selector` is not a CSS selector."""
    if has_nested_has(selector):
        raise EditorError(f"`{selector}` has `:has()` within `:has()`, as CSS does not", help="write one of them")
    try:
        turbohtml.parse("").select(selector)
    except turbohtml.SelectorSyntaxError as error:
        raise EditorError(
            f"`{selector}` is not a CSS selector: {error}", help="write one like `main > .hero`"
        ) from error


def must_be_ascii_superset(page: Markup) -> None:
    """Raises `CannotCut` for a page whose encoding is no superset of ASCII."""
    if page.foreign_at >= 0:
        raise CannotCut(UncutReason.CHARSET, page.foreign_at)


def _outermost(found: Iterable[SlotCandidate]) -> list[SlotCandidate]:
    """The elements in page order, without those within another. Raises `CannotCut` if one of them cannot be a slot."""
    kept: list[SlotCandidate] = []
    for slot in sorted(found, key=lambda slot: (slot.start, _PLACES.index(slot.place))):
        if kept and slot.is_within(kept[-1]):
            continue
        _check_candidate(slot)
        kept.append(slot)
    return kept


def _check_candidate(slot: SlotCandidate) -> None:
    if not SLOT_NAME.fullmatch(slot.name):
        raise _cannot_cut(slot, UncutReason.SLOT_NAME)
    if not _may_hold_blocks(slot):
        raise _cannot_cut(slot, UncutReason.NOT_A_BLOCK)
    if slot.end < 0:
        raise _cannot_cut(slot, UncutReason.NO_END_TAG)


def _cannot_cut(slot: SlotCandidate, reason: UncutReason) -> CannotCut:
    return CannotCut(reason, slot.opened, slot.name)


def _may_hold_blocks(slot: SlotCandidate) -> bool:
    tag = slot.element.tag
    if slot.element.namespace is not Namespace.HTML:
        return False
    return tag in BLOCKS or "-" in tag or (tag == "head" and slot.place != "inside")


class _Search:
    """The search in one page. Each pass takes a new tree."""

    def __init__(self, page: Markup, declared: Sequence[DeclaredSlot]) -> None:
        self._page = page
        self._declared = [(slot, found) for slot in declared if (found := _in_charset(slot.selector, page.charset))]

    def run(self, max_slots: int, *, names_slot: bool) -> tuple[SlotRange, ...]:
        document, slots = self._find_all()
        if not slots:
            raise CannotCut(UncutReason.NO_SLOTS, 0)
        if len(slots) > max_slots:
            raise _cannot_cut(slots[max_slots], UncutReason.TOO_MANY_SLOTS)
        if not are_isolated(self._page.text, document, slots):
            raise _cannot_cut(self._first_not_isolated(len(slots)) if names_slot else slots[0], UncutReason.NOT_APART)
        return tuple(SlotRange(slot.name, slot.start, slot.end) for slot in slots)

    def _find_all(self) -> tuple[Document, list[SlotCandidate]]:
        document = self._page.take()
        return document, _outermost([*self._marked(document), *self._selected(document)])

    def _marked(self, document: Document) -> Iterator[SlotCandidate]:
        for element in document.select(_MARKED):
            name = element.attr(MARKER) or element.attr("name") or ""
            yield from _candidates_of(name, element, "inside")

    def _selected(self, document: Document) -> Iterator[SlotCandidate]:
        for slot, selector in self._declared:
            try:
                elements = elements_by(selector, self._page, document)
            except TooManySiblings:
                raise CannotCut(UncutReason.TOO_MANY_SIBLINGS, 0, slot.name) from None
            matches = [found for element in elements for found in _candidates_of(slot.name, element, slot.place)]
            if len(matches) > 1:
                raise _cannot_cut(matches[1], UncutReason.SEVERAL_MATCHES)
            yield from matches

    def _first_not_isolated(self, count: int) -> SlotCandidate:
        """The first slot that is not isolated together with those before it (binary search)."""
        apart, not_apart = 0, count
        while not_apart - apart > 1:
            middle = (apart + not_apart) // 2
            document, slots = self._find_all()
            if are_isolated(self._page.text, document, slots[:middle]):
                apart = middle
            else:
                not_apart = middle
        return self._find_all()[1][not_apart - 1]


def _in_charset(selector: str | None, charset: str) -> str | None:
    """The selector for a page that is decoded as one character per byte; None if its charset lacks a character."""
    try:
        return selector and selector.encode(charset or "utf-8").decode("latin-1")
    except LookupError:
        return selector
    except UnicodeEncodeError:
        return None


def _candidates_of(name: str, element: Element, place: Place) -> Iterator[SlotCandidate]:
    """The candidate of an element; none for an element that the parser added, as an implied `body`."""
    where = element.source_location
    if where is None or where.start_tag is None:
        return
    opened, inside = where.start_tag.start_offset, where.start_tag.end_offset
    closed = where.end_tag.start_offset if where.end_tag else -1
    yield SlotCandidate(
        name=name,
        element=element,
        place=place,
        opened=opened,
        start=closed if place == "end" and where.end_tag else inside,
        end=inside if place == "start" else closed,
    )
