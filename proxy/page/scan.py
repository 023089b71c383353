"""Finds the slots of a page: which bytes a fill may replace.

A real tokenizer and tree builder read the page (never a regular expression: a rewriter that takes text for tags is a
cross-site-scripting gadget), once, when the page is stored. What counts as a slot:

* an element with `data-slot="home.hero"`, or `<tb-slot name="home.hero">`: its content is the slot;
* what a selector of `slots.yaml` finds on that path, if it finds exactly one element: its content, or the empty place
  right after its start tag or right before its end tag.

A marker in a script, comment, title, textarea, noscript or attribute is text, not a slot. Within a slot there are no
slots: the outermost wins. One name may stand in a page several times; all are filled alike.

The law: every marker is either a slot or the reason why the page is not cut. A slot has a written end tag, is a block
or custom element, and stands apart (`isolation.py`): filling it changes the page nowhere else. Whatever is in doubt
leaves the page as it came.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import turbohtml
from turbohtml import Document, Element, Namespace

from proxy.errors import EditorError
from proxy.page.isolation import Found, are_isolated
from proxy.page.markup import Markup
from proxy.page.slots import SLOT_NAME, DeclaredSlot, Place

MARKER = "data-slot"

BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dt",
    "fieldset", "figcaption", "figure", "footer", "header", "li", "main", "nav", "search", "section", "td", "th",
})  # fmt: skip
"""HTML elements that may hold any flow content, and so a banner."""

_PLACES: tuple[Place, ...] = ("start", "inside", "end")
"""In the order in which they stand when they share a byte."""


class Doubt(enum.StrEnum):
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


_EXPLAINED = {
    Doubt.NO_SLOTS: "has no slots",
    Doubt.CHARSET: "is in an encoding whose markup cannot be told from its text",
    Doubt.SLOT_NAME: "has a slot whose name `{slot}` is not dotted lower case, like `home.hero`",
    Doubt.NOT_A_BLOCK: "has slot `{slot}` on an element that cannot hold a banner; put it on a `div`",
    Doubt.NO_END_TAG: "has slot `{slot}` without a closing tag",
    Doubt.SEVERAL_MATCHES: "has several elements for slot `{slot}`; narrow its selector in `slots.yaml`",
    Doubt.NOT_APART: "has slot `{slot}` where tags around it are not closed properly, or where no block may stand",
    Doubt.NOT_JSON: "is no JSON that can be read",
    Doubt.SEVERAL_VALUES: "has the value of slot `{slot}` twice",
    Doubt.CARD_TWICE: "has one product twice in `{slot}`",
    Doubt.CARD_NOT_CLOSED: "has a card without a closing tag in `{slot}`",
    Doubt.CARDS_NOT_APART: "has cards in `{slot}` that cannot change places without changing more: tags are left open",
    Doubt.TOO_MANY_CARDS: "has more cards in `{slot}` than are put in order",
    Doubt.TOO_MANY_SLOTS: "has more slots than `max_slots`; the first too many is `{slot}`",
}


@dataclass(frozen=True, slots=True)
class Uncut:
    """The page is not cut. `offset` is the byte at fault; `slot` the slot's name, "" if no slot is at fault."""

    reason: Doubt
    offset: int
    slot: str = ""

    def __str__(self) -> str:
        where = "" if self.reason is Doubt.NO_SLOTS else f" (byte {self.offset})"
        return f"the page {_EXPLAINED[self.reason].format(slot=self.slot)}{where}"


@dataclass(frozen=True, slots=True)
class SlotRange:
    """The bytes `start` to `end` (exclusive) of a page are the default content of slot `name`."""

    name: str
    start: int
    end: int


class InDoubt(Exception):
    """Raised within the search, with the verdict."""

    def __init__(self, reason: Doubt, offset: int, slot: str = "") -> None:
        super().__init__(reason)
        self.verdict = Uncut(reason, offset, slot)


def find_slots(
    page: Markup,
    *,
    path: str,
    declared: Iterable[DeclaredSlot] = (),
    max_slots: int = 50,
    marker: str = MARKER,
    tells_which: bool = True,
) -> tuple[SlotRange, ...] | Uncut:
    """The slots of a page, in page order, none overlapping another; or why it cannot be cut.

    `path` is percent-decoded. The selectors of `declared` have passed `check_selector`. `marker` is the attribute that
    marks a slot, for shops whose framework uses `data-slot` for something else. Unless it `tells_which`, nobody looks
    for the slot that does not stand apart, which takes some parsing: the first one is named.
    """
    wanted = [slot for slot in declared if slot.selector and slot.is_on(path) and not slot.is_list]
    if not wanted and page.foreign_at < 0 and page.document.select_one(_marked_by(marker)) is None:
        return Uncut(Doubt.NO_SLOTS, 0)
    try:
        must_be_ascii_superset(page)
        return _Search(page, wanted, marker).run(max_slots, tells_which=tells_which)
    except InDoubt as doubt:
        return doubt.verdict


def check_selector(selector: str) -> None:
    """Raises `EditorError` when `selector` is not a CSS selector."""
    try:
        turbohtml.parse("").select(selector)
    except turbohtml.SelectorSyntaxError as error:
        raise EditorError(
            f"`{selector}` is not a CSS selector: {error}", help="write one like `main > .hero`"
        ) from error


def _marked_by(marker: str) -> str:
    return f"[{marker}],tb-slot"


def must_be_ascii_superset(page: Markup) -> None:
    """Raises `InDoubt` for a page in whose encoding bytes do not say what is markup."""
    if page.foreign_at >= 0:
        raise InDoubt(Doubt.CHARSET, page.foreign_at)


def _outermost(found: Iterable[Found]) -> list[Found]:
    """The elements in page order, without those within another. Raises when one cannot be a slot."""
    kept: list[Found] = []
    for slot in sorted(found, key=lambda slot: (slot.start, _PLACES.index(slot.place))):
        if kept and slot.is_within(kept[-1]):
            continue
        _must_be_a_slot(slot)
        kept.append(slot)
    return kept


def _must_be_a_slot(slot: Found) -> None:
    if not SLOT_NAME.fullmatch(slot.name):
        raise _doubt(slot, Doubt.SLOT_NAME)
    if not _may_hold_blocks(slot):
        raise _doubt(slot, Doubt.NOT_A_BLOCK)
    if slot.end < 0:
        raise _doubt(slot, Doubt.NO_END_TAG)


def _doubt(slot: Found, reason: Doubt) -> InDoubt:
    return InDoubt(reason, slot.opened, slot.name)


def _may_hold_blocks(slot: Found) -> bool:
    tag = slot.element.tag
    if slot.element.namespace is not Namespace.HTML:
        return False
    return tag in BLOCKS or "-" in tag or (tag == "head" and slot.place != "inside")


class _Search:
    """The search in one page; may be repeated on a fresh tree."""

    def __init__(self, page: Markup, declared: Sequence[DeclaredSlot], marker: str) -> None:
        self._page = page
        self._marker = marker
        self._declared = [(slot, found) for slot in declared if (found := _in_charset(slot.selector, page.charset))]

    def run(self, max_slots: int, *, tells_which: bool) -> tuple[SlotRange, ...]:
        document, slots = self._look()
        if not slots:
            raise InDoubt(Doubt.NO_SLOTS, 0)
        if len(slots) > max_slots:
            raise _doubt(slots[max_slots], Doubt.TOO_MANY_SLOTS)
        if not are_isolated(self._page.text, document, slots):
            raise _doubt(self._first_not_apart(len(slots)) if tells_which else slots[0], Doubt.NOT_APART)
        return tuple(SlotRange(slot.name, slot.start, slot.end) for slot in slots)

    def _look(self) -> tuple[Document, list[Found]]:
        document = self._page.take()
        return document, _outermost([*self._marked(document), *self._selected(document)])

    def _marked(self, document: Document) -> Iterator[Found]:
        for element in document.select(_marked_by(self._marker)):
            name = element.attr(self._marker) or element.attr("name") or ""
            yield from _found(name, element, "inside")

    def _selected(self, document: Document) -> Iterator[Found]:
        for slot, selector in self._declared:
            matches = [
                found for element in document.select(selector) for found in _found(slot.name, element, slot.place)
            ]
            if len(matches) > 1:
                raise _doubt(matches[1], Doubt.SEVERAL_MATCHES)
            yield from matches

    def _first_not_apart(self, count: int) -> Found:
        """The first slot that is not isolated beside those before it."""
        apart, not_apart = 0, count
        while not_apart - apart > 1:
            middle = (apart + not_apart) // 2
            document, slots = self._look()
            if are_isolated(self._page.text, document, slots[:middle]):
                apart = middle
            else:
                not_apart = middle
        return self._look()[1][not_apart - 1]


def _in_charset(selector: str | None, charset: str) -> str | None:
    """The selector as it reads in a page decoded one character a byte; None when the page cannot spell it."""
    try:
        return selector and selector.encode(charset or "utf-8").decode("latin-1")
    except LookupError:
        return selector
    except UnicodeEncodeError:
        return None


def _found(name: str, element: Element, place: Place) -> Iterator[Found]:
    """The slot of an element; nothing for one the parser added and nobody wrote, as an implied `body`."""
    where = element.source_location
    if where is None or where.start_tag is None:
        return
    opened, inside = where.start_tag.start_offset, where.start_tag.end_offset
    closed = where.end_tag.start_offset if where.end_tag else -1
    yield Found(
        name=name,
        element=element,
        place=place,
        opened=opened,
        start=closed if place == "end" and where.end_tag else inside,
        end=inside if place == "start" else closed,
    )
