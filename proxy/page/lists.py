"""Lists of the shop: an element with `data-list="search"` (or one that a selector of `slots.yaml` finds) whose children
have `data-product="SKU"`, themselves or within. Their cards may be in another order for each visitor.

Only whole cards move, each with all its bytes; everything between them and around the list stays. Whether cards may be
reordered is tested when the page is stored, by reversing them and parsing the page again: if anything else in the tree
changes, the list stays as the origin sorted it.

React or Vue would move the cards of a hydrated page back. There each stays, as do the elements between them: all get an
attribute that the stylesheet turns into their position (`order`, in a flex or grid container)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple
from weakref import WeakSet

import turbohtml
from turbohtml import Element

from proxy.memo import make_room
from proxy.page.fragments import Fragment
from proxy.page.markup import Framework, Markup, framework_of
from proxy.page.piece import Piece, joined
from proxy.page.product_row import VisitorFragment
from proxy.page.scan import SlotRange, Uncut, UncutReason
from proxy.page.selecting import TooManySiblings, elements_by
from proxy.page.slots import LISTING, MOST_ORDERED, ORDER_STYLESHEET, DeclaredSlot, stylesheet_url

MARKER = "data-list"
PRODUCT = "data-product"
"""The attribute that names a card's product, unless `slots.yaml` names another."""
ADDRESS = "href"
"""An attribute that names a product by the address of its page, not by its id."""
MOST_CARDS = MOST_ORDERED
_MOST_SEEN = 500
"""Orders of a list that are remembered, by their hashes: each visitor may have one of their own, for each list."""
MOST_JOINED_BYTES = 32 * 1024 * 1024
"""Memory for the joined lists of all pages. Beyond that all are dropped."""


@dataclass(frozen=True, eq=False)
class CardList:
    """The cards of a list in the origin's order: their products, their bytes, and the bytes between them (`gaps`). For
    a hydrated list, `places` are their positions among its elements, from 1, and `attribute_at` the offset in each card
    where an attribute may be inserted; both are () for other lists. An order that is needed again is joined to one
    piece. `pages`: its page as made with such an order, and the order, by all that the page depends on."""

    products: tuple[str, ...]
    cards: tuple[Piece, ...]
    gaps: tuple[Piece, ...]
    attribute_at: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    _seen: dict[int, None] = field(default_factory=dict, repr=False)
    _joined: dict[tuple[int, ...], Fragment] = field(default_factory=dict, repr=False)
    pages: dict[Hashable, tuple[Fragment | None, object]] = field(default_factory=dict, repr=False)

    def in_order(self, order: Sequence[str]) -> Fragment | None:
        """The list in this order of its products; None if that is the origin's order."""
        if tuple(order) == self.products:
            return None
        place_of = {product: place for place, product in enumerate(self.products)}
        places = tuple([place_of[product] for product in order])
        hot = self._joined.get(places)
        if hot is not None:
            return hot
        parts = self._with_order_attributes(places) if self.attribute_at else self._with_moved_cards(places)
        if (order_hash := hash(places)) not in self._seen:
            make_room(self._seen, _MOST_SEEN)
            self._seen[order_hash] = None
            return VisitorFragment(tuple(parts))
        made = self._joined[places] = Fragment((joined(parts),))
        _JOINED_LISTS.keep(self, sum(part.size + len(part.deflated) for part in parts))
        return made

    def forget(self) -> None:
        """Drops all joined pieces, and the pages that hold them."""
        self._joined.clear()
        self.pages.clear()

    def _with_moved_cards(self, places: Sequence[int]) -> list[Piece]:
        parts = [self.cards[places[0]]]
        for gap, place in zip(self.gaps, places[1:], strict=True):
            parts += (gap, self.cards[place])
        return [part for part in parts if part.plain]

    def _with_order_attributes(self, places: Sequence[int]) -> list[Piece]:
        orders = {card: self.places[number] for number, card in enumerate(places)}
        parts: list[Piece] = []
        for number, (card, at) in enumerate(zip(self.cards, self.attribute_at, strict=True)):
            parts += (Piece(with_order_attributes(card.plain, [(at, orders[number])])), *self.gaps[number : number + 1])
        return parts


def with_order_attributes(markup: bytes, places: Iterable[tuple[int, int]]) -> bytes:
    """The markup with the attribute for the position of each element, inserted `at` an offset."""
    parts: list[bytes] = []
    cursor = 0
    for at, place in places:
        parts += (markup[cursor:at], b' data-tb-order="%d"' % place)
        cursor = at
    return b"".join((*parts, markup[cursor:]))


class _JoinedLists:
    """The lists that have joined pieces, and the bytes of these."""

    def __init__(self) -> None:
        self._lists: WeakSet[CardList] = WeakSet()
        self._bytes = 0

    def keep(self, cards: CardList, size: int) -> None:
        """Counts a joined piece of a list; drops all pieces if there are too many."""
        self._bytes += size
        if self._bytes > MOST_JOINED_BYTES:
            for one in self._lists:
                one.forget()
            self._lists, self._bytes = WeakSet(), 0
        self._lists.add(cards)


_JOINED_LISTS = _JoinedLists()


@dataclass(frozen=True, slots=True)
class ListAt:
    """A list in a page: its bytes from the first card to the end of the last, and its cards."""

    range: SlotRange
    cards: CardList


class Lists(NamedTuple):
    """The lists whose cards may be reordered, in page order; and for the others why not."""

    found: tuple[ListAt, ...] = ()
    left_as_is: tuple[Uncut, ...] = ()


def find_lists(page: Markup, *, path: str, declared: Iterable[DeclaredSlot], taken: Sequence[SlotRange] = ()) -> Lists:
    """The lists that `declared` names and the page has; those within a slot `taken` are left out."""
    wanted = _in_html(declared, path)
    if not any(_attribute(slot).encode() in page.body for slot in wanted):
        return Lists()
    if page.foreign_at >= 0:
        return Lists((), (Uncut(UncutReason.CHARSET, page.foreign_at),))
    framework = framework_of(page.document, page.body)
    return without_overlaps(taken, (at for slot in wanted for at in _lists(page, slot, framework)))


def without_overlaps(taken: Sequence[SlotRange], lists: Iterable[ListAt | Uncut]) -> Lists:
    """The lists that may be reordered, and the others. A list within a slot or an earlier list is dropped."""
    found, left = list[ListAt](), list[Uncut]()
    for at in lists:
        if isinstance(at, Uncut):
            left.append(at)
        elif not any(map(at.range.overlaps, (*taken, *(one.range for one in found)))):
            found.append(at)
        elif slot := next(filter(at.range.holds, taken), None):
            left.append(Uncut(UncutReason.SLOT_AMONG_CARDS, slot.start, at.range.name))
    return Lists(tuple(sorted(found, key=lambda at: at.range.start)), tuple(left))


def reason_not_to_reorder(products: Sequence[str]) -> UncutReason | None:
    """Why a list of these products must not be reordered, in HTML or JSON; None if it may be."""
    if len(set(products)) < len(products):
        return UncutReason.CARD_TWICE
    return UncutReason.TOO_MANY_CARDS if len(products) > MOST_CARDS else None


def _in_html(declared: Iterable[DeclaredSlot], path: str) -> list[DeclaredSlot]:
    return [slot for slot in declared if slot.is_list and not slot.json and slot.is_on(path)]


def _attribute(slot: DeclaredSlot) -> str:
    return slot.product or PRODUCT


def with_order_stylesheet(page: Markup, *, path: str, declared: Sequence[DeclaredSlot]) -> Markup:
    """The page with the stylesheet for the positions of cards, if a framework hydrates it and it may have a list. The
    stylesheet is last in the head, so that nothing is shown before it is loaded."""
    wanted = _in_html(declared, path)
    body = page.body
    if not any(_attribute(slot).encode() in body for slot in wanted):
        return page
    head = page.document.select_one("head") if framework_of(page.document, body).name else None
    where = head.source_location if head else None
    if where is None or where.end_tag is None:
        return page
    at = where.end_tag.start_offset
    link = f'<link rel="stylesheet" href="{stylesheet_url(ORDER_STYLESHEET)}">'
    return page.of(body[:at] + link.encode() + body[at:])


def _lists(page: Markup, slot: DeclaredSlot, framework: Framework) -> Iterator[ListAt | Uncut]:
    body = page.body
    selector = slot.selector or f'[{MARKER}="{slot.name.removeprefix(LISTING)}"]'
    try:
        elements = elements_by(selector, page)
    except TooManySiblings:
        yield Uncut(UncutReason.TOO_MANY_SIBLINGS, 0, slot.name)
        return
    for number, element in enumerate(elements):
        children = list(_children(element, _attribute(slot)))
        spans = [child for child in children if child.product]
        if len(spans) < 2:
            continue
        products, is_hydrated = tuple(span.product for span in spans), framework.renders(element)
        doubt = reason_not_to_reorder(products)
        if any(span.end < 0 for span in spans):
            doubt = UncutReason.CARD_NOT_CLOSED
        elif is_hydrated and len(children) > MOST_ORDERED:
            doubt = UncutReason.TOO_MANY_CARDS
        elif not doubt and not is_hydrated and not _may_move(page.text, spans, selector, number, _attribute(slot)):
            doubt = UncutReason.CARDS_NOT_APART
        if doubt:
            yield Uncut(doubt, spans[0].start, slot.name)
            continue
        cards = tuple(Piece(body[span.start : span.end]) for span in spans)
        between = [(one.end, two.start) for one, two in pairwise(spans)]
        at = SlotRange(slot.name, spans[0].start, spans[-1].end)
        if not is_hydrated:
            yield ListAt(at, CardList(products, cards, tuple(Piece(body[start:end]) for start, end in between)))
            continue
        others = [[child for child in children if start <= child.start < end] for start, end in between]
        gaps = tuple(
            Piece(
                with_order_attributes(body[start:end], [(child.attribute_at - start, child.place) for child in found])
            )
            for (start, end), found in zip(between, others, strict=True)
        )
        marks = tuple(span.attribute_at - span.start for span in spans)
        yield ListAt(at, CardList(products, cards, gaps, marks, tuple(span.place for span in spans)))


class _Child(NamedTuple):
    """An element of a list: its product ("" if it is no card), its position from 1, where it starts and ends (-1
    without a written end tag), and where an attribute may be inserted."""

    product: str
    place: int
    start: int
    end: int
    attribute_at: int


def _children(element: Element, attribute: str) -> Iterator[_Child]:
    place = 0
    for child in element.children:
        if not isinstance(child, Element):
            continue
        where = child.source_location
        if where is None or where.start_tag is None:
            continue
        place += 1
        start = where.start_tag.start_offset
        end = where.end_tag.end_offset if where.end_tag else -1
        yield _Child(_product_of(child, attribute), place, start, end, start + 1 + len(child.tag))


def _product_of(card: Element, attribute: str) -> str:
    """The product that a card names, or the elements within it, if it is one alone; by `href`, the address of the first
    link to a page. "" for what is no card."""
    if own := card.attr(attribute):
        return own
    named = [each.attr(attribute) or "" for each in card.select(f"[{attribute}]")]
    if attribute == ADDRESS:
        return next((link for link in named if "/" in link), "")
    return named[0] if len(set(named)) == 1 else ""


def _may_move(text: str, spans: Sequence[_Child], selector: str, number: int, attribute: str) -> bool:
    """True if the page with the cards in reverse order has the same tree except for that."""
    plain = turbohtml.parse(text, scripting=True)
    turned = turbohtml.parse(_reversed(text, spans), scripting=True)
    lists = [document.select(selector) for document in (plain, turned)]
    if len(lists[0]) != len(lists[1]) or number >= len(lists[0]):
        return False
    before, after = ([c for c in found[number].children if _is_card(c, attribute)] for found in lists)
    if [card.html for card in after] != [card.html for card in reversed(before)]:
        return False
    for card in (*before, *after):
        card.decompose()
    for document in (plain, turned):
        if document.root is not None:
            document.root.normalize()
    return plain.equals(turned)


def _is_card(node: object, attribute: str) -> bool:
    return isinstance(node, Element) and bool(_product_of(node, attribute))


def _reversed(text: str, spans: Sequence[_Child]) -> str:
    pieces, cursor = [], 0
    for span, other in zip(spans, reversed(spans), strict=True):
        pieces += [text[cursor : span.start], text[other.start : other.end]]
        cursor = span.end
    return "".join([*pieces, text[cursor:]])
